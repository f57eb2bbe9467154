/** @file Columns of a tiny model, as the tests of them make them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addColumn, type ColumnOptions } from '../../src/train/columns.js';
import { scoreFile, type RowScore, type SequenceScore } from '../../src/train/score.js';
import { silentProgress } from '../../src/util/progress.js';
import { writeRows } from './tinyModel.js';
import { model, pairs, root } from './trainingRuns.js';

export interface Sequence {
  role: string;
  prompt: { ids: number[] };
  response: { ids: number[]; weights?: number[]; segment?: number }[];
  scalars?: Record<string, number>;
  columns: Record<string, number[]>;
}
export type Row = Record<string, unknown> & { sequences: Sequence[] };

export const defaults = {
  ...{ model, data: pairs, as: 'teacher', read: 'logps', strength: 1, k: 2, dtype: 'f32', device: 'cpu' },
  ...{ layout: 'template', tokenBudget: 64 },
} as const satisfies ColumnOptions;

export async function columned(
  options: Partial<ColumnOptions> = {},
  signal?: AbortSignal,
): Promise<{ rows: Row[]; said: string[] }> {
  const rows: Row[] = [];
  const said: string[] = [];
  const progress = { ...silentProgress, log: (sentence: string) => said.push(sentence) };
  await addColumn({ ...defaults, ...options }, { write: (row) => rows.push(row as Row) }, progress, signal);
  return { rows, said };
}

/** Scores of single sequences, from whatever rows. */
export async function scored(data: string): Promise<SequenceScore[]> {
  const { dtype, device, layout } = defaults;
  const rows = await scoreFile(
    { model, data, dtype, device, layout, tokens: true, tokenBudget: 64 },
    silentProgress,
  );
  return rows.flatMap((row: RowScore) =>
    'chosen' in row ? [row.chosen, row.rejected] : 'sequences' in row ? row.sequences : [row],
  );
}

export const written = (rows: readonly object[]) =>
  writeRows(join(root, `rows-${Math.random()}.jsonl`), rows);
export const all = ({ rows }: { rows: Row[] }) => rows.flatMap(({ sequences }) => sequences);
export const ids = ({ response }: Sequence) => response.flatMap((part) => part.ids);

/** One row for each token of the vocabulary, as the response to the same prompt: all probabilities of its place. */
export function eachToken(prompt: readonly number[]): string {
  const config = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8')) as { vocab_size: number };
  return written(
    Array.from({ length: config.vocab_size }, (_, id) => ({
      sequences: [{ role: 'sample', prompt: { ids: prompt }, response: [{ ids: [id] }], end: false }],
    })),
  );
}
