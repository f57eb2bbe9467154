import { describe, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { balanceScore, coefficientOfVariation, cvOf, inOrder, pairUp, rankOf } from './selection.js';

describe('inOrder', () => {
  const texts = ['bbb', 'a', 'bbb', 'cc'];
  const order = (name: 'first' | 'shortest' | 'longest') => inOrder([0, 1, 2, 3], texts, name, new Random(1));

  it('keeps the order, or sorts by length with ties to the earlier', () => {
    expect(order('first')).toEqual([0, 1, 2, 3]);
    expect(order('shortest')).toEqual([1, 3, 0, 2]);
    expect(order('longest')).toEqual([0, 2, 3, 1]);
  });

  it('shuffles by the seed', () => {
    const shuffled = (seed: number) => inOrder([0, 1, 2, 3], texts, 'random', new Random(seed));
    expect(shuffled(5)).toEqual(shuffled(5));
    const firsts = new Map<number, number>();
    for (let seed = 0; seed < 4000; seed++) {
      const [first] = shuffled(seed) as [number];
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    for (const count of firsts.values()) expect(count / 1000).toBeCloseTo(1, 0);
  });
});

describe('pairUp', () => {
  it.each<[number[], number[], number | 'balanced', [number, number][]]>([
    [[1, 2], [7, 8], 1, [[1, 7]]],
    [
      [1, 2],
      [7, 8],
      'balanced',
      [
        [1, 7],
        [2, 8],
      ],
    ],
    [[1], [7, 8, 9], 'balanced', [[1, 7]]],
    [
      [1],
      [7, 8, 9],
      2,
      [
        [1, 7],
        [1, 8],
      ],
    ],
    [
      [1, 2, 3],
      [7],
      9,
      [
        [1, 7],
        [2, 7],
        [3, 7],
      ],
    ],
    [[], [7], 3, []],
    [[1], [], 3, []],
  ])('%j and %j, %s', (right, wrong, count, pairs) => {
    expect(pairUp(right, wrong, count)).toEqual(pairs);
  });

  it('makes every pair once, and uses traces evenly on the way', () => {
    for (let r = 0; r < 7; r++) {
      for (let w = 0; w < 7; w++) {
        const right = Array.from({ length: r }, (_, i) => i);
        const wrong = Array.from({ length: w }, (_, i) => 10 + i);
        const all = pairUp(right, wrong, 1000);
        expect(new Set(all.map(String)).size).toBe(r * w);
        expect(all).toHaveLength(r * w);
        for (let k = 1; k <= r * w; k++) {
          const pairs = pairUp(right, wrong, k);
          expect(pairs).toEqual(all.slice(0, k));
          for (const [side, traces] of [right, wrong].entries()) {
            const uses = traces.map((trace) => pairs.filter((pair) => pair[side] === trace).length);
            expect(Math.max(...uses) - Math.min(...uses), `${r} ${w} ${k}`).toBeLessThanOrEqual(1);
          }
        }
      }
    }
  });
});

describe('scores of a problem', () => {
  it('CV: DeepDistill’s worked example', () => {
    expect(coefficientOfVariation([0.9, 0.1, 0.7, 0.3, 0.5])).toBeCloseTo(0.63, 2);
  });

  it('CV of 1 to 4 right of four', () => {
    expect([1, 2, 3, 4].map((right) => Number(cvOf(right, 4).toFixed(3)))).toEqual([2, 1.155, 0.667, 0]);
    expect(cvOf(1, 1)).toBe(0);
  });

  it('B-STaR’s balance score', () => {
    // min(n⁺/8, 1)·(n⁺/n)
    expect(balanceScore(4, 8)).toBe(0.25);
    expect(balanceScore(8, 16)).toBe(0.5);
    expect(balanceScore(16, 16)).toBe(1);
  });

  it('rank', () => {
    expect([rankOf(1, 4, 'hardest'), rankOf(1, 4, 'cv'), rankOf(4, 8, 'b-star')]).toEqual([0.75, 2, 0.25]);
  });
});
