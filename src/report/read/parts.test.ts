/** What a report has besides runs, evaluations and traces. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { KEPT_FILE } from '../../doctor/kept.js';
import { wilsonInterval } from '../../statistics/intervals.js';
import { longestThatFit, shortened, USUAL } from './limits.js';
import { readReport, type ReportOptions } from './report.js';

const top = mkdtempSync(join(tmpdir(), 'redistill-parts-'));
afterAll(() => {
  rmSync(top, { recursive: true });
});
beforeEach(() => {
  rmSync(join(top, 'runs'), { recursive: true, force: true });
});

function write(name: string, content: object | readonly object[]): void {
  const path = join(top, 'runs', name);
  mkdirSync(dirname(path), { recursive: true });
  const rows = Array.isArray(content) ? content : [content];
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
const record = (dir: string, command: string, more: object = {}) => {
  write(`${dir}/redistill.json`, { made_by: 'redistill', command, version: '0.1.0', ...more });
};
const read = async (options: ReportOptions = {}) => {
  const { report, chunks } = await readReport([join(top, 'runs')], options);
  return { report, chunks: [...chunks()] };
};

/** An evaluation of problems without a word in common; `right` says how many of the samples of each are right. */
function evaluation(
  dir: string,
  right: (i: number) => number,
  { problems = 40, samples = 4, text = 'x' } = {},
): void {
  record(dir, 'evaluate', { settings: {} });
  const word = (i: number) => Array.from(String(i), (digit) => 'abcdefghij'[Number(digit)]).join('');
  write(
    `${dir}/samples.jsonl`,
    Array.from({ length: problems }, (_, i) => ({
      ...{ id: `p${i}`, problem: `${word(i)} ${word(i + 1000)}`, answer: '1' },
      generations: Array.from({ length: samples }, () => text),
      generation_details: Array.from({ length: samples }, (__, s) => ({
        ...{ finish_reason: 'stop', completion_tokens: 3 },
        grades: { verify: { correct: s < right(i), extracted: '1' } },
      })),
    })),
  );
  write(`${dir}/summary.json`, {
    evaluation: {
      version: '1',
      model: 'm',
      data: { file: 'set.jsonl', rows: 1, sha256: 'x'.repeat(64) },
      skip: 0,
      settings: {},
    },
  });
}

describe('power curves', () => {
  it('have at the size of the comparison what it says, and fall with the root of the problems', async () => {
    evaluation('a', (i) => i % 3);
    evaluation('b', (i) => (i * 7) % 5);
    const [row] = (await read()).report.comparisons[0]!.rows;
    const [byProblems, bySamples] = row!.power!;
    const at = (curve: typeof byProblems, size: number) =>
      curve!.points.find((point) => point.size === size)!.effect;
    expect(byProblems!.points.map(({ size }) => size)).toEqual([10, 20, 40, 80, 160, 320]);
    expect(at(byProblems, 40)).toBeCloseTo(row!.detectableEffect!, 3);
    for (const size of [10, 20, 80, 320])
      expect(at(byProblems, size) / at(byProblems, 40)).toBeCloseTo(Math.sqrt(40 / size), 3);
    expect(bySamples).toMatchObject({ by: 'samples' });
    expect(at(bySamples, 4)).toBeCloseTo(row!.detectableEffect!, 3);
    const effects = bySamples!.points.map(({ effect }) => effect);
    expect(effects).toEqual([...effects].sort((a, b) => b - a));
  });

  it('by samples are not there where there is one of each problem, nor any where all differ alike', async () => {
    evaluation('a', (i) => i % 2, { samples: 1 });
    evaluation('b', (i) => Number(i % 3 === 0), { samples: 1 });
    expect((await read()).report.comparisons[0]!.rows[0]!.power!.map(({ by }) => by)).toEqual(['problems']);
    evaluation('a', () => 0, { samples: 1 });
    evaluation('b', () => 1, { samples: 1 });
    expect((await read()).report.comparisons[0]!.rows[0]!.power).toBeUndefined();
  });
});

describe('a limit of texts', () => {
  it('is the same for all long ones, and as large as fits', () => {
    const lengths = Float64Array.from([100, 5_000, 300, 9_000, 2_000]);
    for (const total of [2_000, 4_000, 8_000, 12_000]) {
      const longest = longestThatFit(lengths, total);
      const kept = lengths.reduce((sum, length) => sum + Math.min(length, longest), 0);
      expect(kept).toBeLessThanOrEqual(total);
      const more = lengths.reduce((sum, length) => sum + Math.min(length, longest + 1), 0);
      expect(more).toBeGreaterThan(total);
    }
    expect(longestThatFit(lengths, 1e6)).toBe(Infinity);
    expect(longestThatFit(lengths, 500)).toBe(0);
    expect(longestThatFit(new Float64Array(0), 0)).toBe(Infinity);
  });

  it('takes the middle out of a text, and cuts no character in two', () => {
    expect(shortened('short', 5)).toBe('short');
    expect(shortened('any', 0)).toBe('');
    for (const most of [30, 31, 32, 33]) {
      const text = '😀'.repeat(100);
      const cut = shortened(text, most);
      expect(Buffer.from(cut, 'utf8').toString('utf8')).toBe(cut);
      expect(cut).toContain('characters are not in this report');
    }
  });

  it('is said on the first page, with what makes the report whole', async () => {
    evaluation('a', () => 1, { text: 'y'.repeat(3_000), problems: 10, samples: 2 });
    const limits = { ...USUAL, responses: 20_000 };
    const { report, chunks } = await read({ limits });
    expect(report.notes!.join()).toMatch(
      /more than 1,000 characters the middle is left out.*`redistill report .*runs --all` has all/,
    );
    const answers = chunks.flatMap((placed) =>
      'problems' in placed ? placed.problems.flatMap((one) => one.answers.flat()) : [],
    );
    expect(answers).toHaveLength(20);
    for (const { text } of answers) expect(text.replace(/\n.*\n/, '')).toHaveLength(1_000);
    expect((await read({ limits: { ...limits, responses: 100 } })).report.notes!.join()).toContain(
      'Responses are left out',
    );
    expect((await read({ all: true })).report.notes).toEqual([]);
  });
});

it('has the doctor’s findings and the rows that it kept, masked text in one piece', async () => {
  record('check', 'doctor', { settings: { data: 'pref.jsonl', model: 'm' } });
  const problem = {
    code: 'cut-off',
    severity: 'error',
    rows: 1,
    lines: [3],
    meaning: 'M.',
    detail: 'd',
    advice: 'A.',
  };
  write('check/summary.json', {
    ...{ file: 'own/pref.jsonl', rows: 9, ok: 8, warnings: 0, errors: 1, every: 1, problems: [problem] },
  });
  const none = await read();
  expect(none.report.examinations![0]!.notes.join()).toContain(
    'redistill doctor own/pref.jsonl --model m --html',
  );
  const found = { code: 'cut-off', severity: 'error', detail: 'd', side: 'chosen' };
  write(`check/${KEPT_FILE}`, [
    {
      ...{ line: 3, original_index: 7, verdict: 'error', problems: [found] },
      tokens: [{ role: 'chosen', prompt: 3, trained: 2 }],
      responses: [
        {
          role: 'chosen',
          pieces: [
            { text: '<s>', trained: false, special: true },
            ...['a', 'b'].map((text) => ({ text, trained: false })),
            { skipped: 5, trained: true },
            ...['c', 'd'].map((text) => ({ text, trained: true })),
          ],
        },
      ],
    },
    { line: 'damaged' },
  ]);
  const [examination] = (await read()).report.examinations!;
  expect(examination!.headline).toBe(
    'own/pref.jsonl: 9 rows: 8 without a finding, 0 with warnings, 1 with errors.',
  );
  expect(examination!.findings).toMatchObject([{ code: 'cut-off', rows: 1, advice: 'A.' }]);
  expect(examination!.rows).toEqual([
    {
      ...{ line: 3, id: '7', verdict: 'error', findings: [found] },
      responses: [
        {
          ...{ role: 'chosen', masked: 3, trained: 2 },
          pieces: [
            { text: '<s>', trained: false, special: true },
            { text: 'ab', trained: false },
            { text: '', trained: true, skipped: 5 },
            { text: 'c', trained: true },
            { text: 'd', trained: true },
          ],
        },
      ],
    },
  ]);
  expect(examination!.notes.join()).toContain('1 of 9 rows is shown');
});

it('has the tables of studies and benchmarks, cell by cell', async () => {
  record('s', 'study');
  const row = {
    arm: 'sft',
    passAt1: 0.3,
    standardError: 0.02,
    seeds: [0.29, 0.31],
    tokens: 100,
    cutOff: 0.1,
    operations: [],
  };
  const against = {
    difference: 0.05,
    interval: [-0.01, 0.11],
    adjusted: 0.04,
    pValue: 0.02,
    seeds: [{ difference: 0.04 }, { difference: 0.06 }],
  };
  write('s/study.json', {
    ...{ control: 'sft', seeds: [1, 2] },
    arms: [
      { name: 'sft', setting: 1, development: [0.1, 0.2], steps: 10, tokens: 1000, compute: 1 },
      { name: 'redi', setting: 2, development: [], steps: 10, tokens: 0, compute: null },
    ],
    tests: [
      {
        name: 'held-out',
        grader: 'verify',
        problems: 50,
        seen: 3,
        rows: [row, { ...row, arm: 'redi', against }],
      },
    ],
  });
  record('bench', 'benchmark', { model: 'm', protocol: 'greedy' });
  const grade = { pass_at_1: 0.5, standard_error: null, unreadable: 0 };
  write('bench/benchmarks.json', {
    tasks: [
      {
        task: 'aime',
        grader: 'v',
        problems: 30,
        samples: 4,
        cut_off: 0.2,
        mean_tokens: 900.5,
        disagreements: 2,
        graders: { v: { ...grade, pass_at_k: 0.75 } },
      },
      {
        task: 'amc',
        grader: 'v',
        problems: 40,
        samples: 1,
        cut_off: 0,
        mean_tokens: 80,
        disagreements: 0,
        graders: { v: grade },
      },
    ],
    average: { pass_at_1: 0.5, standard_error: null },
  });
  training();
  const { tables } = (await read()).report;
  expect(tables!.map(({ id }) => id)).toEqual(['s/arms', 's/held-out', 'bench']);
  const [arms, test, bench] = tables!;
  expect(arms!.rows).toEqual([
    ['sft', 10, 1000, 1, 1, 0.1, 0.2],
    ['redi', 10, 0, null, 2, null, null],
  ]);
  const near = (x: number) => expect.closeTo(x, 10) as number;
  const two = 1.959963984540054 * 0.02;
  expect(test!.rows[1]).toEqual([
    ...['redi', 0.3, 0.02, near(0.3 - two), near(0.3 + two)],
    ...[0.29, 0.31, 0.05, -0.01, 0.11, 0.04, 100, 0.1],
  ]);
  expect(test!.notes.join()).toContain('3 problems more had been seen');
  expect(bench!.rows).toEqual([
    ['aime', 'v', 30, 4, 0.5, null, ...wilsonInterval(0.5, 30), 0.75, 0.2, 0, 900.5],
    ['amc', 'v', 40, 1, 0.5, null, ...wilsonInterval(0.5, 40), null, 0, 0, 80],
    [
      ...['average of the tasks', null, null, null, 0.5, null],
      ...wilsonInterval(0.5, 4 / (1 / 30 + 1 / 40)),
      ...[null, null, null, null],
    ],
  ]);
  for (const { columns, rows } of tables!)
    for (const cells of rows) expect(cells).toHaveLength(columns.length);

  function training(): void {
    record('run', 'train', { settings: { objective: { name: 'sft' } } });
    write('run/metrics.jsonl', [{ step: 1, epoch: 1, loss: 1, learning_rate: 1, num_tokens: 1 }]);
  }
});
