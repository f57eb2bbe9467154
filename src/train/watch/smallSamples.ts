/** @file A few short greedy responses to prompts of the training rows, by which collapse is seen. */
import type { Generator } from '../../generate/generator.js';
import type { Examples } from '../examples.js';
import { describeResponses } from './responses.js';
import type { Samples } from './sentinel.js';

/** Few and short, so that they cost next to nothing. */
const PROMPTS = 8;
const MOST_TOKENS = 48;
/** Longer prompts are passed over. */
const MOST_PROMPT_TOKENS = 512;

export interface SmallSamples {
  prompts: readonly { ids: Int32Array; name: string }[];
  /** Tokens of the data's own responses on average, those over the limit cut. */
  dataLength: number;
}

/** Chooses prompts, spread over the rows; undefined where there is none that is short enough. */
export function openSmallSamples(examples: Examples, maxPositions: number): SmallSamples | undefined {
  const wanted = Math.min(PROMPTS, examples.length);
  const rows = Array.from({ length: wanted }, (_, i) => {
    const { line, parts } = examples.at(Math.floor((i * examples.length) / wanted));
    const { ids, responseStart } = parts[0]!.row;
    return { line, ids: ids.slice(0, responseStart), length: ids.length - responseStart };
  }).filter(({ ids }) => ids.length <= Math.min(MOST_PROMPT_TOKENS, maxPositions - MOST_TOKENS));
  if (rows.length === 0) return undefined;
  return {
    prompts: rows.map(({ line, ids }) => ({ ids, name: `the prompt of line ${line}` })),
    dataLength: rows.reduce((sum, { length }) => sum + Math.min(length, MOST_TOKENS), 0) / rows.length,
  };
}

/** @param before asked between tokens; what it throws ends the sampling */
export async function drawSmallSamples(
  { prompts, dataLength }: SmallSamples,
  generator: Generator,
  before: () => void,
): Promise<Samples> {
  const signal = { throwIfAborted: before };
  const responses = await generator.generate(prompts, { maxNewTokens: MOST_TOKENS, signal });
  return { ...describeResponses(responses), dataLength };
}
