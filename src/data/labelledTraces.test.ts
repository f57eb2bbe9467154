import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradeNumeric } from '../evaluate/answers.js';
import { mapTraces, normalizeFinalAnswer, readLabelledTraces } from './labelledTraces.js';

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

describe('normalizeFinalAnswer', () => {
  it.each([
    ['so <<1+1=2>>2\nA: 18', 'so <<1+1=2>>2\nThe answer is 18'],
    ['so\n#### 1,000\n', 'so\nThe answer is 1,000'],
    ['A: 5', 'The answer is 5'],
    ['A: 5\nand so on', 'A: 5\nand so on'],
    ['cut off in 3 +', 'cut off in 3 +'],
    ['so\nA:', 'so\nA:'],
    ['Q&A: 5', 'Q&A: 5'],
  ])('%j becomes %j', (text, rewritten) => {
    expect(normalizeFinalAnswer(text)).toBe(rewritten);
  });

  it('changes no verdict of the solutions that ship', () => {
    const path = fileURLToPath(
      new URL('../../examples/gsm8k-solutions/example_model_solutions.jsonl', import.meta.url),
    );
    let unchanged = 0;
    const problems = readLabelledTraces(path);
    const rewritten = mapTraces(problems, normalizeFinalAnswer);
    for (const [i, { answer, traces }] of rewritten.entries()) {
      for (const [j, { text, correct }] of traces.entries()) {
        expect(gradeNumeric(text, answer).correct).toBe(correct);
        if (text === problems[i]!.traces[j]!.text) unchanged++;
      }
    }
    // SOURCE.md: 11 solutions have no "A:" line.
    expect(unchanged).toBe(11);
  });
});
