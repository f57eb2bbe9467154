/** @file The rows of an evaluation: trace rows whose answers carry grades. Reads them, grades them again, writes them. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonLines, rowError } from '../data/jsonl.js';
import { isCutOff } from '../data/finishReasons.js';
import { UserError } from '../util/errors.js';
import { writeJson } from '../util/exactJson.js';
import { hasField } from '../data/problems.js';
import type { FileReplacement } from '../util/files.js';
import type { Grade } from '../verify/graders/index.js';
import { gradersOfRow, type NamedGrader } from '../verify/graders/open.js';

export const samplesFile = 'samples.jsonl';
/** The finish reason of what stands for a response where a problem could not be asked. */
export const NOT_ASKED = 'not_asked';

const grade = z.object({
  correct: z.boolean(),
  extracted: z.string().nullable(),
  reason: z.string().optional(),
  stage: z.string().optional(),
});
const sampleDetail = z.looseObject({
  finish_reason: z.string(),
  completion_tokens: z.number().nullable(),
  grades: z.record(z.string(), grade),
  /** The answers to the questions before the last one. */
  earlier_turns: z
    .array(
      z.looseObject({ text: z.string(), finish_reason: z.string(), grades: z.record(z.string(), grade) }),
    )
    .optional(),
});
const gradedRow = z.looseObject({
  id: z.string(),
  problem: z.string(),
  answer: z.string(),
  reparsed_answers: z.array(z.string()).optional(),
  /** The golds to the letter. */
  golds: z.array(z.union([z.string(), z.number()])).optional(),
  generations: z.array(z.string()).min(1),
  generation_details: z.array(sampleDetail),
});
/** A row of samples.jsonl: a trace row in which each answer has its grades, by the grader's name. */
export type GradedRow = z.infer<typeof gradedRow>;

/** The grades of one response, by the grader's name. */
export function gradesOf(
  graders: readonly NamedGrader[],
  golds: readonly (string | number)[],
  response: string,
  finishReason: string,
): Record<string, Grade> {
  const item = { golds, response, cutOff: isCutOff(finishReason) };
  return Object.fromEntries(graders.map(({ name, grade }) => [name, grade(item)]));
}

/** Earlier turns of a conversation with the grades of each. */
export const gradedTurns = <T extends { text: string; finish_reason: string }>(
  graders: readonly NamedGrader[],
  golds: readonly (string | number)[],
  turns: readonly T[],
): (T & { grades: Record<string, Grade> })[] =>
  turns.map((turn) => ({ ...turn, grades: gradesOf(graders, golds, turn.text, turn.finish_reason) }));

/** The lists that make the row one of traces with verdicts, where the verifier graded. */
export function verdictLists(
  grades: readonly Record<string, { correct: boolean }>[],
): Record<string, boolean[]> | undefined {
  if (!grades[0]?.verify) return undefined;
  const verdicts = grades.map(({ verify }) => verify!.correct);
  return { math_verify_answer: verdicts, math_verify_reparsed_answer: verdicts };
}

/** Streams the rows of an evaluation's folder. @throws UserError naming file, line and field */
export function* readSamples(dir: string): Generator<GradedRow> {
  for (const { row } of samplesIn(samplesOf(dir))) yield row;
}

/** The path of an evaluation's rows. @throws UserError where the folder holds none, saying what it is instead */
export function samplesOf(dir: string): string {
  const path = join(dir, samplesFile);
  if (dir !== '' && existsSync(path)) return path;
  const kind = dir === '' ? undefined : statSync(dir, { throwIfNoEntry: false });
  if (!kind)
    throw new UserError(
      `${dir === '' ? 'A folder without a name' : dir} does not exist: name the folder of an evaluation.`,
    );
  if (!kind.isDirectory()) throw new UserError(`${dir} is a file: name the folder of an evaluation.`);
  const holds = (name: string) => existsSync(join(dir, name));
  if (holds('journal.jsonl'))
    throw new UserError(
      `${dir} has no ${samplesFile}, so its evaluation is not finished: run the same \`redistill evaluate\` again.`,
    );
  const hint = holds('benchmarks.json')
    ? `; those of a benchmark's tasks are ${join(dir, 'tasks')}/NAME`
    : '';
  throw new UserError(`${dir} is no folder of an evaluation: there is no ${samplesFile} in it${hint}.`);
}

/** Streams the rows of an evaluation's file with their lines. @throws UserError naming file, line and field */
export function* samplesIn(path: string): Generator<{ line: number; row: GradedRow }> {
  const lineOf = new Map<string, number>();
  for (const { line, row } of readJsonLines(path)) {
    const parsed = gradedRow.safeParse(row);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw rowError(path, line, `field "${issue.path.join('.')}": ${issue.message}`);
    }
    const { generations, generation_details: details } = parsed.data;
    if (generations.length !== details.length)
      throw rowError(path, line, '"generation_details" must have one entry a generation');
    const { id } = parsed.data;
    const other = lineOf.get(id);
    if (other !== undefined) throw rowError(path, line, `the "id" ${id} is that of line ${other} too`);
    lineOf.set(id, line);
    yield { line, row: row as GradedRow }; // as it stands in the file, its fields in their order
  }
}

/**
 * Writes the rows of an evaluation with other grades in place of those that they have.
 * @param graderField the field that names a row's own grader
 * @param fields that some row should have
 * @returns those of them that some row has
 */
export function writeRegraded(
  file: FileReplacement,
  dir: string,
  all: readonly NamedGrader[],
  graderField: string | undefined,
  fields: readonly string[],
): Set<string> {
  const found = new Set<string>();
  const path = samplesOf(dir);
  for (const { line, row } of samplesIn(path)) {
    const graders = gradersOfRow(all, graderField, row, (problem) => rowError(path, line, problem));
    for (const field of fields) if (hasField(row, field)) found.add(field);
    const golds = row.golds ?? [row.answer, ...(row.reparsed_answers ?? [])];
    const grades = row.generation_details.map((detail, i) =>
      gradesOf(graders, golds, row.generations[i]!, detail.finish_reason),
    );
    const details = row.generation_details.map((detail, i) => ({
      ...detail,
      ...(detail.earlier_turns && { earlier_turns: gradedTurns(graders, golds, detail.earlier_turns) }),
      grades: grades[i],
    }));
    // In its place, so that grading again by the same graders gives the same bytes.
    const written = Object.entries({ ...row, generation_details: details }).flatMap(
      ([name, value]): [string, unknown][] => {
        if (name === 'correctness') return [];
        const lists: [string, unknown][] =
          name === 'generations_count' ? [['correctness', verdictLists(grades)]] : [];
        return [[name, value], ...lists];
      },
    );
    file.write(`${writeJson(Object.fromEntries(written))}\n`);
  }
  return found;
}
