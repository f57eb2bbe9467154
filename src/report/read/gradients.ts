/** @file Computes what a run's objective does to each token of rows, from log-probs that are in files: no model is run. */
import { stepOf, withReference, type Objective, type SequenceInfo } from '../../objectives/objective.js';
import { recordedObjective } from './objective.js';
import type { OpenRow, OpenTrace, RowTokens } from './openRow.js';

/** A run, and the columns that hold what its model said before it began. */
export interface GradientOf {
  /** As it stands in the settings. */
  objective: unknown;
  /** The key under which the gradient is put beside the other columns. */
  key: string;
  /** Keys of log-probs of the model that training began with, and of its reference. */
  start?: string | undefined;
  reference?: string | undefined;
}

/** What came of it: how many rows have a gradient, or why none has. */
export interface GradientFound {
  rows: number;
  /** Σ|dLoss/dlog p| of each row over that of all, by the row's id. */
  shares: Map<string, number>;
  problem?: string;
}

interface Placed {
  row: OpenRow;
  own: RowTokens;
  sequence: SequenceInfo;
}

/** Puts −dLoss/dlog p of each token, times the number of rows, beside its other numbers, as of a step that has all rows. */
export async function addGradients(rows: readonly OpenRow[], of: GradientOf): Promise<GradientFound> {
  const none = (problem: string): GradientFound => ({ rows: 0, shares: new Map(), problem });
  const objective = await recordedObjective(of.objective);
  if (typeof objective === 'string') return none(objective);
  const placed = rows.flatMap((row, group) => placedIn(row, group, objective, of));
  if (placed.length === 0) return none('no row has all of its tokens here');
  const gradient = gradientOf(objective, placed, of);
  if (typeof gradient === 'string') return none(gradient);
  return written(placed, gradient, of.key);
}

/** The responses of a row that the objective learns from, where all of them have tokens. */
function placedIn(
  row: OpenRow,
  group: number,
  { data, needs }: Objective,
  { reference }: GradientOf,
): Placed[] {
  const [made] = row.made;
  if (!made || (data === 'pairs' && made.wrong === undefined)) return [];
  const isPair = made.wrong !== undefined && data !== 'messages';
  const sides: [string, OpenTrace | undefined][] = isPair
    ? [
        ['chosen', row.traces.get(made.right)],
        ['rejected', row.traces.get(made.wrong!)],
      ]
    : [['demonstration', row.traces.get(made.right)]];
  const placed = sides.flatMap(([role, trace]): Placed[] => {
    if (!trace?.own) return [];
    const { own } = trace;
    const sequence = sequenceOf(own, role, group);
    const before = reference === undefined ? undefined : own.columns.get(reference);
    if (!('reference' in needs)) return [{ row, own, sequence }];
    return before ? [{ row, own, sequence: withReference(sequence, Float64Array.from(before)) }] : [];
  });
  return placed.length === sides.length ? placed : [];
}

function sequenceOf(
  { ids, weights, scalars, columns }: RowTokens,
  role: string,
  group: number,
): SequenceInfo {
  return {
    ...{ role, group, length: ids.length },
    ...(weights && {
      tokenWeights: Float64Array.from(weights),
      weight: weights.reduce((sum, weight) => sum + Math.abs(weight), 0),
    }),
    scalars: { ...(role !== 'demonstration' && { reward: role === 'rejected' ? -1 : 1 }), ...scalars },
    columns: Object.fromEntries(
      Array.from(columns, ([key, values]) => [key.replace(/^.*: /s, ''), Float64Array.from(values)]),
    ),
  };
}

/** dLoss/dlog p of each response, or why it cannot be computed. */
function gradientOf(
  objective: Objective,
  placed: readonly Placed[],
  { start }: GradientOf,
): Float64Array[] | string {
  const sequences = placed.map(({ sequence }) => sequence);
  const step = stepOf(sequences);
  try {
    if (objective.weights) return objective.weights({ sequences, step });
    if (start === undefined)
      return 'its gradient depends on the log-probs of the model that it began with, of which there is no column';
    const logps = placed.map(({ own }) => Float64Array.from(own.columns.get(start) ?? []));
    if (logps.some((row, i) => row.length !== sequences[i]!.length))
      return `some of its rows have no log-probs ${start}`;
    return objective.evaluate({ sequences, step, logps }).gradient;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function written(placed: readonly Placed[], gradient: readonly Float64Array[], key: string): GradientFound {
  const rows = new Set(placed.map(({ row }) => row)).size;
  const sizes = new Map<string, number>();
  let total = 0;
  for (const [i, { row, own }] of placed.entries()) {
    const values = [...gradient[i]!];
    own.columns.set(
      key,
      values.map((value) => -value * rows),
    );
    const size = values.reduce((sum, value) => sum + Math.abs(value), 0);
    sizes.set(row.id, (sizes.get(row.id) ?? 0) + size);
    total += size;
  }
  return { rows, shares: new Map(Array.from(sizes, ([id, size]) => [id, total === 0 ? 0 : size / total])) };
}
