/** @file Comparisons as a report shows them: those that were made, and of problems that nobody has compared those of the earliest evaluation with the others. */
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { compareEvaluations, type CompareOptions } from '../../evaluate/compare.js';
import { verdictOf } from '../../evaluate/compareWords.js';
import { UserError } from '../../util/errors.js';
import type { ComparisonTable, EvaluationSet } from '../model.js';
import type { OpenSet } from './evaluations.js';
import type { FoundFolder } from './folders.js';
import { readJson, settingsOf, shortened } from './json.js';
import { powerOf } from './power.js';

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

/** All comparisons of evaluations: what the stage `compare` has left, and of sets that none of these is of each evaluation with the earliest. */
export function comparisonsOf(folders: readonly FoundFolder[], open: readonly OpenSet[]): ComparisonTable[] {
  const sets = open.map(({ set }) => set);
  const made = readComparisons(folders, sets);
  const compared = made.flatMap(({ rows }) => rows.map(({ columns }) => columns?.set));
  // A comparison of what lies elsewhere may be of any set.
  const others = compared.includes(undefined) ? [] : sets.filter(({ id }) => !compared.includes(id));
  return [...made, ...compareSets(others)].map((table) => withPower(table, open));
}

function withPower(table: ComparisonTable, sets: readonly OpenSet[]): ComparisonTable {
  const rows = table.rows.map((row) => {
    const open = sets.find(({ set }) => set.id === row.columns?.set);
    const power = open ? powerOf(row, table, open.set, open.kinds) : [];
    return power.length === 0 ? row : { ...row, power };
  });
  return { ...table, rows };
}

/** Reads what the stage `compare` has left. */
function readComparisons(folders: readonly FoundFolder[], sets: readonly EvaluationSet[]): ComparisonTable[] {
  return folders.flatMap((folder) => {
    const found = readJson(join(folder.dir, 'compare.json'), comparison);
    if (!found) return [];
    const { before, after } = settingsOf(folder.record);
    const [first, second] = [before, after].map((dirs) => sideOf(namesIn(dirs), folder, sets));
    return [tableOf(folder.name, first!, second!, found)];
  });
}

const namesIn = (dirs: unknown): string[] =>
  [dirs].flat().filter((dir): dir is string => typeof dir === 'string');

/** What a comparison calls one of its sides, and where it stands in a report. */
interface Side {
  name: string;
  set?: string;
  columns: string[];
}

/** Paths of a recipe count from where it was run, which may be elsewhere: what lies beside the comparison is meant as well. */
function sideOf(dirs: readonly string[], { dir: own }: FoundFolder, sets: readonly EvaluationSet[]): Side {
  const places = dirs.map((dir) => [resolve(dir), resolve(own, '..', basename(dir))]);
  const found = places.flatMap((all) =>
    sets.flatMap(({ id, columns }) =>
      columns.filter(({ dir }) => all.includes(resolve(dir))).map((column) => ({ set: id, column })),
    ),
  );
  if (dirs.length === 0 || found.length < dirs.length)
    return { name: dirs.map(shortened).join(', '), columns: [] };
  const columns = found.map(({ column }) => column);
  return {
    ...{ name: columns.map(({ name }) => name).join(', '), set: found[0]!.set },
    columns: columns.map(({ id }) => id),
  };
}

/**
 * Compares the first evaluation of each set with its others; what cannot be compared is left out, and so is what is part of a study, which
 * compares its arms with their control and knows how many there are.
 */
function compareSets(sets: readonly EvaluationSet[]): ComparisonTable[] {
  return sets.flatMap(({ id: set, columns: all, graders }) => {
    const kept: CompareOptions['kept'] = new Map();
    const columns = all.filter(({ study }) => study === undefined);
    return columns.slice(1).flatMap((column) => {
      const first = columns[0]!;
      const grader = graders.find(
        (one) => Object.hasOwn(first.grades, one) && Object.hasOwn(column.grades, one),
      );
      const found = grader === undefined ? undefined : compared(first.dir, column.dir, grader, kept);
      kept.delete(column.dir);
      if (!found) return [];
      const [before, after] = [first, column].map(({ id, name }) => ({ name, set, columns: [id] }));
      return [tableOf(`${column.name} against ${first.name}`, before!, after!, found)];
    });
  });
}

function compared(
  before: string,
  after: string,
  grader: string,
  kept: NonNullable<CompareOptions['kept']>,
): z.output<typeof comparison> | undefined {
  try {
    const found = compareEvaluations({
      pairs: [{ before: [before], after: [after] }],
      graders: [grader],
      kept,
    });
    return { verdict: verdictOf(found), ...found };
  } catch (error) {
    if (error instanceof UserError) return undefined; // asked or sampled otherwise
    throw error;
  }
}

/** JSON knows no NaN. */
const orNull = (value: number | null): number | null => (Number.isNaN(value) ? null : value);

function tableOf(
  name: string,
  before: Side,
  after: Side,
  { verdict, finding, rows, warnings, alpha, power }: z.output<typeof comparison>,
): ComparisonTable {
  const columns = before.set !== undefined &&
    before.set === after.set && { set: before.set, before: before.columns, after: after.columns };
  return {
    ...{ id: name, name, finding, before: before.name, after: after.name, alpha, power, warnings },
    verdict: verdict.replace(/\b[AB]\b/g, (side) => (side === 'A' ? before : after).name),
    rows: rows.map(({ interval, p_value: pValue, detectable_effect: seen, ...row }) => {
      const [low, high] = interval.map(orNull);
      return {
        ...{ name: row.name, grader: row.grader, ...(columns && { columns }), problems: row.problems },
        ...{ before: row.before, after: row.after, difference: row.difference },
        // Problems that all differ alike have an interval of one point, which says nothing of others.
        interval: typeof low === 'number' && typeof high === 'number' && low < high ? [low, high] : null,
        ...{ pValue, adjusted: row.adjusted, gained: row.gained, lost: row.lost },
        detectableEffect: seen === 0 ? null : orNull(seen),
      };
    }),
  };
}
