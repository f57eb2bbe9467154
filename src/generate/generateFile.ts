/** @file Responses to the prompts of a file, written as they come. The work of the command `generate`. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { readPrompts } from '../data/prompts.js';
import { ruleFiles, type SamplingSettings } from '../teacher/settings.js';
import type { ComputeDtype } from '../util/computeDtype.js';
import { fingerprintPath } from '../util/fingerprint.js';
import type { Progress } from '../util/progress.js';
import type { Completion } from './generator.js';
import { KeptRows, type KeptRow } from './keptRows.js';
import { openGenerator } from './open.js';
import { encodePrompts } from './prompts.js';
import { openRules } from './rules/open.js';
import { samplingOf } from './sampling.js';

export interface GenerateFileSettings {
  /** A model directory. */
  model: string;
  /** A file of rows; "-" is standard input. */
  prompts: string;
  prefix_field?: string | undefined;
  raw: boolean;
  samples: number;
  system?: string | undefined;
  sampling: Omit<SamplingSettings, 'extra_body' | 'keep_tokens'>;
  dtype: ComputeDtype;
  device: string;
  exact: boolean;
  /** Add the ids, their log-probs, and which of them were forced. */
  tokens: boolean;
  batch_size?: number | undefined;
}

/** Where responses are until all are there. */
export const keptFile = (out: string): string => `${out}.begun`;

/** Whether responses are kept there: beside a file, not beside a device or a pipe. */
export const keepsRows = (out: string | undefined): out is string =>
  out !== undefined && out !== '-' && (statSync(out, { throwIfNoEntry: false })?.isFile() ?? true);

/**
 * Samples responses and writes them in the order of the prompts.
 * @param write takes each row, and all of them in their order
 * @param kept a file that has the responses as they come; without one they are held until those before them are there
 * @throws UserError for prompts and settings that are not possible, and where `kept` is of another run
 */
export async function generateRows(
  settings: GenerateFileSettings,
  write: (row: object) => void,
  kept: string | undefined,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const { sampling, samples, system, raw, tokens, batch_size: batchSize } = settings;
  const path = settings.prompts === '-' ? '/dev/stdin' : settings.prompts;
  const prompts = await readPrompts(path, settings.prefix_field);
  using opened = openGenerator(settings.model, {
    ...settings,
    helper: sampling.helper_model,
    onNotice: (sentence) => {
      progress.log(sentence);
    },
  });
  const { max_tokens: maxNewTokens, seed, forced_prefix: forcedPrefix } = sampling;
  const encoded = await encodePrompts(opened.tokenizer, path, prompts, {
    raw,
    ...(system !== undefined && { system }),
    ...(forcedPrefix !== undefined && { forcedPrefix }),
  });
  const rowOf = (completion: Completion, index: number): KeptRow => {
    const prompt = Math.floor(index / samples);
    const prefix = prompts[prompt]!.prefix ?? forcedPrefix ?? '';
    return responseRow(completion, { prompt, sample: index % samples, prefix, tokens });
  };
  const options = {
    ...{ samples, maxNewTokens, seed, ...samplingOf(sampling), rules: await openRules(sampling) },
    ...{ logps: tokens, signal, ...(batchSize !== undefined && { batchSize }) },
  };
  const onProgress = ({ finished, total }: { finished: number; total: number }) => {
    progress.update(finished, total);
  };
  if (kept === undefined) {
    const order = new Order(write);
    const take = (done: Completion, index: number) => {
      order.add(index, rowOf(done, index));
    };
    await opened.generator.stream(encoded, options, take, onProgress);
    return;
  }
  const prompted = createHash('sha256');
  for (const { ids } of encoded) prompted.update(`${ids.length}\n`).update(ids);
  await using rows = await KeptRows.open(kept, madeOf(settings, prompted.digest('hex')));
  const take = (done: Completion, index: number) => {
    rows.add(index, rowOf(done, index));
  };
  await opened.generator.stream(encoded, options, take, onProgress, rows.before);
  for await (const row of rows.rows()) write(row);
}

/** What the rows of a run follow from. */
function madeOf(settings: GenerateFileSettings, prompts: string): Record<string, unknown> {
  const { model, sampling, prefix_field: prefixField, ...others } = settings;
  const { helper_model: helper, ...drawn } = sampling;
  const modules = ruleFiles(sampling);
  return {
    ...{ ...others, model: fingerprintPath(model), prompts, sampling: drawn },
    ...(helper !== undefined && { helper_model: fingerprintPath(helper) ?? 'absent' }),
    ...(prefixField !== undefined && { prefix_field: prefixField }),
    ...(modules.length > 0 && { rules: modules.map((file) => fingerprintPath(file) ?? 'absent') }),
  };
}

function responseRow(
  { ids, text, finishReason, rule, logps = new Float64Array(), forced }: Completion,
  place: { prompt: number; sample: number; prefix: string; tokens: boolean },
): KeptRow {
  return {
    ...{ prompt: place.prompt, sample: place.sample },
    text: place.prefix + text,
    tokens: ids.length,
    finish_reason: finishReason,
    ...(rule !== undefined && { rule }),
    ...(place.tokens && { ids: [...ids], logps: [...logps], forced: [...forced] }),
  };
}

/** Holds rows until those before them are there. */
class Order {
  #next = 0;
  readonly #waiting = new Map<number, object>();
  readonly #write: (row: object) => void;

  constructor(write: (row: object) => void) {
    this.#write = write;
  }

  add(index: number, row: object): void {
    this.#waiting.set(index, row);
    for (let next = this.#waiting.get(this.#next); next; next = this.#waiting.get(this.#next)) {
      this.#write(next);
      this.#waiting.delete(this.#next++);
    }
  }
}
