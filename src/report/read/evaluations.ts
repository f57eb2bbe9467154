/** @file Evaluations as a report shows them: those of the same problems side by side, their texts in chunks. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, parse } from 'node:path';
import { z } from 'zod';
import { isCutOff } from '../../data/finishReasons.js';
import { readSamples, samplesFile, samplesOf, type GradedRow } from '../../evaluate/samples.js';
import { gradedRows } from '../../evaluate/summary.js';
import { passAt1, passAtK, type ProblemResult } from '../../statistics/estimators.js';
import { wilsonInterval, normalInterval } from '../../statistics/intervals.js';
import { kindOf } from '../../evaluate/similar.js';
import { operationsOf } from '../../study/operations.js';
import { UserError } from '../../util/errors.js';
import { inLine } from '../../util/printable.js';
import type {
  Answer,
  EvaluationColumn,
  EvaluationSet,
  GradeSummary,
  Problem,
  ProblemChunk,
} from '../model.js';
import type { FoundFolder } from './folders.js';
import { readJson, shortened } from './json.js';
import { shortened as shortText } from './limits.js';

/** Characters of a chunk's texts, and its problems, at most. */
const [CHUNK_CHARACTERS, CHUNK_PROBLEMS] = [250_000, 50];
const HEAD = 140;
/** Problems of a set that rows of training are compared with, and characters of each. */
const [MOST_TEXTS, LONGEST_TEXT] = [20_000, 4_000];
/** Fields of rows by which results are divided, and the values that one may have. */
const [DIVIDED_BY, MOST_VALUES] = [['subject', 'level', 'difficulty', 'type', 'source'], 24];

/** What is kept of an evaluation while its texts are not. */
export interface Column {
  folder: FoundFolder;
  ids: string[];
  heads: string[];
  /** Characters of each row's texts, and of each response. */
  characters: number[];
  lengths: number[];
  /** What problems that resemble each other have in common, as a digest. */
  kinds: string[];
  /** Of its first problems, until another evaluation of them has them. */
  texts: string[];
  results: Map<string, ProblemResult[]>;
  responses: number[];
  cutOff: number[];
  tokens: (number | null)[];
  disputed: number[];
  fields: Map<string, (string | undefined)[]>;
  unreadable: Map<string, number>;
  /** Of ids and problems in their order. */
  digest: string;
}

/** A set of evaluations, and its chunks one after the other. */
export interface OpenSet {
  set: EvaluationSet;
  /** What problems that resemble each other have in common. */
  kinds: readonly string[];
  /** Texts of its first problems. */
  texts: readonly string[];
  /** Characters of all responses. */
  lengths: Float64Array;
  /** @param longest characters that a response keeps */
  chunks: (longest: number) => Generator<ProblemChunk>;
}

/**
 * Reads evaluations; those of the same problems in the same order are one set. An evaluation without a graded sample is left out.
 * @param columnOf reads one, or knows it already; undefined where it cannot be read
 */
export function readEvaluations(
  folders: readonly FoundFolder[],
  columnOf: (folder: FoundFolder) => Column | undefined = readColumn,
): OpenSet[] {
  const sets = new Map<string, Column[]>();
  for (const folder of folders) {
    if (!existsSync(join(folder.dir, samplesFile))) continue;
    const column = columnOf(folder);
    if (column === undefined || column.ids.length === 0) continue;
    const others = sets.get(column.digest) ?? [];
    sets.set(column.digest, [...others, column]);
  }
  const names = new Set<string>();
  return [...sets.values()].map((columns) => openSet(columns, names));
}

/** @throws UserError where the rows are damaged */
export function readColumn(folder: FoundFolder): Column {
  const column: Column = {
    ...{ folder, ids: [], heads: [], characters: [], lengths: [], kinds: [], texts: [] },
    ...{ responses: [], cutOff: [], tokens: [], disputed: [] },
    ...{ results: new Map(), fields: new Map(), unreadable: new Map(), digest: '' },
  };
  const digest = createHash('sha256');
  for (const row of gradedRows(samplesOf(folder.dir))) {
    const { id, problem, generations, generation_details: details } = row;
    digest.update(JSON.stringify([id, problem, row.answer]));
    column.ids.push(id);
    column.heads.push(inLine(problem.slice(0, 2 * HEAD), HEAD));
    column.characters.push(problem.length + generations.reduce((sum, text) => sum + text.length, 0));
    for (const { length } of generations) column.lengths.push(length);
    if (column.texts.length < MOST_TEXTS) column.texts.push(problem.slice(0, LONGEST_TEXT));
    column.kinds.push(createHash('sha256').update(kindOf(problem)).digest('base64url').slice(0, 16));
    column.responses.push(details.length);
    column.cutOff.push(details.filter(({ finish_reason }) => isCutOff(finish_reason)).length);
    column.tokens.push(meanOf(details.map(({ completion_tokens }) => completion_tokens)));
    column.disputed.push(details.filter(({ grades }) => isDisputed(grades)).length);
    for (const name of Object.keys(details[0]!.grades)) {
      const results = column.results.get(name) ?? [];
      column.results.set(name, results);
      const grades = details.map((detail) => detail.grades[name]!);
      results.push({ id, correct: grades.filter((grade) => grade.correct).length, samples: details.length });
      const none = grades.filter((grade) => grade.extracted === null).length;
      column.unreadable.set(name, (column.unreadable.get(name) ?? 0) + none);
    }
    readFields(column, row);
  }
  column.digest = digest.digest('hex');
  return column;
}

const isDisputed = (grades: GradedRow['generation_details'][number]['grades']): boolean =>
  new Set(Object.values(grades).map(({ correct }) => correct)).size > 1;

function meanOf(counts: readonly (number | null)[]): number | null {
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0) / known.length;
}

function readFields({ fields, ids }: Column, row: GradedRow): void {
  const place = ids.length - 1;
  const set = (field: string, value: unknown) => {
    if (typeof value !== 'string' && typeof value !== 'number') return;
    const values = fields.get(field) ?? [];
    fields.set(field, values);
    values[place] = inLine(String(value), 40);
  };
  for (const field of DIVIDED_BY) set(field, row[field]);
  set('operations', operationsOf(row));
}

function openSet(columns: readonly Column[], names: Set<string>): OpenSet {
  const [first] = columns as readonly [Column, ...Column[]];
  const summaries = columns.map(({ folder }) => readJson(join(folder.dir, 'summary.json'), summaryFile));
  const file = summaries.find((summary) => summary?.evaluation)?.evaluation?.data.file;
  const id = unlike(file === undefined ? 'problems' : parse(file).name, names);
  const name = file === undefined ? 'problems' : shortened(file);
  const graders = [...new Set(columns.flatMap(({ results }) => [...results.keys()]))];
  const chunks = chunkSizes(columns);
  return {
    set: {
      ...{ id, name, graders },
      columns: columns.map((column, i) => describeColumn(column, summaries[i])),
      problems: {
        ids: first.ids,
        heads: first.heads,
        right: columns.map(({ results }) =>
          Object.fromEntries(
            [...results].map(([grader, all]) => [grader, all.map(({ correct }) => correct)]),
          ),
        ),
        responses: columns.map(({ responses }) => responses),
        cutOff: columns.map(({ cutOff }) => cutOff),
        tokens: columns.map(({ tokens }) => tokens),
        disputed: columns.map(({ disputed }) => disputed),
        chunks,
      },
    },
    ...{ kinds: first.kinds, texts: first.texts },
    lengths: Float64Array.from(columns.flatMap(({ lengths }) => lengths)),
    chunks: (longest) => chunksOf(columns, chunks, longest),
  };
}

/** A name that no other set has. */
function unlike(name: string, taken: Set<string>): string {
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name}-${i}`;
  taken.add(free);
  return free;
}

const summaryFile = z.looseObject({
  evaluation: z
    .looseObject({
      model: z.string(),
      data: z.looseObject({ file: z.string() }),
      settings: z.record(z.string(), z.unknown()),
    })
    .optional(),
});

function describeColumn(column: Column, summary: z.output<typeof summaryFile> | undefined): EvaluationColumn {
  const { folder, results, responses, cutOff, tokens, unreadable } = column;
  const total = responses.reduce((sum, count) => sum + count, 0);
  const known = tokens.flatMap((mean, i) => (mean === null ? [] : [[mean, responses[i]!] as const]));
  const weight = known.reduce((sum, [, count]) => sum + count, 0);
  return {
    ...{ id: folder.name, name: folder.name, dir: folder.dir },
    model: summary?.evaluation?.model ?? '',
    samples: Math.min(...responses),
    responses: total,
    cutOff: cutOff.reduce((sum, count) => sum + count, 0),
    meanTokens: weight === 0 ? 0 : known.reduce((sum, [mean, count]) => sum + mean * count, 0) / weight,
    protocol: Object.fromEntries(
      Object.entries(summary?.evaluation?.settings ?? {}).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ),
    grades: Object.fromEntries(
      [...results].map(([grader, all]) => [
        grader,
        gradeSummary(column, all, unreadable.get(grader)! / total),
      ]),
    ),
  };
}

function gradeSummary(column: Column, results: readonly ProblemResult[], unreadable: number): GradeSummary {
  const { mean, standardError } = passAt1(results);
  const isKnown = standardError > 0;
  const samples = Math.min(...results.map((result) => result.samples));
  const ks = Array.from({ length: 1 + Math.floor(Math.log2(samples)) }, (_, i) => 2 ** i);
  return {
    passAt1: mean,
    standardError: Number.isNaN(standardError) ? null : standardError,
    // An interval of the normal approximation says nothing of problems that are all alike.
    interval: isKnown ? clamped(normalInterval(mean, standardError)) : wilsonInterval(mean, results.length),
    unreadable,
    passAtK: [...new Set([...ks, samples])].map((k) => ({ k, value: passAtK(results, k).mean })),
    by: [...column.fields].flatMap(([field, values]) => divided(field, values, results)),
  };
}

const clamped = ([low, high]: readonly [number, number]): [number, number] => [
  Math.max(0, low),
  Math.min(1, high),
];

/** pass@1 by the values of a field, where it has several and not too many. */
function divided(
  field: string,
  values: readonly (string | undefined)[],
  results: readonly ProblemResult[],
): GradeSummary['by'] {
  const all = [...new Set(values.filter((value) => value !== undefined))];
  if (all.length < 2 || all.length > MOST_VALUES) return [];
  const collator = new Intl.Collator('en', { numeric: true });
  const rows = all.sort(collator.compare).map((value) => {
    const { mean, standardError, problems } = passAt1(results.filter((_, i) => values[i] === value));
    return {
      value,
      problems,
      passAt1: mean,
      standardError: Number.isNaN(standardError) ? null : standardError,
    };
  });
  return [{ field, rows }];
}

/** Problems of each chunk: as many as fit. */
function chunkSizes(columns: readonly Column[]): number[] {
  const sizes: number[] = [];
  let characters = Infinity;
  columns[0]!.ids.forEach((_, i) => {
    const more = columns.reduce((sum, column) => sum + column.characters[i]!, 0);
    if (characters + more > CHUNK_CHARACTERS || sizes.at(-1)! >= CHUNK_PROBLEMS) {
      sizes.push(0);
      characters = 0;
    }
    sizes[sizes.length - 1]!++;
    characters += more;
  });
  return sizes;
}

/** Reads all evaluations of a set side by side. */
function* chunksOf(
  columns: readonly Column[],
  sizes: readonly number[],
  longest: number,
): Generator<ProblemChunk> {
  const readers = columns.map(({ folder }) => readSamples(folder.dir));
  try {
    for (const size of sizes) {
      const chunk: Problem[] = [];
      for (let i = 0; i < size; i++) {
        const rows = readers.map((reader, column) => nextRow(reader, columns[column]!.folder.dir));
        const { id, problem, answer } = rows[0]!;
        chunk.push({
          ...{ id, problem: shortText(problem, Math.max(longest, HEAD)), gold: answer },
          answers: rows.map((row) => answersOf(row, longest)),
        });
      }
      yield chunk;
    }
  } finally {
    for (const reader of readers) reader.return(undefined);
  }
}

function nextRow(reader: Generator<GradedRow>, dir: string): GradedRow {
  const next = reader.next();
  if (next.done) throw new UserError(`${dir} changed while it was read: make the report again.`);
  return next.value;
}

const answersOf = ({ generations, generation_details: details }: GradedRow, longest: number): Answer[] =>
  details.map(({ finish_reason: finishReason, completion_tokens: tokens, grades }, i) => ({
    text: shortText(generations[i]!, longest),
    ...{ finishReason, tokens },
    ...(isCutOff(finishReason) && { cutOff: true }),
    grades: Object.fromEntries(
      Object.entries(grades).map(([name, { correct, extracted, reason }]) => [
        name,
        { correct, extracted, ...(reason !== undefined && { reason }) },
      ]),
    ),
  }));
