import { describe, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { callsByTokenBudget, defaultTokenBudget, packByTokenBudget } from './tokenBudget.js';

const randomLengths = (seed: number, count: number, longest: number): number[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => 1 + random.nextInt(longest));
};
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** The fewest packs possible, by trying every assignment. */
function fewestPacks(lengths: readonly number[], budget: number): number {
  let best = lengths.length;
  const place = (row: number, rooms: readonly number[]): void => {
    if (rooms.length >= best) return;
    if (row === lengths.length) {
      best = rooms.length;
      return;
    }
    const length = lengths[row]!;
    rooms.forEach((room, i) => {
      if (room >= length) place(row + 1, rooms.with(i, room - length));
    });
    place(row + 1, [...rooms, budget - length]);
  };
  place(0, []);
  return best;
}

describe('packByTokenBudget', () => {
  it('is first-fit decreasing, ties in the order of the rows', () => {
    expect(packByTokenBudget([4, 8, 1, 4, 2, 1], 10)).toEqual([
      [1, 4],
      [0, 3, 2, 5],
    ]);
    expect(packByTokenBudget([5, 5, 5], 10)).toEqual([[0, 1], [2]]);
    expect(packByTokenBudget([], 10)).toEqual([]);
  });

  it('has every row once and no pack over the budget', () => {
    for (const seed of [1, 2, 3]) {
      const lengths = randomLengths(seed, 500, 300);
      const packs = packByTokenBudget(lengths, 512);
      expect(packs.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
      for (const pack of packs) expect(sum(pack.map((row) => lengths[row]!))).toBeLessThanOrEqual(512);
      // First fit leaves at most one pack half empty.
      expect(packs.length).toBeLessThanOrEqual(Math.ceil((2 * sum(lengths)) / 512));
    }
  });

  it('needs at most 11/9 of the fewest packs, plus one', () => {
    for (let seed = 0; seed < 40; seed++) {
      const lengths = randomLengths(seed, 8, 60);
      const packs = packByTokenBudget(lengths, 100);
      expect(packs.length).toBeLessThanOrEqual((11 / 9) * fewestPacks(lengths, 100) + 6 / 9);
    }
  });

  it('gives a row longer than the budget a pack of its own, first', () => {
    expect(packByTokenBudget([3, 25, 4, 11, 3], 10)).toEqual([[1], [3], [2, 0, 4]]);
  });

  it('takes the first pack with room, as trying them in turn finds it', () => {
    for (const [seed, budget] of [600, 1024, 299, Infinity].entries()) {
      const lengths = randomLengths(seed, 400, 300);
      const packs: number[][] = [];
      for (const row of [...lengths.keys()].sort((a, b) => lengths[b]! - lengths[a]! || a - b)) {
        const first = packs.find((pack) => sum(pack.map((i) => lengths[i]!)) + lengths[row]! <= budget);
        if (first) first.push(row);
        else packs.push([row]);
      }
      expect(packByTokenBudget(lengths, budget)).toEqual(packs);
    }
  });
});

describe('callsByTokenBudget', () => {
  it('keeps groups whole', () => {
    const groups = [
      { indices: [0, 1], tokens: 6 },
      { indices: [2, 3], tokens: 30 },
      { indices: [4], tokens: 4 },
      { indices: [5, 6, 7], tokens: 5 },
    ];
    expect(callsByTokenBudget(groups, 10)).toEqual([
      [2, 3],
      [0, 1, 4],
      [5, 6, 7],
    ]);
  });
});

it('is larger on a GPU where nobody says how many tokens', () => {
  expect(['cpu', 'cuda', 'cuda:1'].map(defaultTokenBudget)).toEqual([1024, 16_384, 16_384]);
});
