import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readLabelledTraces, type LabelledProblem } from './labelledTraces.js';
import { demonstrations, preferencePairs, shortestPairs, type Turn } from './trainingRows.js';

const characters = (messages: readonly Turn[]): number =>
  messages.reduce((sum, { content }) => sum + content.length, 0);

const problems: LabelledProblem[] = [
  {
    problem: 'P',
    answer: '1',
    originalIndex: 4,
    traces: [
      { text: 'wrong long', correct: false },
      { text: 'right long', correct: true },
      { text: 'bad', correct: false },
      { text: 'good', correct: true },
      { text: ' ', correct: true },
    ],
  },
  { problem: 'Q', answer: '2', originalIndex: 5, traces: [{ text: 'no', correct: false }] },
];

const shipped = readLabelledTraces(
  fileURLToPath(new URL('../../examples/gsm8k-solutions/example_model_solutions.jsonl', import.meta.url)),
);

describe('demonstrations', () => {
  it("takes a problem's first right trace or all, never an empty one", () => {
    const texts = (take: 'first' | 'all') =>
      demonstrations(problems, take).map((row) => row.messages[1]!.content);
    expect(texts('first')).toEqual(['right long']);
    expect(texts('all')).toEqual(['right long', 'good']);
  });

  it('leaves out what is too long before it chooses', () => {
    expect(demonstrations(problems, 'first', { measure: characters, maximum: 5 })).toEqual([
      {
        messages: [
          { role: 'user', content: 'P' },
          { role: 'assistant', content: 'good' },
        ],
        chosen_gen_idx: 3,
        original_index: 4,
      },
    ]);
  });

  it('finds 887 problems with a right trace and 2,001 right traces in the solutions that ship', () => {
    expect(demonstrations(shipped, 'first')).toHaveLength(887);
    expect(demonstrations(shipped, 'all')).toHaveLength(2001);
  });
});

describe('preferencePairs', () => {
  it('takes the first right and the first wrong trace', () => {
    expect(preferencePairs(problems, 'first')).toEqual([
      {
        prompt: [{ role: 'user', content: 'P' }],
        chosen: [{ role: 'assistant', content: 'right long' }],
        rejected: [{ role: 'assistant', content: 'wrong long' }],
        chosen_gen_idx: 1,
        rejected_gen_idx: 0,
        original_index: 4,
      },
    ]);
  });

  it('takes every combination, and what fits', () => {
    const indices = (maximum: number) =>
      preferencePairs(problems, 'all', { measure: characters, maximum }).map((pair) => [
        pair.chosen_gen_idx,
        pair.rejected_gen_idx,
      ]);
    expect(indices(100)).toEqual([
      [1, 0],
      [1, 2],
      [3, 0],
      [3, 2],
    ]);
    expect(indices(5)).toEqual([[3, 2]]);
    expect(indices(4)).toEqual([]);
  });

  it('finds 731 problems with both and 2,429 pairs in the solutions that ship', () => {
    expect(preferencePairs(shipped, 'first')).toHaveLength(731);
    expect(preferencePairs(shipped, 'all')).toHaveLength(2429);
  });
});

describe('shortestPairs', () => {
  it('keeps the shortest in the order they came', () => {
    const pairs = preferencePairs(shipped, 'first');
    const kept = shortestPairs(pairs, 160, characters);
    expect(kept).toHaveLength(160);
    const size = (pair: (typeof pairs)[number]) =>
      characters([...pair.prompt, ...pair.chosen, ...pair.prompt, ...pair.rejected]);
    const sizes = pairs.map(size).sort((a, b) => a - b);
    expect(kept.map(size).sort((a, b) => a - b)).toEqual(sizes.slice(0, 160));
    const order = kept.map((pair) => pair.original_index);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('gives ties to the earlier pair', () => {
    const pairs = preferencePairs([...problems, { ...problems[0]!, originalIndex: 6 }], 'first');
    expect(shortestPairs(pairs, 1, characters).map((pair) => pair.original_index)).toEqual([4]);
  });
});
