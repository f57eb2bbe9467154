/** @file The stage and command `table`: evaluations side by side. */
import { join } from 'node:path';
import { z } from 'zod';
import { clustersOf } from '../../evaluate/similar.js';
import { readResults, type EvaluationResults } from '../../evaluate/summary.js';
import { differenceInPoints, shareInPoints } from '../../evaluate/words.js';
import { passAt1 } from '../../statistics/estimators.js';
import { comparePaired } from '../../statistics/paired.js';
import { UserError } from '../../util/errors.js';
import { writeFileAtomic } from '../../util/files.js';
import { formatTable } from '../../util/table.js';
import { defineStage } from './stage.js';

const FILE = 'table.txt';

const row = z.strictObject({
  name: z.string().describe('short, for the headings: A, B, …'),
  label: z.string().describe('what the row is'),
  evaluation: z.string().describe("an evaluation's folder"),
});

const keys = z.strictObject({
  rows: z.array(row).min(1).describe('the evaluations, each {name, label, evaluation}'),
  against: z.array(z.string()).default([]).describe('names of the rows that the others are compared with'),
  grader: z
    .string()
    .optional()
    .describe('whose verdicts count; without it those of the first grader of the first evaluation'),
  notes: z.array(z.string()).default([]).describe('lines printed under the table'),
});
export const tableSettings = keys.superRefine(({ rows, against }, context) => {
  const names = rows.map(({ name }) => name);
  const refuse = (path: PropertyKey[], message: string) => {
    context.addIssue({ code: 'custom', path, message });
  };
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) refuse(['rows'], `there are two rows named "${twice}"`);
  for (const [i, name] of against.entries())
    if (!names.includes(name)) refuse(['against', i], `the table has no row named "${name}" to compare with`);
});
export type TableSettings = z.output<typeof keys>;

/**
 * pass@1 with its standard error, how many responses were cut off (which count as wrong unless the answer was there
 * before), and every row's paired difference from the rows named in `against`. Pairing by problem removes the problems'
 * own difficulty, which is most of the error; problems that are the same but for their numbers count as one cluster.
 */
export const tableStage = defineStage({
  summary: 'Puts evaluations side by side, with paired differences.',
  schema: tableSettings,
  inputs: ({ rows }) => rows.map(({ evaluation }) => evaluation),
  file: FILE,
  writes: [FILE],
  result: (_, dir) => join(dir, FILE),
  run: (settings, { out }) => {
    const table = makeTable(settings);
    writeFileAtomic(out, table);
    return Promise.resolve({ table });
  },
  describe: ({ table }) => table.trimEnd(),
});

/** The evaluations of a table, by one grader. @throws UserError for names and evaluations that do not fit */
function openRows({ rows, grader }: Pick<TableSettings, 'rows' | 'grader'>) {
  const kept = new Map(rows.map(({ name, evaluation }) => [name, readResults(evaluation)]));
  const [first] = kept.values();
  requireSameProblems(kept);
  const judge = grader ?? [...first!.graders.keys()][0]!;
  const resultsOf = (name: string) => gradedBy(judge, kept.get(name)!, name).results;
  return { kept, judge, resultsOf };
}

/** pass@1 by the row's name, in [0, 1]. @throws UserError for names and evaluations that do not fit */
export function passAt1Of(settings: Pick<TableSettings, 'rows' | 'grader'>): Map<string, number> {
  const { resultsOf } = openRows(settings);
  return new Map(settings.rows.map(({ name }) => [name, passAt1(resultsOf(name)).mean]));
}

/** @throws UserError for names and evaluations that do not fit */
export function makeTable({ rows, against, grader, notes }: TableSettings): string {
  const { kept, judge, resultsOf } = openRows({ rows, grader });
  // As `compare` does, so that both give a pair the same interval.
  const { clusters } = clustersOf(kept.values().next().value!.problems);
  const heading = ['', 'model', 'pass@1 %', 'cut off %', ...against.map((name) => `against ${name}`)];
  const cells = rows.map(({ name, label }) => {
    const results = resultsOf(name);
    const { cutOff, responses } = kept.get(name)!;
    const { mean, standardError } = passAt1(results);
    return [
      name,
      label,
      shareInPoints(mean, standardError, results.length),
      (100 * (cutOff / responses)).toFixed(1),
      ...against.map((other) =>
        other === name ? '' : differenceInPoints(comparePaired(resultsOf(other), results, { clusters })),
      ),
    ];
  });
  const lines = [formatTable(heading, cells), ...notes, `Graded by ${judge}.`];
  return `${lines.join('\n')}\n`;
}

/** Evaluations are paired by the ids of problems, which in files without ids are mere places. */
function requireSameProblems(kept: ReadonlyMap<string, EvaluationResults>): void {
  const [[firstName, first], ...others] = [...kept] as [[string, EvaluationResults]];
  for (const [name, { problems }] of others as [string, EvaluationResults][])
    for (const [id, problem] of problems)
      if (first.problems.has(id) && first.problems.get(id) !== problem)
        throw new UserError(
          `rows "${firstName}" and "${name}" are evaluations of different problems (the first that differs has the id ${id})`,
        );
}

function gradedBy(grader: string, { graders }: EvaluationResults, name: string) {
  const found = graders.get(grader);
  if (found) return found;
  throw new UserError(
    `the evaluation of row "${name}" was not graded by "${grader}", only by ${[...graders.keys()].join(', ')}: grade it again with \`redistill evaluate --regrade\``,
  );
}
