/** @file What is known of a set of rows while it is put together. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readJsonLines } from '../../data/jsonl.js';
import type { ChatTokenizer } from '../../text/tokenizer.js';
import type { Trace, TrainingRun, WayStep } from '../model.js';
import type { FoundFolder } from './folders.js';
import { settingsOf } from './json.js';
import type { Limits } from './limits.js';
import { locate, type NamedPaths } from './locate.js';
import type { EvaluationProblems } from './nearest.js';

/** Tokens of one response with numbers, before they are put together to characters. */
export interface RowTokens {
  ids: number[];
  weights?: number[];
  scalars?: Record<string, number>;
  columns: Map<string, number[]>;
}

/** The column of what `--keep-tokens` keeps. */
export const DRAWN = 'drawn';

/** A response while its row is put together. */
export interface OpenTrace extends Trace {
  own?: RowTokens;
  tokenizer?: ChatTokenizer;
}

/** A row while it is put together. */
export interface OpenRow {
  id: string;
  fate: string;
  problem: string;
  gold: string | null;
  /** By the number of the generation, from 0. */
  traces: Map<number, OpenTrace>;
  made: { right: number; wrong?: number; weight?: number }[];
  way: WayStep[];
}

export const openRow = (id: string, fate: string): OpenRow => ({
  ...{ id, fate, problem: '', gold: null },
  ...{ traces: new Map(), made: [], way: [] },
});

export interface TraceOptions {
  found: readonly FoundFolder[];
  runs: readonly TrainingRun[];
  /** Files of tokens that a user has named. */
  columns: readonly string[];
  /** All that a user has named: rows are read from nothing else. */
  mayRead: NamedPaths;
  problems: EvaluationProblems;
  limits: Limits;
  /** What makes a report whole, for sentences. */
  command: string;
  /** A path as the report says it. */
  shown: (path: string) => string;
}

/** A set while it is put together. */
export interface OpenSetOfRows {
  folder: FoundFolder;
  rows: Map<string, OpenRow>;
  notes: string[];
  /** Where its rows are from, and what holds them. */
  files: string[];
}

/** Rows of a file of results, which may be missing, being written or damaged. */
export function* linesOf(path: string): Generator<Record<string, unknown>> {
  if (!existsSync(path)) return;
  for (const { row } of readJsonLines(path, () => undefined)) yield row;
}

/** The files that a curation has read, which may not be there any more. */
export const filesOf = ({ dir, record }: FoundFolder): string[] =>
  [settingsOf(record).data].flat().flatMap((path) => locate(path, dir) ?? []);

/** The files, and those that `verify` has made them of. */
export const originsOf = (files: readonly string[], found: readonly FoundFolder[]): string[] =>
  files.flatMap((file) => {
    const verified = found.find(
      ({ dir, record }) => record.command === 'verify' && dirname(file) === resolve(dir),
    );
    return [file, ...(verified ? filesOf(verified) : [])];
  });
