import { existsSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ResultFolders } from '../../../test/support/resultFolders.js';
import { trainSettings } from '../../train/settings.js';
import { reportAsText } from '../text.js';
import { readReport } from './report.js';

const folders = new ResultFolders();
const { top } = folders;
const write = (path: string, content: string | object) => {
  folders.write(`runs/${path}`, content);
};
const record = (dir: string, command: string, parts: object) => {
  folders.record(`runs/${dir}`, command, parts);
};

function training(
  dir: string,
  settings: object,
  steps: number,
  of: (step: number) => object = () => ({}),
): void {
  record(dir, 'train', { settings: { objective: { name: 'sft' }, seed: 1, ...settings } });
  const all = Array.from({ length: steps }, (_, i) => i + 1);
  write(
    `${dir}/metrics.jsonl`,
    all.map((step) => ({
      ...{ step, epoch: 1, loss: 1 / step, learning_rate: 1, num_tokens: 10 * step },
      ...of(step),
    })),
  );
  write(
    `${dir}/speed.jsonl`,
    all.map((step) => ({ step, tokens_per_second: 100 + step, peak_memory_bytes: 5 })),
  );
}

interface Sample {
  text: string;
  correct: boolean;
  other?: boolean;
  cut?: boolean;
}
/** Words of their own for each problem, so that no two resemble each other. */
const problemOf = (i: number): string =>
  Array.from({ length: 8 }, (_, word) =>
    Array.from(String(i * 8 + word), (digit) => 'abcdefghij'[Number(digit)]).join(''),
  ).join(' ');

function evaluation(
  dir: string,
  answers: readonly (readonly Sample[])[],
  more: (i: number) => object = () => ({}),
): void {
  record(dir, 'evaluate', { settings: {} });
  const rows = answers.map((samples, i) => ({
    ...{ id: `p${i}`, problem: problemOf(i), answer: String(2 * i), ...more(i) },
    generations: samples.map(({ text }) => text),
    generation_details: samples.map(({ correct, other = correct, cut }) => ({
      ...{ finish_reason: cut ? 'length' : 'stop', completion_tokens: 7 },
      grades: {
        verify: { correct, extracted: correct ? '1' : null },
        other: { correct: other, extracted: '1' },
      },
    })),
  }));
  write(`${dir}/samples.jsonl`, rows);
  write(`${dir}/summary.json`, {
    evaluation: {
      model: 'm',
      data: { file: 'data/set.jsonl', rows: 1, sha256: 'x'.repeat(64) },
      skip: 0,
      settings: { temperature: 1 },
      version: '1',
    },
  });
}
const right = (text: string): Sample => ({ text, correct: true });
const wrong = (text: string): Sample => ({ text, correct: false });
const read = (...dirs: string[]) =>
  readReport((dirs.length === 0 ? [''] : dirs).map((dir) => join(top, 'runs', dir)));

it('has no path of the machine in it, also where folders were named by such', async () => {
  training('a', { model: 'm', data: 'd.jsonl' }, 2);
  evaluation('b', [[right('x')], [wrong('y')]]);
  evaluation('c', [[right('x')], [right('y')]]);
  const { report } = await read();
  expect(JSON.stringify(report)).not.toContain(top);
  expect(report.runs.map(({ dir }) => dir)).toEqual(['runs/a']);
  const evaluated = report.evaluations.flatMap(({ columns }) => columns.map(({ dir }) => dir));
  expect(evaluated).toEqual(['runs/b', 'runs/c']);
  expect((await read('a')).report.runs[0]!.dir).toBe('a');
});

describe('training runs of a report', () => {
  it('have every step, with speed and memory, and what was measured beside the steps', async () => {
    training('a', {}, 3);
    write(
      'a/metrics.jsonl',
      [
        '{"step":1,"loss":2,"learning_rate":0}',
        '{"step":1,"eval/loss":4}',
        '{"step":2,"loss":null,"learning_rate":0}',
        '{"step":3,"lo',
      ].join('\n'),
    );
    const alert = { step: 2, verdict: 'collapse', sentence: 'collapse: so it is' };
    write('a/sentinel.json', JSON.stringify([alert]));
    const [run] = (await read()).report.runs;
    expect(run!.curves.steps).toEqual([1, 2]);
    const values = Object.fromEntries(run!.curves.series.map(({ name, mean }) => [name, mean]));
    expect(values).toMatchObject({
      loss: [2, null],
      tokens_per_second: [101, 102],
      peak_memory_bytes: [5, 5],
    });
    expect(run!.measured).toEqual([{ name: 'eval/loss', steps: [1], values: [4] }]);
    expect(run!.alerts).toEqual([{ step: 2, sentence: 'collapse: so it is' }]);
    expect(run).toMatchObject({
      finished: false,
      objective: 'sft',
      formula: expect.stringContaining('logp(y)') as string,
    });
  });

  it('are drawn in buckets where there are more steps than points', async () => {
    const loss = (step: number) => ({ loss: Math.sin(step) });
    training('a', {}, 4001, loss);
    const { curves } = (await read()).report.runs[0]!;
    const series = curves.series.find(({ name }) => name === 'loss')!;
    expect(curves.bucket).toBe(4);
    expect(curves.steps.slice(0, 2)).toEqual([4, 8]);
    expect(curves.steps.at(-1)).toBe(4001);
    const first = [1, 2, 3, 4].map(Math.sin);
    expect(series.mean[0]).toBeCloseTo(first.reduce((a, b) => a + b) / 4, 5);
    expect([series.low![0], series.high![0]].map((x) => x!.toFixed(5))).toEqual(
      [Math.min(...first), Math.max(...first)].map((x) => x.toFixed(5)),
    );
  });

  it('are one group where they differ in nothing but their seed', async () => {
    training('redi-s1', { seed: 1 }, 2);
    training('redi-s2', { seed: 2 }, 2);
    training('sft', { seed: 1, batch_size: 4 }, 2);
    expect((await read()).report.runs.map(({ group, seed }) => [group, seed])).toEqual([
      ['redi', 1],
      ['redi', 2],
      ['sft', 1],
    ]);
  });

  it('have the settings that were given and those that differ from the defaults', async () => {
    const given = { model: 'm', data: 'd', batch_size: 8, epochs: 1, optimizer: { lr: 1e-5 }, seed: 1 };
    const defaults = trainSettings.parse({ ...given, objective: { name: 'sft' } });
    training('a', { ...defaults, dtype: 'f32' }, 1);
    expect((await read()).report.runs[0]!.settings).toEqual({
      ...{ model: 'm', data: 'd', 'objective.name': 'sft', batch_size: 8, epochs: 1, 'optimizer.lr': 1e-5 },
      ...{ seed: 1, dtype: 'f32' },
    });
  });

  it('run no module, wherever a record names one', async () => {
    const proof = join(top, 'it-was-run');
    const module = join(top, 'runs/evil.mjs');
    write(
      'evil.mjs',
      `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(proof)}, '');`,
    );
    for (const objective of [
      { module },
      { terms: [{ name: 'sft' }, { module, weight: 1 }] },
      [{ name: 'sft' }, { module }],
    ]) {
      training('a', { objective }, 1);
      expect((await read()).report.runs[0]!.formula).toBe('');
      expect(existsSync(proof)).toBe(false);
    }
    training('a', { objective: { module } }, 1);
    expect((await read()).report.runs[0]!.objective).toBe(module);
  });
});

describe('evaluations of a report', () => {
  const before = Array.from({ length: 120 }, (_, i) => [
    right(`a${i}`),
    i % 3 === 0 ? right('b') : wrong(`c${i}`),
  ]);
  const after = Array.from({ length: 120 }, (_, i) => [
    right(`x${i}`),
    { ...right('y'), other: i % 2 === 0, cut: i === 5 },
  ]);

  it('stand side by side where they are of the same problems', async () => {
    evaluation('before', before, (i) => ({ level: `Level ${1 + (i % 3)}` }));
    evaluation('after', after, (i) => ({ level: `Level ${1 + (i % 3)}` }));
    evaluation('elsewhere', before.slice(1));
    const { report } = await read();
    expect(report.evaluations.map(({ id, columns }) => [id, columns.map(({ name }) => name)])).toEqual([
      ['set', ['before', 'after']],
      ['set-2', ['elsewhere']],
    ]);
    const [set] = report.evaluations;
    const [b, a] = set!.columns;
    expect(b!.grades.verify).toMatchObject({
      passAt1: (120 + 40) / 240,
      unreadable: 80 / 240,
      passAtK: [
        { k: 1, value: 160 / 240 },
        { k: 2, value: 1 },
      ],
    });
    expect(a!.grades.other!.passAt1).toBe(180 / 240);
    expect(b!.grades.verify!.by).toMatchObject([
      {
        field: 'level',
        rows: [{ value: 'Level 1', problems: 40, passAt1: 1 }, { passAt1: 0.5 }, { passAt1: 0.5 }],
      },
    ]);
    expect(set!.problems.disputed[1]!.reduce((sum, count) => sum + count)).toBe(60);
    expect(set!.problems.cutOff[1]!.indexOf(1)).toBe(5);
  });

  it('give all texts, a chunk at a time', async () => {
    evaluation('before', before);
    evaluation('after', after);
    const { report, chunks } = await read();
    const found = [...chunks()].flatMap((placed) => ('problems' in placed ? [placed.problems] : []));
    expect(found.map((chunk) => chunk.length)).toEqual(report.evaluations[0]!.problems.chunks);
    expect(found.flat().map(({ id }) => id)).toEqual(report.evaluations[0]!.problems.ids);
    expect(found.flat()[7]!.answers.map((column) => column.map(({ text }) => text))).toEqual([
      ['a7', 'c7'],
      ['x7', 'y'],
    ]);
    expect(found.flat()[7]!.answers[0]![1]!.grades.verify).toEqual({ correct: false, extracted: null });
  });

  it('have small chunks where texts are long', async () => {
    evaluation(
      'long',
      Array.from({ length: 9 }, () => [right('t'.repeat(100_000))]),
    );
    expect((await read()).report.evaluations[0]!.problems.chunks).toEqual([2, 2, 2, 2, 1]);
  });

  it('are compared with the first where nobody has compared them', async () => {
    evaluation('a', before);
    evaluation('b', after);
    const [table] = (await read()).report.comparisons;
    expect(table).toMatchObject({
      before: 'a',
      after: 'b',
      finding: 'better',
      rows: [{ gained: 80, lost: 0 }],
    });
    expect(table!.verdict).toMatch(/^b is better than a: \+33\.3 points/);
  });

  it('take what a stage compared, wherever it was run', async () => {
    evaluation('before', before);
    evaluation('after', after);
    record('verdict', 'compare', { settings: { before: 'elsewhere/before', after: 'elsewhere/after' } });
    const row = {
      name: 'set',
      grader: 'verify',
      problems: 1,
      before: 0,
      after: 1,
      difference: 1,
      interval: [null, null],
    };
    const numbers = { p_value: 1, adjusted: 1, gained: 1, lost: 0, detectable_effect: null };
    const finding = {
      verdict: 'Cannot tell whether B differs from A: there is a single problem.',
      finding: 'unclear',
    };
    write('verdict/compare.json', {
      ...finding,
      rows: [{ ...row, ...numbers }],
      warnings: [],
      alpha: 0.05,
      power: 0.8,
    });
    expect((await read()).report.comparisons).toMatchObject([
      {
        verdict: 'Cannot tell whether after differs from before: there is a single problem.',
        rows: [
          {
            interval: null,
            detectableEffect: null,
            columns: { set: 'set', before: ['before'], after: ['after'] },
          },
        ],
      },
    ]);
  });

  it('and trainings of the library have no record', async () => {
    training('b', {}, 1);
    evaluation('a', [[right('x')]]);
    for (const dir of ['a', 'b']) rmSync(join(top, 'runs', dir, 'redistill.json'));
    const { runs, evaluations } = (await read()).report;
    expect([runs.length, evaluations.length]).toEqual([1, 1]);
  });

  it('are refused where a response has no grade, naming file, line and field', async () => {
    evaluation('a', [[right('x')]]);
    const row = { id: 'p', problem: 'q', answer: '1', generations: ['x', 'y'] };
    const detail = { finish_reason: 'stop', completion_tokens: 1 };
    write('a/samples.jsonl', [
      {
        ...row,
        generation_details: [
          { ...detail, grades: { v: { correct: true, extracted: null } } },
          { ...detail, grades: {} },
        ],
      },
    ]);
    await expect(read()).rejects.toThrow(
      /samples\.jsonl.*line 1.*field "generation_details\.1\.grades": there must be those of v/,
    );
  });
});

describe('the line of stages', () => {
  it('has what went in and came out, and what is not done', async () => {
    const stage = (name: string, kind: string, config: object) => ({ name, kind, config });
    record('', 'run', {
      recipe: {
        stages: [
          stage('z', 'collect', {}),
          stage('own', 'curate', { data: '@z' }),
          stage('b', 'train', { data: '@own/pref.jsonl', model: '@z' }),
          stage('a', 'evaluate', { model: '@b' }),
        ],
      },
    });
    write('stages.json', { version: 1, stages: { z: {}, own: {} } });
    record('z', 'collect', {});
    write('z/summary.json', { problems: 5, solved: 3, generations: 20, right: 8, cut_off: 1 });
    record('own', 'curate', {});
    write('own/summary.json', {
      rows: 5,
      generations: { total: 20 },
      sft: 3,
      pref: 2,
      dropped_rows: 2,
      dropped: { no_correct_trace: 2, length: 0 },
      account: ['5 = 3 + 2'],
    });
    training('b', {}, 4);
    const { stages } = (await read()).report;
    expect(stages.map(({ name, state, from }) => [name, state, from])).toEqual([
      ['z', 'done', []],
      ['own', 'done', ['z']],
      ['b', 'under way', ['own', 'z']],
      ['a', 'not begun', ['b']],
    ]);
    expect(stages[1]!.counts).toContainEqual({ name: 'dropped: no correct trace', value: 2 });
    expect(stages[1]!.counts).not.toContainEqual({ name: 'dropped: length', value: 0 });
    expect(stages[1]!.account).toEqual(['5 = 3 + 2']);
    expect(stages[2]).toMatchObject({
      link: 'runs/b',
      counts: [
        { name: 'steps', value: 4 },
        { name: 'tokens', value: 40 },
      ],
    });
  });
});

describe('what is no result', () => {
  it('is refused by name', async () => {
    await expect(read('nowhere')).rejects.toThrow('there is no such file or folder');
    write('x/file.txt', 'text');
    await expect(read('x')).rejects.toThrow(/holds no result of redistill/);
    await expect(read('x/file.txt')).rejects.toThrow(/is a file: name the folder/);
  });

  it('is passed over beside results: links, damaged records, hidden folders', async () => {
    training('good', {}, 1);
    write('bad/redistill.json', '{"made_by":"redistill","comm');
    record('.hidden', 'train', {});
    symlinkSync(join(top, 'runs'), join(top, 'runs', 'loop'));
    expect((await read()).report.runs.map(({ name }) => name)).toEqual(['good']);
  });
});

describe('a report as text', () => {
  it('shows data of one line each, without what would move a terminal', async () => {
    training('a', { model: 'evil\u001b[2J\u202egnp\nname' }, 30, (step) => ({
      'logps/chosen_per_token': -step,
    }));
    evaluation('e', [[right('x')], [wrong('y')]], () => ({ problem: '\u001b[31mred' }));
    const text = reportAsText((await read()).report);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(text).toMatch(/log-prob a token, chosen +−1 +█.*▁ +−30/);
    expect(text).toContain('50.0 ± 50.0');
  });
});
