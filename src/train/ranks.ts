/**
 * @file What the processes that train one model tell each other. Rank 0 leads: it reads, measures, saves and says what comes next.
 * The others compute their share of each step and keep their part of the optimizer's state; see follow.ts.
 */
import type { ProcessGroup } from '../torch/distributed.js';
import { openDevice } from '../torch/runtime.js';
import type { DatedRecipe } from './examples.js';
import type { RunIdentity } from './identity.js';
import type { LastingMetrics } from './metricsFiles.js';

/** This rank or another one was told to stop while a step was computed. */
export class RankStopped extends Error {
  override name = 'RankStopped';
}

/** What rank 0 has the others do with it, and what they need for it. */
interface Orders {
  /** Read the rows and load the model. */
  prepare: {
    recipe: DatedRecipe & { token_budget: number };
    /** What the run is at rank 0, and digests of its rows. */
    identity: RunIdentity;
    tokens: readonly string[];
    /** Updates of the stages that the run continues. */
    updatesBefore: number;
  };
  /** Take what the reference gives the rows, which is in the cache. */
  reference: undefined;
  /** Put a state into weights and moments. */
  load: { folder: string };
  /** Know this of the steps so far. */
  know: { skipped: { total: number; inARow: number }; memory: Map<string, number> };
  step: { step: number; last: LastingMetrics | undefined };
  /** Give your part of the masters, or of a moment. */
  give: 'weights' | 'exp_avg' | 'exp_avg_sq'; // StateKind of state.ts, which knows of ranks
  end: undefined;
}

export type Order = { [Kind in keyof Orders]: { kind: Kind; of: Orders[Kind] } }[keyof Orders];

/** One process among those that train a model; alone without a group. */
export class Ranks {
  readonly rank: number;
  readonly world: number;

  constructor(readonly group?: ProcessGroup) {
    ({ rank: this.rank, world: this.world } = group ?? { rank: 0, world: 1 });
  }

  /**
   * Makes the device usable at this rank: of several ranks each takes the GPU of its place on its machine.
   * @throws UserError as the function of that name does
   */
  openDevice(device: string): void {
    if (!this.group || device === 'cpu') {
      openDevice(device);
      return;
    }
    openDevice(`cuda:${this.group.localRank}`);
    this.group.useCuda();
  }

  /**
   * Returns what each rank gives, in their order. All ranks call it in the same places of the program.
   * @throws RankStopped where one has called `stop` instead
   */
  gather<T>(value: T): T[] {
    if (!this.group) return [value];
    const all = this.group.gather<{ value?: T; stopped?: true }>({ value });
    const stopped = all.findIndex((given) => given.stopped);
    if (stopped >= 0) throw new RankStopped(`rank ${stopped} was told to stop`);
    return all.map((given) => given.value!);
  }

  /** Says that this rank was told to stop, in place of what the others wait for. */
  stop(): void {
    this.group?.gather({ stopped: true });
  }

  /** Says to the others what to do with this rank now. */
  order<Kind extends keyof Orders>(kind: Kind, of: Orders[Kind]): void {
    if (this.rank === 0) this.gather({ kind, of } as Order);
  }

  /** Waits for what rank 0 says next. */
  nextOrder(): Order {
    return this.gather<Order | undefined>(undefined)[0]!;
  }
}

/** A process that trains by itself. */
export const alone = new Ranks();

/**
 * Gives each item to a rank, the longest first and each to the rank with the least so far (Graham 1969). Every rank finds the same.
 * @param costs what each item takes
 * @returns each item's rank
 */
export function divideAmong(costs: readonly number[], world: number): number[] {
  const loads = new Array<number>(world).fill(0);
  const ranks = new Array<number>(costs.length);
  const longestFirst = [...costs.keys()].sort((a, b) => costs[b]! - costs[a]! || a - b);
  for (const item of longestFirst) {
    const rank = loads.indexOf(Math.min(...loads));
    ranks[item] = rank;
    loads[rank]! += costs[item]!;
  }
  return ranks;
}
