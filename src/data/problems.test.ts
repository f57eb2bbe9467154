import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProblems } from './problems.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'redistill-problems-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function read(...rows: unknown[]) {
  const path = join(directory, 'problems.jsonl');
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  return readProblems(path);
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

describe('readProblems', () => {
  it('reads numbers, their text and GSM8K solutions', () => {
    const problems = read(
      { problem: 'a', answer: 18 },
      { question: 'b', answer: '1,000', id: 'x' },
      { question: 'c', answer: 'She has 3 #### no\nso\n#### -5', id: 7 },
      { problem: 'd', answer: ' 3/4 ' },
    );
    expect(problems).toEqual([
      { id: '0', problem: 'a', answer: '18', originalIndex: 0 },
      { id: 'x', problem: 'b', answer: '1,000', originalIndex: 1 },
      { id: '7', problem: 'c', answer: '-5', originalIndex: 2 },
      { id: '3', problem: 'd', answer: '3/4', originalIndex: 3 },
    ]);
  });

  it.each([
    [{ answer: 1 }, /problems\.jsonl, line 2: the field "problem" \(or "question"\) is missing/],
    [{ problem: ' ', answer: 1 }, /line 2: "problem" must be a text/],
    [{ question: 3, answer: 1 }, /line 2: "question" must be a text/],
    [{ problem: 'a' }, /line 2: the field "answer" is missing/],
    [{ problem: 'a', answer: 'seven' }, /line 2: "answer" must be a number .* not "seven"/],
    [{ problem: 'a', answer: [3] }, /line 2: "answer" must be a number/],
    [{ problem: 'a', answer: 1, id: '0' }, /line 2: the "id" 0 is that of line 1 too/],
    [{ problem: 'a', answer: 1, id: {} }, /line 2: "id" must be a text or a number/],
  ])('names what is wrong with %j', (row, message) => {
    expect(() => read({ problem: 'fine', answer: 1 }, row)).toThrow(message);
  });

  it('says that a file is empty', () => {
    expect(() => read()).toThrow(/has no problems/);
  });

  it('reads the word problems that ship', () => {
    expect(readProblems(here('../../examples/word-problems/train.jsonl'))).toHaveLength(3138);
    expect(readProblems(here('../../examples/word-problems/test.jsonl'))[999]?.id).toBe('svamp-999');
  });

  const gsm8k = here('../../../shared/data/gsm8k/train.jsonl');
  const hasGsm8k = existsSync(gsm8k);
  if (!hasGsm8k) console.warn(`skipped: reading GSM8K's training split (${gsm8k} is absent)`);
  it.skipIf(!hasGsm8k)('reads GSM8K', () => {
    const problems = readProblems(gsm8k);
    expect(problems).toHaveLength(7473);
    expect(problems[0]).toMatchObject({ id: '0', answer: '72' });
  });
});
