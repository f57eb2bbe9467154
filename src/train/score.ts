/** @file Scores every row of a file under a model: what `redistill score` calls. */
import { setImmediate } from 'node:timers/promises';
import { rowError } from '../data/jsonl.js';
import { readTrainingRecords } from '../data/records.js';
import { resolveModel } from '../hub/resolve.js';
import { loadModel } from '../models/checkpoint.js';
import { Scorer } from '../models/scorer.js';
import { requireEmbeddings } from '../models/tokenIds.js';
import type { Transformer } from '../models/transformer.js';
import { openDevice, setThreads } from '../torch/runtime.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import type { Layout, TokenRow } from '../text/tokenRows.js';
import type { ComputeDtype } from '../util/computeDtype.js';
import { UserError } from '../util/errors.js';
import type { Progress } from '../util/progress.js';
import { tokenizeFile } from './examples.js';
import { packByTokenBudget } from './tokenBudget.js';

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

export type RowScore = SequenceScore | { chosen: SequenceScore; rejected: SequenceScore };

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
  const how = { layout, onRows, ...(system !== undefined && { system }) };
  const examples = await tokenizeFile(data, await readTrainingRecords(data, onNotice), tokenizer, how);
  using model = loadModel(path, {
    dtype: options.dtype,
    device: options.device,
    exact: options.exact ?? false,
    onNotice,
  }).model;
  const { maxPositions, vocabSize } = model.config;
  for (const { line, parts } of examples) {
    for (const { row } of parts) {
      requireEmbeddings(row.ids, vocabSize, `${data}, line ${line}`);
      if (row.ids.length > maxPositions) {
        throw rowError(
          data,
          line,
          `its ${row.ids.length} tokens are more than the model's ${maxPositions} positions; shorten or remove the row`,
        );
      }
    }
  }
  const all = examples.flatMap(({ parts }) => parts.map(({ row }) => row));
  const scores = await scoreRows(model, all, options, progress, signal);
  let next = 0;
  return examples.map(({ parts }) => {
    const [first, second] = scores.slice(next, (next += parts.length));
    return second ? { chosen: first!, rejected: second } : first!;
  });
}

async function scoreRows(
  model: Transformer,
  rows: readonly TokenRow[],
  { tokens, tokenBudget }: ScoreOptions,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<SequenceScore[]> {
  using scorer = new Scorer(model);
  const scores: SequenceScore[] = [];
  let done = 0;
  const lengths = rows.map((row) => row.ids.length);
  for (const members of packByTokenBudget(lengths, tokenBudget)) {
    const logps = scorer.score(members.map((i) => rows[i]!));
    if (!logps.every((row) => row.every(Number.isFinite)))
      throw new UserError(
        'the model computes log-probabilities that are not finite: its weights are damaged or diverged',
      );
    members.forEach((i, position) => (scores[i] = summarise(rows[i]!, logps[position]!, tokens)));
    done += members.length;
    progress.update(done, rows.length, 'sequences');
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
