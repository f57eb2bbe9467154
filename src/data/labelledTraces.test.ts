import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLabelledTraces } from './labelledTraces.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'redistill-traces-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function read(...rows: unknown[]) {
  const path = join(directory, 'traces.jsonl');
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  return readLabelledTraces(path);
}

const general = { problem: 'p', answer: 3, generations: ['x', 'y'], correct: [true, false] };
const models = { question: 'q', ground_truth: 'so\nA: 18', small: { is_correct: false, solution: 'A: 1' } };

describe('readLabelledTraces', () => {
  it('reads both shapes', () => {
    expect(read(general, models)).toEqual([
      {
        problem: 'p',
        answer: '3',
        traces: [
          { text: 'x', correct: true },
          { text: 'y', correct: false },
        ],
        originalIndex: 0,
      },
      { problem: 'q', answer: '18', traces: [{ text: 'A: 1', correct: false }], originalIndex: 1 },
    ]);
  });

  it.each([
    [{ ...general, generations: undefined }, /traces\.jsonl, line 1: "generations" must be a list of texts/],
    [{ ...general, generations: [1, 2] }, /"generations" must be a list of texts/],
    [{ ...general, correct: [true] }, /"correct" must be a list of 2 booleans/],
    [{ ...general, correct: ['yes', 'no'] }, /"correct" must be a list of 2 booleans/],
    [{ ...general, answer: undefined }, /"answer" is missing/],
    [{ ...general, problem: undefined }, /"problem" \(or "question"\) is missing/],
    [{ ...models, ground_truth: 'no answer' }, /"ground_truth" must be a solution/],
    [{ ...models, ground_truth: 18 }, /"ground_truth" must be a solution/],
    [{ ...models, small: { is_correct: 1, solution: '' } }, /"small" must be \{"is_correct"/],
  ])('names what is wrong with %j', (row, message) => {
    expect(() => read(row)).toThrow(message);
  });

  it('says that a file is empty', () => {
    expect(() => read()).toThrow(/has no rows/);
  });
});
