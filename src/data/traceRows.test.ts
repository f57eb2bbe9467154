import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { BadLine } from './jsonl.js';
import type { TraceRow } from './traceRow.js';
import { readTraceRows } from './traceRows.js';

const directory = mkdtempSync(join(tmpdir(), 'redistill-rows-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

let files = 0;
function file(...lines: unknown[]): string {
  const path = join(directory, `${++files}.jsonl`);
  writeFileSync(
    path,
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
  return path;
}

async function read(...paths: string[]): Promise<{ rows: TraceRow[]; bad: BadLine[] }> {
  const rows: TraceRow[] = [];
  const bad: BadLine[] = [];
  for await (const row of readTraceRows(paths, (line) => bad.push(line))) rows.push(row);
  return { rows, bad };
}

async function readOne(row: object): Promise<TraceRow> {
  const { rows, bad } = await read(file(row));
  expect(bad).toEqual([]);
  return rows[0]!;
}

const labels = (row: TraceRow) => row.correctness.mvReparsed;
const rawRow = {
  problem: 'p',
  solution: 's',
  answer: '1',
  source: 'olympiads',
  problem_is_valid: 'Yes',
  generations: ['a', 'b'],
  correctness: {
    llama_verification: [true, null],
    math_verify_answer: [false, false],
    math_verify_reparsed_answer: [true],
  },
  reparsed_answers: ['1', 'B'],
};

describe('readTraceRows: shapes', () => {
  it('OpenR1-Math-Raw', async () => {
    const path = file(rawRow);
    const { rows } = await read(path);
    expect(rows).toEqual([
      {
        originalIndex: 0,
        file: path,
        line: 1,
        fields: rawRow,
        problem: 'p',
        answer: '1',
        source: 'olympiads',
        problemIsValid: 'Yes',
        generations: ['a', 'b'],
        correctness: { llm: [true, null], mvAnswer: [false, false], mvReparsed: [true] },
        reparsedAnswers: ['1', 'B'],
      },
    ]);
  });

  it('OpenR1-Math-Raw with next to nothing in it', async () => {
    expect(await readOne({ problem: null, generations: null, correctness: null, answer: 3 })).toMatchObject({
      problem: null,
      answer: '3',
      source: null,
      problemIsValid: null,
      generations: null,
      correctness: { llm: null, mvAnswer: null, mvReparsed: null },
      reparsedAnswers: null,
    });
  });

  it('our own collection, whose problems nobody has judged', async () => {
    const fields = { ...rawRow, problem_is_valid: undefined };
    expect((await readOne({ ...fields, generation_details: [] })).problemIsValid).toBe('Yes');
    expect((await readOne(fields)).problemIsValid).toBeNull();
  });

  it('labelled rows: the label is every verdict', async () => {
    const fields = { problem: 'p', answer: '\\frac12', generations: ['a', 'b'], correct: [true, false] };
    const row = await readOne(fields);
    expect(row).toMatchObject({ problem: 'p', answer: '\\frac12', problemIsValid: 'Yes', source: null });
    expect(row.correctness).toEqual({
      llm: [true, false],
      mvAnswer: [true, false],
      mvReparsed: [true, false],
    });
    expect((await readOne({ ...fields, problem_is_valid: 'No', source: 'cn_k12' })).problemIsValid).toBe(
      'No',
    );
  });

  it('GSM8K solutions', async () => {
    const row = await readOne({
      question: 'q',
      ground_truth: 'so\nA: 18',
      small: { is_correct: false, solution: 'A: 1' },
      large: { is_correct: true, solution: 'A: 18' },
    });
    expect(row).toMatchObject({ problem: 'q', answer: '18', generations: ['A: 1', 'A: 18'] });
    expect(labels(row)).toEqual([false, true]);
  });

  it('MathCoder outputs, code and output as blocks', async () => {
    const row = await readOne({
      question: 'q',
      gold: '4',
      samples: [
        {
          correct: true,
          segments: [
            { kind: 'text', text: 'Compute.' },
            { kind: 'code', text: 'print(2+2)' },
            { kind: 'execution', text: '4' },
            { kind: 'text', text: '4' },
          ],
        },
      ],
    });
    expect(row.generations).toEqual(['Compute.\n```python\nprint(2+2)\n```\n```output\n4\n```\n4']);
    expect(labels(row)).toEqual([true]);
  });

  it('Qwen2.5-Math outputs', async () => {
    const row = await readOne({
      question: 'q',
      gt: '4',
      answer: 'x',
      code: ['a', 'b'],
      score: [true, false],
    });
    expect(row).toMatchObject({ problem: 'q', answer: '4', generations: ['a', 'b'] });
    expect(labels(row)).toEqual([true, false]);
  });

  const user = { role: 'user', content: 'q' };
  const assistant = (content: string) => ({ role: 'assistant', content });
  it.each([
    ['explicit prompt', { prompt: 'q', chosen: 'a', rejected: 'b' }],
    ['conversational', { prompt: [user], chosen: [assistant('a')], rejected: [assistant('b')] }],
    ['implicit prompt', { chosen: [user, assistant('a')], rejected: [user, assistant('b')] }],
    [
      'REDI’s own: a text prompt that the lists repeat',
      { prompt: 'q', chosen: [user, assistant('a')], rejected: [user, assistant('b')] },
    ],
  ])('TRL preferences: %s', async (_, fields) => {
    const row = await readOne(fields);
    expect(row).toMatchObject({ problem: 'q', problemIsValid: 'Yes', generations: ['a', 'b'] });
    expect(labels(row)).toEqual([true, false]);
    expect(row.prompt).toBeUndefined();
  });

  it('TRL preferences keep a longer prompt', async () => {
    const prompt = [{ role: 'system', content: 's' }, user];
    const row = await readOne({ prompt, chosen: [assistant('a')], rejected: [assistant('b')] });
    expect(row).toMatchObject({ problem: 'q', prompt });
  });

  it('unpaired rows of one prompt become one row, at the end', async () => {
    const one = file(
      { prompt: 'q', completion: 'a', label: true },
      { prompt: [{ role: 'user', content: 'r' }], completion: [assistant('b')], label: false },
      rawRow,
    );
    const two = file(
      { prompt: 'q', completion: 'c', label: false },
      { problem: 'r', trace: 'd', correct: true },
    );
    const { rows, bad } = await read(one, two);
    expect(bad).toEqual([]);
    expect(rows.map((row) => [row.originalIndex, row.problem, row.generations])).toEqual([
      [2, 'p', ['a', 'b']],
      [0, 'q', ['a', 'c']],
      [1, 'r', ['b', 'd']],
    ]);
    expect(rows[1]!.correctness).toEqual({
      llm: [true, false],
      mvAnswer: [true, false],
      mvReparsed: [true, false],
    });
    expect(labels(rows[2]!)).toEqual([false, true]);
  });
});

describe('readTraceRows: order and bad rows', () => {
  it('takes the row’s own index, else its number over all files', async () => {
    const { rows } = await read(
      file(rawRow, '', { ...rawRow, original_index: 70 }),
      file('nonsense', rawRow),
    );
    expect(rows.map((row) => [row.originalIndex, row.line])).toEqual([
      [0, 1],
      [70, 3],
      [3, 2],
    ]);
  });

  it.each<[unknown, RegExp]>([
    ['{"problem": ', /not valid JSON/],
    ['[1]', /a row must be a JSON object/],
    [{ text: 'x' }, /not a row of traces/],
    [{ ...rawRow, generations: ['a', null] }, /"generations\.1" does not fit/],
    [{ ...rawRow, generations: 'a' }, /"generations" does not fit/],
    [{ ...rawRow, problem: 3 }, /"problem" does not fit/],
    [{ ...rawRow, correctness: { llama_verification: ['yes'] } }, /"correctness\.llama_verification\.0"/],
    [{ problem: 'p', generations: ['a'], correct: [] }, /"correct" must be a list of 1 booleans/],
    [{ problem: '', generations: ['a'], correct: [true] }, /"problem" must be a text/],
    [{ question: 'q', ground_truth: 'none' }, /"ground_truth" must be a solution/],
    [{ question: 'q', samples: [{ correct: 1 }] }, /"samples" must be a list/],
    [{ prompt: 'q', chosen: 'a' }, /"rejected" is missing/],
    [{ prompt: 'q', completion: 'a', label: 1 }, /"label" must be true or false/],
    [{ prompt: '', completion: 'a', label: true }, /"prompt" is empty/],
    [{ problem: 'q', trace: 3, correct: true }, /"trace" must be a text/],
  ])('sets %j aside and goes on', async (line, problem) => {
    const path = file(rawRow, line, rawRow);
    const { rows, bad } = await read(path);
    expect(rows.map(({ originalIndex }) => originalIndex)).toEqual([0, 2]);
    expect(bad).toEqual([
      {
        file: path,
        line: 2,
        problem: expect.stringMatching(problem) as string,
        text: typeof line === 'string' ? line : JSON.stringify(line),
      },
    ]);
  });

  it('sets a line aside that is not UTF-8', async () => {
    const path = join(directory, 'latin1.jsonl');
    writeFileSync(path, Buffer.from('{"problem": "caf\xe9"}\n', 'latin1'));
    const { rows, bad } = await read(path);
    expect(rows).toEqual([]);
    expect(bad).toMatchObject([{ line: 1, problem: expect.stringContaining('UTF-8') as string }]);
  });

  it('says that a file is missing', async () => {
    await expect(read(join(directory, 'none'))).rejects.toThrow(/none does not exist/);
  });

  it('reads Parquet as it reads JSON lines', async () => {
    const parquet = fileURLToPath(new URL('../../test/fixtures/parquet/zstd.parquet', import.meta.url));
    const { rows } = await read(parquet);
    const again = await read(file(...rows.map(({ fields }) => fields)));
    const bare = (list: readonly TraceRow[]) => list.map((row) => ({ ...row, file: '' }));
    expect(rows).toHaveLength(60);
    expect(bare(again.rows)).toEqual(bare(rows));
  });
});

describe('the answers of the GSM8K solutions that ship', () => {
  const example = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

  it('are what follows "A:" on the last line, in all 1,319 rows', async () => {
    const { rows, bad } = await read(example('examples/gsm8k-solutions/example_model_solutions.jsonl'));
    // As an extractor of numbers read them: test/oracles/quickstart_rows.py.
    const fixture = readFileSync(example('test/fixtures/curate/quickstart.json'), 'utf8');
    const { golds } = JSON.parse(fixture) as { golds: string[] };
    expect(bad).toEqual([]);
    expect(golds).toHaveLength(1319);
    expect(rows.map(({ answer }) => answer)).toEqual(golds);
  });

  it.each([
    ['A: 18', '18'],
    ['so\nA: $1,000 \n', '$1,000'],
    ['A: 3\nthen\nA:\t4', '4'],
  ])('%j gives %j', async (ground_truth, answer) => {
    expect((await readOne({ question: 'q', ground_truth })).answer).toBe(answer);
  });

  it.each(['A: 3\nand so on', 'Q&A: 3', 'so\nA:', '3'])('%j gives none', async (ground_truth) => {
    const { rows, bad } = await read(file({ question: 'q', ground_truth }));
    expect(rows).toEqual([]);
    expect(bad).toMatchObject([{ problem: '"ground_truth" must be a solution that ends in "A: answer"' }]);
  });
});

// What the SOURCE.md beside each file says.
const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
describe('real files', () => {
  it.each([
    ['gsm8k/example_model_solutions.jsonl', { rows: 1319, traces: 5276, right: 2001, some: 887, both: 731 }],
    ['mathcoder-gsm8k/traces.jsonl', { rows: 1319, traces: 5602, right: 4255, some: 1225, both: 514 }],
    ['qwen25-math-cot100/math_cot_100.jsonl', { rows: 100, traces: 800, right: 728, some: 96, both: 10 }],
    ['self-traces/traces.jsonl', { rows: 320, traces: 1280, right: 216, some: 140 }],
  ])('%s', async (name, expected) => {
    const path = join(shared, name);
    if (!existsSync(path)) {
      console.warn(`skipped: ${path} is absent`);
      return;
    }
    const { rows, bad } = await read(path);
    const lists = rows.map((row) => row.correctness.llm!);
    const has = (list: readonly (boolean | null)[], label: boolean) => list.includes(label);
    expect(bad).toEqual([]);
    expect({
      rows: rows.length,
      traces: lists.flat().length,
      right: lists.flat().filter((verdict) => verdict).length,
      some: lists.filter((list) => has(list, true)).length,
      both: lists.filter((list) => has(list, true) && has(list, false)).length,
    }).toMatchObject(expected);
  });
});
