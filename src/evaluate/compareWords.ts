/** @file Says what a comparison found: the verdict in one sentence, and what it rests on. */
import { counted } from '../util/counted.js';
import { formatTable } from '../util/table.js';
import type { ComparedRow, Comparison } from './compare.js';
import { chanceInWords, differenceInPoints, points, signed } from './words.js';

const labelOf = ({ name, grader }: ComparedRow): string => `${name} by ${grader}`;

/** The verdict in one sentence: which is better, by how much, and how sure that is; A stands for before and B for after. */
export function verdictOf({ finding, rows, alpha }: Comparison): string {
  const [only] = rows;
  if (rows.length === 1) {
    const { difference, interval, by, adjusted, detectable_effect: seen } = only!;
    const level = `${100 * (1 - alpha)} %`;
    if (interval[0] === interval[1] && difference !== 0) {
      // An interval of one point would claim that others differ in the same way.
      const told = `${signed(difference)} points on every problem, ${chanceInWords(adjusted)}`;
      return finding === 'unclear'
        ? `Cannot tell whether B differs from A: ${told}.`
        : `B is ${finding} than A: ${told}.`;
    }
    const numbers = `${signed(difference)} points, ${by === 'always-valid' ? `always-valid ${level}` : level} interval ${signed(interval[0])} to ${signed(interval[1])}, ${chanceInWords(adjusted)}`;
    if (finding !== 'unclear') return `B is ${finding} than A: ${numbers}.`;
    if (Number.isNaN(interval[0])) return 'Cannot tell whether B differs from A: there is a single problem.';
    if (only!.gained + only!.lost === 0)
      return 'Cannot tell whether B differs from A: they are equal on every problem.';
    // What an always-valid interval sees is less, and depends on when one looks.
    const sees = by === 'always-valid' ? '' : `; this run sees differences from ${points(seen)} points`;
    return `Cannot tell whether B differs from A: ${numbers}${sees}.`;
  }
  const named = (what: ComparedRow['finding']) => rows.filter((row) => row.finding === what).map(labelOf);
  const [better, worse] = [named('better'), named('worse')];
  if (better.length > 0 && worse.length > 0)
    return `Cannot tell whether B is better than A: it is on ${better.join(', ')}, and worse on ${worse.join(', ')}.`;
  if (finding === 'unclear') return `Cannot tell whether B differs from A on any of ${rows.length} rows.`;
  const places = finding === 'better' ? better : worse;
  return `B is ${finding} than A on ${places.length} of ${rows.length} rows (${places.join(', ')}), and ${finding === 'better' ? 'worse' : 'better'} on none.`;
}

/** All that was found, as text without a final newline; the verdict is the last line. */
export function describeComparison(comparison: Comparison): string {
  const { rows, departures, power } = comparison;
  const table = formatTable(
    ['', 'problems', 'seeds', 'samples', 'A %', 'B %', 'B − A', 'p by Holm', 'gained', 'lost'],
    rows.map((row) => [
      ...[labelOf(row), row.problems, row.seeds, [...new Set(row.samples)].join(' and ')],
      ...[points(row.before), points(row.after)],
      differenceInPoints({
        ...{ difference: row.difference, interval: row.interval, pValue: row.p_value },
        ...{ standardError: row.interval[0] === row.interval[1] ? 0 : NaN, problems: row.problems },
      }),
      ...[chanceInWords(row.adjusted), row.gained, row.lost],
    ]),
  );
  const lines = [table, ...rows.flatMap((row) => notesOf(row, rows.length > 1, power))];
  if (departures?.length === 0) lines.push('The evaluations are as planned.');
  else if (departures)
    lines.push(
      `Not as planned (${departures.join('; ')}): intervals and p-values are always-valid ones, which hold however often one looks.`,
    );
  return [...lines, verdictOf(comparison)].join('\n');
}

/** What the numbers of a row rest on, and what it would take to see more. */
function notesOf(row: ComparedRow, isNamed: boolean, power: number): string[] {
  const { problems, clusters, kinds, by, intervals, needed, samples, probability_better: probability } = row;
  const of = isNamed ? `${labelOf(row)}: ` : '';
  const notes: string[] = [];
  if (clusters !== undefined)
    notes.push(
      `${of}errors are those of ${clusters} clusters of the ${problems} problems, in each of which they are the same but for numbers.`,
    );
  if (kinds !== undefined)
    notes.push(
      `${of}the ${problems} problems are of ${counted(kinds, 'kind')}, in each of which they are the same but for numbers, too few to be a sample of kinds: errors are those of further problems of ${kinds === 1 ? 'this kind' : 'these kinds'}.`,
    );
  if (problems === 1) return notes;
  const others = Object.entries(intervals)
    .filter(([name]) => name !== by)
    .map(([name, [low, high]]) => `${signed(low)} to ${signed(high)} (${name})`);
  notes.push(
    `${of}interval by ${by}; others: ${others.join(', ')}${probability === undefined ? '' : `; P(B > A) = ${probability.toFixed(3)} under a uniform prior`}.`,
  );
  if (!(row.detectable_effect > 0)) return notes; // problems that all differ alike, or a single one, tell nothing of others
  const more =
    Math.max(...samples) === 1
      ? ''
      : needed.samples === null
        ? '; no number of samples of these is enough'
        : `, or ${counted(needed.samples, 'sample')} of each of these`;
  const takes =
    needed.seeds === undefined
      ? `${counted(needed.problems, 'problem')} sampled as here${more}`
      : `${counted(needed.seeds, 'seed')} that differ as these do`;
  notes.push(
    `${of}${by === 'always-valid' ? 'a single look at so much' : 'this run'} sees differences from ${points(row.detectable_effect)} points (power ${points(power)} %); to see ${points(needed.effect)} takes ${takes}.`,
  );
  return notes;
}
