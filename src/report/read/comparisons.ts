/** @file Comparisons as a report shows them: those that were made, and else of a set's first evaluation with the others. */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { compareEvaluations } from '../../evaluate/compare.js';
import { verdictOf } from '../../evaluate/compareWords.js';
import { UserError } from '../../util/errors.js';
import type { ComparisonTable, EvaluationSet } from '../model.js';
import type { FoundFolder } from './folders.js';
import { readJson, settingsOf } from './json.js';

const share = z.number();
const comparison = z.object({
  verdict: z.string(),
  finding: z.enum(['better', 'worse', 'unclear']),
  rows: z.array(
    z.object({
      ...{
        name: z.string(),
        grader: z.string(),
        problems: share,
        before: share,
        after: share,
        difference: share,
      },
      // JSON has null for an interval of a single problem.
      interval: z.tuple([share.nullable(), share.nullable()]),
      ...{ p_value: share, adjusted: share, gained: share, lost: share, detectable_effect: share.nullable() },
    }),
  ),
  ...{ warnings: z.array(z.string()), alpha: share, power: share },
});

/** Reads what the stage `compare` has left. */
export function readComparisons(
  folders: readonly FoundFolder[],
  sets: readonly EvaluationSet[],
): ComparisonTable[] {
  return folders.flatMap((folder) => {
    const found = readJson(join(folder.dir, 'compare.json'), comparison);
    if (!found) return [];
    const { before, after } = settingsOf(folder.record);
    const name = (dirs: unknown) =>
      [dirs]
        .flat()
        .map((dir) => nameOf(String(dir), sets))
        .join(', ');
    return [tableOf(folder.name, { before: name(before), after: name(after) }, found)];
  });
}

/** Compares the first evaluation of each set with its others; what cannot be compared is left out. */
export function compareSets(sets: readonly EvaluationSet[]): ComparisonTable[] {
  return sets.flatMap(({ columns }) =>
    columns.slice(1).flatMap((column) => {
      const first = columns[0]!;
      const found = compared(first.dir, column.dir);
      if (!found) return [];
      const sides = { before: first.name, after: column.name };
      return [tableOf(`${column.name} against ${first.name}`, sides, found)];
    }),
  );
}

function compared(before: string, after: string): z.output<typeof comparison> | undefined {
  try {
    const found = compareEvaluations({ pairs: [{ before: [before], after: [after] }] });
    return { verdict: verdictOf(found), ...found };
  } catch (error) {
    if (error instanceof UserError) return undefined; // asked or sampled otherwise
    throw error;
  }
}

const nameOf = (dir: string, sets: readonly EvaluationSet[]): string =>
  sets.flatMap(({ columns }) => columns).find((column) => resolve(column.dir) === resolve(dir))?.name ?? dir;

function tableOf(
  name: string,
  { before, after }: { before: string; after: string },
  { verdict, finding, rows, warnings, alpha, power }: z.output<typeof comparison>,
): ComparisonTable {
  const worded = verdict.replace(/\b[AB]\b/g, (side) => (side === 'A' ? before : after));
  return {
    ...{ id: name, name, finding, before, after, alpha, power, warnings },
    verdict: worded,
    rows: rows.map(({ interval: [low, high], p_value: pValue, detectable_effect: seen, ...row }) => ({
      ...{ name: row.name, grader: row.grader, problems: row.problems, before: row.before, after: row.after },
      ...{ difference: row.difference, interval: low === null || high === null ? null : [low, high] },
      ...{ pValue, adjusted: row.adjusted, gained: row.gained, lost: row.lost, detectableEffect: seen },
    })),
  };
}
