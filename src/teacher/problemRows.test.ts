import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readProblemRows, readTeacherProblems } from './problemRows.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-problems-'));
const path = join(root, 'problems.jsonl');
afterAll(() => {
  rmSync(root, { recursive: true });
});

const write = (...rows: (object | string)[]) => {
  writeFileSync(path, rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
};

it('reads answers of every kind and sets aside what cannot be asked or verified', () => {
  write(
    { problem: 'Half?', answer: '\\frac{1}{2}', source: 'amc' },
    { question: 'How many?', answer: 'She has 3 + 4 = 7.\n#### 7' },
    { problem: 'Choose.', answer: 'B', reparsed_answers: ['B', ' ', 12, '\\text{B: } 5'] },
    { problem: 'A number', answer: 1.5, original_index: 99 },
    { problem: 'no answer' },
    { problem: 'null', answer: null },
    { problem: 'empty', answer: '####  ' },
    { problem: '  ', answer: '1' },
    { answer: '1' },
    '{"problem": ',
    { problem: 'list', answer: ['1'] },
    { problem: 'last', answer: 'x' },
  );
  const bad: [number, string][] = [];
  const rows = [...readProblemRows(path, ({ line, problem }) => bad.push([line, problem]))];
  expect(rows.map(({ problem, golds, originalIndex }) => [originalIndex, problem, golds])).toEqual([
    [0, 'Half?', ['\\frac{1}{2}']],
    [1, 'How many?', ['7']],
    [2, 'Choose.', ['B', 'B', '\\text{B: } 5']],
    [99, 'A number', ['1.5']],
    [11, 'last', ['x']],
  ]);
  expect(rows[0]!.fields).toEqual({ problem: 'Half?', answer: '\\frac{1}{2}', source: 'amc' });
  expect(bad.map(([line]) => line)).toEqual([5, 6, 7, 8, 9, 10, 11]);
  expect(bad[0]![1]).toBe('the field "answer" is missing');
});

it('tells files apart by their usable rows', () => {
  const digestOf = (...rows: object[]) => {
    write(...rows);
    return readTeacherProblems(path, () => undefined).digest;
  };
  const one = digestOf({ problem: 'a', answer: 1 });
  expect(digestOf({ problem: 'a', answer: 1 })).toBe(one);
  expect(digestOf({ problem: 'a', answer: 2 })).not.toBe(one);
  expect(digestOf({ problem: 'a', answer: 1, source: 'x' })).not.toBe(one);
  expect(digestOf({ problem: 'a', answer: 1 }, { problem: 'b', answer: 1 })).not.toBe(one);
});

it('refuses a file without any', () => {
  write({ problem: 'a' });
  expect(() => readTeacherProblems(path, () => undefined)).toThrow('has no problems with answers');
});
