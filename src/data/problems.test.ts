import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { BadLine } from './jsonl.js';
import { readProblemRows, readProblems, type ProblemFields, type ProblemSelection } from './problems.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-problems-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const path = join(root, 'problems.jsonl');
const write = (...rows: (object | string)[]) => {
  writeFileSync(path, rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
  return path;
};

/** Every row of a file, and what was set aside. */
async function read(file: string, names?: ProblemFields) {
  const bad: BadLine[] = [];
  const rows = [];
  for await (const row of readProblemRows(file, (line) => bad.push(line), names)) rows.push(row);
  return { rows, bad };
}

describe('readProblemRows', () => {
  it('reads answers of every kind and sets aside what cannot be asked or verified', async () => {
    write(
      { problem: 'Half?', answer: '\\frac{1}{2}', source: 'amc' },
      { question: 'How many?', answer: 'She has 3 + 4 = 7.\n#### 7' },
      { problem: 'Choose.', answer: 'B', reparsed_answers: ['B', ' ', 12, '\\text{B: } 5'] },
      { problem: 'A number', answer: 1.5, original_index: 99 },
      { problem: 'Both?', answer: ['$x = 1$', 2] },
      { problem: 'Solved', answer: null, solution: 'It is 3 #### no\n#### -5' },
      { problem: 'no answer' },
      { problem: 'null', answer: null, solution: 'no mark' },
      { problem: 'empty', answer: '####  ' },
      { problem: '  ', answer: '1' },
      { answer: '1' },
      '{"problem": ',
      { problem: 'list', answer: [] },
      { problem: 'list', answer: [{}] },
      { problem: 'last', answer: 'x', id: 'the last' },
      { problem: 'again', answer: 'x', id: 'the last' },
      { problem: 'odd', answer: 'x', id: {} },
    );
    const { rows, bad } = await read(path);
    expect(rows.map(({ id, problem, golds, originalIndex }) => [originalIndex, id, problem, golds])).toEqual([
      [0, '0', 'Half?', ['\\frac{1}{2}']],
      [1, '1', 'How many?', ['7']],
      [2, '2', 'Choose.', ['B', 'B', '\\text{B: } 5']],
      [99, '3', 'A number', ['1.5']],
      [4, '4', 'Both?', ['$x = 1$', '2']],
      [5, '5', 'Solved', ['-5']],
      [14, 'the last', 'last', ['x']],
    ]);
    expect(rows[0]!.fields).toEqual({ problem: 'Half?', answer: '\\frac{1}{2}', source: 'amc' });
    expect(bad.map(({ line, problem }) => [line, problem])).toEqual([
      [7, 'the field "answer" is missing'],
      [8, 'the field "answer" is missing'],
      [9, '"answer" is empty'],
      [10, '"problem" must be a text'],
      [11, 'the field "problem" (or "question") is missing'],
      [12, expect.stringContaining('not valid JSON')],
      [13, '"answer" must be a text, a number or a list of them'],
      [14, '"answer" must be a text, a number or a list of them'],
      [16, 'the "id" the last is that of line 15 too'],
      [17, '"id" must be a text or a number'],
    ]);
  });

  it('takes fields by the names that it is given', async () => {
    write({ Body: 'A. B?', Answer: 3, problem: 'not this', answer: 4 }, { Body: 'C?', answer: 5 });
    const { rows, bad } = await read(path, { problem: 'Body', answer: 'Answer' });
    expect(rows.map(({ problem, golds }) => [problem, golds])).toEqual([['A. B?', ['3']]]);
    expect(bad.map(({ problem }) => problem)).toEqual(['the field "Answer" is missing']);
  });

  it('reads a JSON array, and names the rows of it that are not rows', async () => {
    const array = join(root, 'array.json');
    writeFileSync(
      array,
      `\uFEFF${JSON.stringify([{ problem: 'a', answer: 142.0 }, 7, { problem: null, question: 'b', answer: ['5\n'] }])}`,
    );
    const { rows, bad } = await read(array);
    expect(rows.map(({ golds, rawGolds, originalIndex }) => [originalIndex, golds, rawGolds])).toEqual([
      [0, ['142'], [142]],
      [2, ['5'], ['5\n']],
    ]);
    expect(bad).toEqual([
      { file: array, line: 2, problem: 'a row must be a JSON object, {"field": …}', text: '7' },
    ]);
    writeFileSync(array, '{"problem": "a"}');
    expect((await read(array)).bad).toMatchObject([{ line: 1, problem: 'the field "answer" is missing' }]);
    writeFileSync(array, '[{]');
    await expect(read(array)).rejects.toThrow(`${array} is not JSON`);
    await expect(read(join(root, 'nowhere.json'))).rejects.toThrow('nowhere.json does not exist');
  });
});

describe('readProblems', () => {
  const select = (file: string, selection?: ProblemSelection) =>
    readProblems(file, () => undefined, {}, selection);

  it('tells files apart by their usable rows', async () => {
    const digestOf = async (...rows: object[]) => (await select(write(...rows))).digest;
    const one = await digestOf({ problem: 'a', answer: 1 });
    expect(await digestOf({ problem: 'a', answer: 1 })).toBe(one);
    expect(await digestOf({ problem: 'a', answer: 2 })).not.toBe(one);
    expect(await digestOf({ problem: 'a', answer: 1, source: 'x' })).not.toBe(one);
    expect(await digestOf({ problem: 'a', answer: 1 }, { problem: 'b', answer: 1 })).not.toBe(one);
  });

  it('takes a part of the problems, which keep their places', async () => {
    const file = write(...Array.from({ length: 10 }, (_, i) => ({ problem: `p${i}`, answer: i })));
    const places = async (selection: ProblemSelection) =>
      (await select(file, selection)).problems.map(({ place, problem }) => {
        expect(problem).toBe(`p${place}`);
        return place;
      });
    expect(await places({ skip: 2, count: 3 })).toEqual([2, 3, 4]);
    expect(await places({ skip: 8 })).toEqual([8, 9]);
    const shuffled = await places({ shuffle: 1 });
    expect(shuffled).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(shuffled.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([
      ...(await places({ shuffle: 1, count: 4 })),
      ...(await places({ shuffle: 1, skip: 4, count: 6 })),
    ]).toEqual(shuffled);
    await expect(select(file, { skip: 8, count: 3 })).rejects.toThrow(
      `${file} has 10 problems, too few for 3 after the first 8.`,
    );
    await expect(select(file, { skip: 10 })).rejects.toThrow('too few for 1 after the first 10');
  });

  it('refuses a file without any', async () => {
    await expect(select(write({ problem: 'a' }))).rejects.toThrow('has no problems with answers');
  });

  const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

  it('reads the word problems that ship', async () => {
    expect((await select(here('../../examples/word-problems/train.jsonl'))).problems).toHaveLength(3138);
    const { problems } = await select(here('../../examples/word-problems/test.jsonl'));
    expect(problems[999]?.id).toBe('svamp-999');
  });

  const shared = here('../../../shared/data/');
  const hasShared = existsSync(shared);
  if (!hasShared) console.warn(`skipped: reading benchmarks and GSM8K (${shared} is absent)`);
  it.skipIf(!hasShared)('reads GSM8K', async () => {
    const { problems } = await select(join(shared, 'gsm8k/train.jsonl'));
    expect(problems).toHaveLength(7473);
    expect(problems[0]).toMatchObject({ id: '0', golds: ['72'] });
  });

  // The counts are those of the folder's SOURCE.md.
  it.skipIf(!hasShared).each([
    ['math', 500],
    ['aime', 30],
    ['amc', 83],
    ['minerva', 272],
    ['olympiad_bench', 675],
    ['gsm8k', 1319],
  ])('reads all of the benchmark %s', async (name, count) => {
    const file = join(shared, `benchmarks/${name}.json`);
    const bad: BadLine[] = [];
    const { problems } = await readProblems(file, (line) => bad.push(line));
    expect(bad).toEqual([]);
    expect(problems).toHaveLength(count);
    const rows = JSON.parse(readFileSync(file, 'utf8')) as { problem: string }[];
    expect(problems.map(({ problem }) => problem)).toEqual(rows.map(({ problem }) => problem));
  });
});
