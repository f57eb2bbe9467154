/** @file What an evaluation found, as numbers: the step after grading. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { rowError } from '../data/jsonl.js';
import { UserError } from '../util/errors.js';
import { isCutOff } from '../data/finishReasons.js';
import { samplesIn, samplesOf, type GradedRow } from './samples.js';
import type { Divided } from './divisions.js';
import type { MeasuredMean } from './measured.js';
import { clustersOf } from './similar.js';
import { passAtK, type AnsweredProblem, type ProblemResult } from '../statistics/estimators.js';
import { estimatesOf, type SampleEstimates } from './estimates.js';

export interface GraderSummary {
  /** Share of right responses, in [0, 1]. */
  pass_at_1: number;
  /** Of pass_at_1, clustered by problem; null for a single problem. */
  standard_error: number | null;
  /** With several samples a problem: the chance that one of all of them is right. */
  pass_at_k?: number;
  /** Share of responses in which no answer was found; they count as wrong. */
  unreadable: number;
}

/** What was evaluated, and how. */
export interface EvaluationRecord {
  /** Of the redistill that graded. */
  version: string;
  model: string;
  base_url?: string;
  data: { file: string; rows: number; sha256: string };
  /** Which of the problems, as the settings say. */
  shuffle?: number;
  skip: number;
  count?: number;
  /** What a response depends on: instruction, sampling, seed, digest of the model. */
  settings: Record<string, unknown>;
}

/** The same as it is read again. */
export const evaluationRecord: z.ZodType<EvaluationRecord> = z.looseObject({
  version: z.string(),
  model: z.string(),
  base_url: z.string().optional(),
  data: z.looseObject({ file: z.string(), rows: z.number(), sha256: z.string() }),
  shuffle: z.number().optional(),
  skip: z.number(),
  count: z.number().optional(),
  settings: z.record(z.string(), z.unknown()),
});

export interface EvaluationSummary {
  /** Absent in evaluations of earlier versions. */
  evaluation?: EvaluationRecord;
  problems: number;
  /** Rows of the problem file that could not be used. */
  set_aside: number;
  /** Responses a problem; the fewest, where they differ. */
  samples: number;
  responses: number;
  /** Share of responses that were cut off. */
  cut_off: number;
  mean_tokens: number;
  /**
   * Share of responses that ended by themselves without the form of one: their thinking has no end, or they do not say what their answer is,
   * in a box, behind "the answer is" or a mark. Absent in evaluations of earlier versions.
   */
  format_failures?: number;
  /** By the grader's name. */
  graders: Record<string, GraderSummary>;
  /** Where several questions were asked: by the grader's name, pass@1 after each of them; the last is that of `graders`. */
  pass_at_1_by_turn?: Record<string, number[]>;
  /** What the samples say beyond that, by the grader's name. Absent in evaluations of earlier versions. */
  estimates?: Record<string, SampleEstimates>;
  /** pass@1 by the fields of the rows that were named, by the first grader. */
  by?: Divided;
  /** By the selectors that were named: the share of problems whose selected response is right by the first grader. */
  selected?: Record<string, MeasuredMean>;
  /** By the measures that were named. */
  measured?: Record<string, Record<string, MeasuredMean>>;
  /** With several graders: responses about which they do not agree. */
  disagreements?: number;
}

/** What statistics are made of: an evaluation without its texts. */
export interface EvaluationResults {
  /** By the grader's name, how often each problem was answered rightly. */
  graders: Map<string, { results: ProblemResult[]; answered: AnsweredProblem[]; unreadable: number }>;
  /** The text of each problem, and its gold, by its id. */
  problems: Map<string, string>;
  golds: Map<string, string>;
  /** By the grader's name, how many responses were right after each question. */
  turns: Map<string, number[]>;
  responses: number;
  cutOff: number;
  tokens: number;
}

const summaryFile = z.looseObject({
  evaluation: evaluationRecord.optional(),
  graders: z.record(z.string(), z.looseObject({})).default({}),
});

/** Reads what an evaluation has found. @throws UserError where it is unfinished or damaged */
export function readSummary(dir: string): EvaluationSummary {
  const path = join(dir, 'summary.json');
  if (!existsSync(path))
    throw new UserError(
      `${dir} has no summary.json, so its evaluation is not finished: run the same \`redistill evaluate\` again.`,
    );
  try {
    return summaryFile.parse(JSON.parse(readFileSync(path, 'utf8'))) as unknown as EvaluationSummary;
  } catch {
    throw new UserError(`${path} is damaged: \`redistill evaluate --regrade ${dir}\` makes it anew.`);
  }
}

/** Reads an evaluation's folder. @throws UserError where it is missing, empty or damaged */
export const readResults = (dir: string): EvaluationResults => resultsIn(samplesOf(dir), dir);

/**
 * Reads the rows of an evaluation in `dir`.
 * @param each is given every row as well
 * @throws UserError where they are missing, empty or damaged
 */
export function resultsIn(path: string, dir: string, each?: (row: GradedRow) => void): EvaluationResults {
  const found: EvaluationResults = {
    graders: new Map(),
    problems: new Map(),
    golds: new Map(),
    turns: new Map(),
    responses: 0,
    cutOff: 0,
    tokens: 0,
  };
  let rows = 0;
  for (const row of gradedRows(path)) {
    const { id, problem, answer, generation_details: details } = row;
    each?.(row);
    rows++;
    found.problems.set(id, problem);
    found.golds.set(id, answer);
    for (const name of Object.keys(details[0]!.grades)) {
      const tally = found.graders.get(name) ?? { results: [], answered: [], unreadable: 0 };
      found.graders.set(name, tally);
      const grades = details.map(({ grades }) => grades[name]!);
      tally.results.push({
        id,
        correct: grades.filter(({ correct }) => correct).length,
        samples: grades.length,
      });
      tally.answered.push({
        id,
        answers: grades.map(({ extracted }) => extracted),
        right: grades.map(({ correct }) => correct),
      });
      tally.unreadable += grades.filter(({ extracted }) => extracted === null).length;
    }
    for (const { earlier_turns: earlier = [], grades } of details)
      for (const [turn, all] of [...earlier.map((one) => one.grades), grades].entries())
        for (const [name, { correct }] of Object.entries(all)) {
          const right = found.turns.get(name) ?? [];
          found.turns.set(name, right);
          right[turn] = (right[turn] ?? 0) + Number(correct);
        }
    found.responses += details.length;
    found.cutOff += details.filter(({ finish_reason }) => isCutOff(finish_reason)).length;
    for (const { completion_tokens } of details) found.tokens += completion_tokens ?? 0;
  }
  if (rows === 0) throw new UserError(`${dir} has no evaluated problems.`);
  return found;
}

/** Streams the rows of an evaluation's file, in which every response has grades by the same graders. @throws UserError naming file, line and field */
export function* gradedRows(path: string): Generator<GradedRow> {
  let names: string[] | undefined;
  for (const { line, row } of samplesIn(path)) {
    names ??= Object.keys(row.generation_details[0]!.grades);
    requireGrades(row, names, (problem) => rowError(path, line, problem));
    yield row;
  }
}

/** @throws the error of `fail` where a response has no grades, or others than the first of all */
function requireGrades(
  { generation_details: details }: GradedRow,
  names: readonly string[],
  fail: (problem: string) => Error,
): void {
  if (names.length === 0) throw fail('field "generation_details.0.grades": there are none');
  for (const [i, { grades }] of details.entries()) {
    const found = Object.keys(grades);
    if (found.length !== names.length || !names.every((name) => Object.hasOwn(grades, name)))
      throw fail(
        `field "generation_details.${i}.grades": there must be those of ${names.join(', ')}, as in the first row, not of ${found.join(', ') || 'none'}`,
      );
  }
}

/** Computes the statistics of an evaluation, each share with its standard error. What it was made with is not in them. */
export function summarize({
  graders,
  problems,
  turns,
  responses,
  cutOff,
  tokens,
}: EvaluationResults): Omit<EvaluationSummary, 'set_aside' | 'evaluation'> {
  const [first] = graders.values();
  const samples = Math.min(...(first?.results ?? []).map((result) => result.samples));
  const resemblance = clustersOf(problems);
  return {
    problems: first?.results.length ?? 0,
    samples,
    responses,
    cut_off: cutOff / responses,
    mean_tokens: tokens / responses,
    graders: Object.fromEntries(
      Array.from(graders, ([name, { results, unreadable }]) => {
        const { mean, standardError } = passAtK(results, 1);
        const summary: GraderSummary = {
          pass_at_1: mean,
          standard_error: Number.isNaN(standardError) ? null : standardError,
          ...(samples > 1 && { pass_at_k: passAtK(results, samples).mean }),
          unreadable: unreadable / responses,
        };
        return [name, summary];
      }),
    ),
    ...([...turns.values()].some((right) => right.length > 1) && {
      pass_at_1_by_turn: Object.fromEntries(
        Array.from(turns, ([name, right]) => [name, right.map((count) => count / responses)]),
      ),
    }),
    estimates: Object.fromEntries(
      Array.from(graders, ([name, { results, answered }]) => [
        name,
        estimatesOf(results, answered, resemblance),
      ]),
    ),
  };
}
