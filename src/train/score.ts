/** @file Scores every row of a file under a model: what `redistill score` calls. */
import { setImmediate } from 'node:timers/promises';
import { rowError } from '../data/jsonl.js';
import { resolveModel } from '../hub/resolve.js';
import { loadModel } from '../models/checkpoint.js';
import { Scorer } from '../models/scorer.js';
import { requireEmbedding } from '../models/tokenIds.js';
import type { Transformer } from '../models/transformer.js';
import { openDevice, setThreads } from '../torch/runtime.js';
import { ChatTokenizer, TextTooLong } from '../text/tokenizer.js';
import type { Layout, TokenRow } from '../text/tokenRows.js';
import type { ComputeDtype } from '../util/computeDtype.js';
import { UserError } from '../util/errors.js';
import type { Progress } from '../util/progress.js';
import { Examples, type ExamplePart } from './examples.js';
import { packByTokenBudget } from './tokenBudget.js';
import { openTokens } from './tokenCache.js';

export interface ScoreOptions {
  /** A model directory, a .gguf file, or a name that `models get` has fetched. */
  model: string;
  data: string;
  dtype: ComputeDtype;
  device: string;
  layout: Layout;
  /** A system message for rows that have none. */
  system?: string | undefined;
  /** Whether to add `ids` and `logps`. */
  tokens: boolean;
  tokenBudget: number;
  /** Whether a row's log-probs may not depend on other rows; f32 on the CPU. */
  exact?: boolean;
}

/** Score of one response, in natural log-probs. */
export interface SequenceScore {
  tokens: number;
  sum: number;
  mean: number;
  ids?: number[];
  logps?: number[];
}

export type RowScore =
  | SequenceScore
  | { chosen: SequenceScore; rejected: SequenceScore }
  | { sequences: (SequenceScore & { role: string })[] };

/**
 * Scores every row of a file, in input order.
 * @throws UserError for bad rows and for rows longer than the model's positions
 */
export async function scoreFile(
  options: ScoreOptions,
  progress: Progress,
  signal?: AbortSignal,
): Promise<RowScore[]> {
  setThreads();
  openDevice(options.device);
  const path = await resolveModel(options.model, progress);
  const tokenizer = ChatTokenizer.load(path);
  const { layout, system, data } = options;
  const onRows = (done: number, total: number) => {
    signal?.throwIfAborted();
    progress.update(done, total, 'tokenising');
  };
  const onNotice = (sentence: string) => {
    progress.log(sentence);
  };
  const how = { layout, onRows, onNotice, ...(system !== undefined && { system }) };
  const { file, tooLong } = await openTokens(data, tokenizer, how);
  using examples = new Examples(file);
  if (tooLong[0]) throw rowError(data, tooLong[0].line, new TextTooLong(tooLong[0].characters).message);
  using model = loadModel(path, {
    dtype: options.dtype,
    device: options.device,
    exact: options.exact ?? false,
    onNotice,
  }).model;
  const { maxPositions, vocabSize } = model.config;
  const parts: ExamplePart[] = [];
  for (const example of examples) {
    const { line } = example;
    for (const part of example.parts) {
      requireEmbedding(part.largestId, vocabSize, `${data}, line ${line}`);
      if (part.length > maxPositions) {
        throw rowError(
          data,
          line,
          `its ${part.length} tokens are more than the model's ${maxPositions} positions; shorten or remove the row`,
        );
      }
      parts.push(part);
    }
  }
  const scores = await scoreRows(model, parts, options, progress, signal);
  let next = 0;
  return Array.from(examples, ({ parts: own }): RowScore => {
    const found = scores.slice(next, (next += own.length));
    const of = (role: string) => found[own.findIndex((part) => part.role === role)];
    const [chosen, rejected] = [of('chosen'), of('rejected')];
    if (own.length === 2 && chosen && rejected) return { chosen, rejected };
    return own.length === 1 ? found[0]! : { sequences: own.map(({ role }, i) => ({ role, ...found[i]! })) };
  });
}

async function scoreRows(
  model: Transformer,
  parts: readonly ExamplePart[],
  { tokens, tokenBudget }: ScoreOptions,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<SequenceScore[]> {
  using scorer = new Scorer(model);
  const scores: SequenceScore[] = [];
  let done = 0;
  const lengths = parts.map(({ length }) => length);
  for (const members of packByTokenBudget(lengths, tokenBudget)) {
    const rows = members.map((i) => parts[i]!.row);
    const logps = scorer.score(rows);
    if (!logps.every((row) => row.every(Number.isFinite)))
      throw new UserError(
        'the model computes log-probabilities that are not finite: its weights are damaged or diverged',
      );
    members.forEach((i, position) => (scores[i] = summarise(rows[position]!, logps[position]!, tokens)));
    done += members.length;
    progress.update(done, parts.length, 'sequences');
    await setImmediate(); // lets signals through and the progress bar draw
    signal?.throwIfAborted();
  }
  return scores;
}

function summarise(row: TokenRow, logps: Float64Array, tokens: boolean): SequenceScore {
  const sum = logps.reduce((a, b) => a + b, 0);
  return {
    tokens: logps.length,
    sum,
    mean: sum / logps.length,
    ...(tokens && { ids: [...row.ids.subarray(row.responseStart)], logps: [...logps] }),
  };
}
