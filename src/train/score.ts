import { readTrainingRecords } from '../data/records.js';
import { loadModel } from '../models/checkpoint.js';
import { openDevice, setThreads } from '../torch/runtime.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import type { TokenRow } from '../text/rows.js';
import { UserError } from '../util/errors.js';
import type { Progress } from '../util/progress.js';
import { Scorer } from './engine.js';
import { packByTokenBudget } from './packing.js';

export interface ScoreOptions {
  model: string;
  data: string;
  dtype: 'f32' | 'bf16';
  device: string;
  layout: 'template' | 'redi';
  /** Add `ids` and `logps`. */
  tokens: boolean;
  tokenBudget: number;
}

/** Natural log-probs of one response. */
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
export async function scoreFile(options: ScoreOptions, progress: Progress): Promise<RowScore[]> {
  setThreads();
  openDevice(options.device);
  const tokenizer = ChatTokenizer.load(options.model);
  const records = readTrainingRecords(options.data).map((record) => ({ record, rows: rowsOfRecord(record, tokenizer, options) }));
  const { model } = loadModel(options.model, { dtype: options.dtype, device: options.device });
  using _model = model;
  using scorer = new Scorer(model);
  const all = records.flatMap(({ rows }) => rows);
  for (const { record, rows } of records) {
    const longest = Math.max(...rows.map((row) => row.ids.length));
    if (longest > model.config.maxPositions) {
      throw new UserError(
        `${options.data}, line ${record.line}: ${longest} tokens are more than the model's ${model.config.maxPositions} positions; shorten or remove the row`,
      );
    }
  }
  const scores: SequenceScore[] = [];
  let done = 0;
  const packs = packByTokenBudget(
    all.map((row) => row.ids.length),
    options.tokenBudget,
  );
  for (const members of packs) {
    const logps = scorer.score(members.map((i) => all[i]!));
    members.forEach((i, position) => (scores[i] = summarise(all[i]!, logps[position]!, options.tokens)));
    done += members.length;
    progress.update(done, all.length, 'sequences');
    await new Promise((resolve) => setImmediate(resolve));
  }
  let next = 0;
  return records.map(({ rows }) => {
    const [first, second] = scores.slice(next, (next += rows.length));
    return second ? { chosen: first!, rejected: second } : first!;
  });
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
