import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ProcessGroup } from '../torch/distributed.js';
import { Random } from '../util/random.js';
import { alone, divideAmong, Ranks } from './ranks.js';

describe('the device of a rank', () => {
  const group = { rank: 1, localRank: 1, world: 2, useCuda: () => expect.unreachable() };
  const second = new Ranks(group as unknown as ProcessGroup);

  it('is the CPU for all', () => {
    second.openDevice('cpu');
    alone.openDevice('cpu');
    expect(second.world).toBe(2);
  });

  it.skipIf(existsSync('/dev/nvidiactl'))('that is not there is told of before NCCL is asked', () => {
    expect(() => {
      second.openDevice('cuda');
    }).toThrow(/CUDA|cuda/);
  });
});

/** The least that the rank with the most can have, by trying all divisions. */
function best(costs: readonly number[], world: number): number {
  const loads = new Array<number>(world).fill(0);
  const place = (item: number): number => {
    if (item === costs.length) return Math.max(...loads);
    return Math.min(
      ...loads.map((_, rank) => {
        loads[rank]! += costs[item]!;
        const most = place(item + 1);
        loads[rank]! -= costs[item]!;
        return most;
      }),
    );
  };
  return place(0);
}

it('gives every item to one rank, and none more than 4/3 − 1/(3·ranks) of what the best division has', () => {
  const random = new Random(3);
  for (let round = 0; round < 60; round++) {
    const world = 1 + random.nextInt(3);
    const costs = Array.from({ length: random.nextInt(8) }, () => 1 + random.nextInt(20));
    const ranks = divideAmong(costs, world);
    expect(ranks).toHaveLength(costs.length);
    const loads = new Array<number>(world).fill(0);
    ranks.forEach((rank, i) => (loads[rank]! += costs[i]!));
    expect(loads.reduce((a, b) => a + b, 0)).toBe(costs.reduce((a, b) => a + b, 0));
    expect(Math.max(...loads)).toBeLessThanOrEqual((4 / 3 - 1 / (3 * world)) * best(costs, world) + 1e-9);
    expect(divideAmong(costs, world)).toEqual(ranks);
  }
});
