import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { strangeKeys } from '../../test/support/jsonKeys.js';
import {
  expectDone,
  expectError,
  tinyCommands,
  trainKeys,
  type Score,
} from '../../test/support/tinyCommands.js';
import {
  contents,
  readRows,
  redistill,
  turns,
  writeRows,
  type Finished,
} from '../../test/support/tinyModel.js';

const { path, tiny, pairs, problems, rows, pipeline } = tinyCommands();

/** The files with JSON that commands have written below a folder; a model's are Hugging Face's. */
const jsonFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(
      (name) => /\.jsonl?$/.test(name) && !/(?:^|\/)model\/|(?:redistill|stages|finished)\.json$/.test(name),
    )
    .map((name) => join(folder, name));

/** The values in a file of JSON, or of JSON lines. */
const valuesOf = (file: string): unknown[] => {
  const text = readFileSync(file, 'utf8').trimEnd();
  const values = file.endsWith('.json') ? [text] : text.split('\n').filter((line) => line !== '');
  return values.map((value): unknown => JSON.parse(value));
};

describe.concurrent('run', () => {
  const out = path('pipeline');
  const traced = path('traced.jsonl');
  beforeAll(() => {
    writeRows(traced, [
      { problem: '4+4?', answer: '8', generations: ['\\boxed{8}', '\\boxed{5}'] },
      { problem: '5+5?', answer: '10', generations: ['\\boxed{7}', '\\boxed{10}'] },
    ]);
  });
  const measure = { stage: 'evaluate', dtype: 'f32', data: problems, sampling: { max_tokens: 4 } };
  const stages = {
    student: { stage: 'get', model: tiny },
    own: {
      stage: 'collect',
      model: '@student',
      data: problems,
      dtype: 'f32',
      samples: 2,
      instruction: '',
      sampling: { temperature: 1, max_tokens: 6 },
    },
    checked: { stage: 'verify', data: ['@own', traced], preset: 'lenient', threads: 1 },
    teacher: { stage: 'curate', model: '@student', data: '@checked', verdicts: 'mv' },
    healthy: { stage: 'doctor', model: '@student', data: '@teacher/pref.jsonl' },
    scores: { stage: 'score', model: '@student', data: '@teacher/pref.jsonl', tokens: true },
    redi: {
      stage: 'train',
      model: '@student',
      data: '@teacher/pref.jsonl',
      dtype: 'f32',
      max_steps: 2,
      ...trainKeys,
      objective: { name: 'redi' },
    },
    before: { model: '@student', ...measure },
    after: { model: '@redi', ...measure, grader: ['verify', 'gsm8k'] },
    best: {
      stage: 'choose',
      among: [
        { name: 'A', label: 'before', model: '@student', evaluation: '@before' },
        { name: 'B', label: 'after', model: '@redi', evaluation: '@after' },
      ],
    },
    result: {
      stage: 'table',
      rows: [
        { name: 'A', label: 'before', evaluation: '@before' },
        { name: 'B', label: 'after', evaluation: '@after' },
      ],
      against: ['A'],
      notes: ['A note.'],
    },
  };
  const names = Object.keys(stages);
  const place = (name: string, i: number) => `[${i + 1}/${names.length}] ${name}`;
  const skipped = ({ stderr }: Finished) =>
    names.filter((name, i) => stderr.includes(`${place(name, i)}: unchanged, skipped\n`));
  const ran = ({ stderr }: Finished) =>
    names.filter((name, i) => stderr.includes(`${place(name, i)}: done in `));

  it('walks a pipeline, skips what is unchanged, and runs again what is asked for', async () => {
    const yaml = pipeline({
      out,
      stages: Object.entries(stages).map(([name, keys]) => ({ name, ...keys })),
    });
    const first = await redistill(['run', yaml, '--json']);
    expectDone(first);
    expect(ran(first)).toEqual(names);
    expect(JSON.parse(first.stdout)).toEqual({
      student: join(out, 'student/model'),
      own: join(out, 'own/traces.jsonl'),
      checked: join(out, 'checked/verified.jsonl'),
      teacher: join(out, 'teacher'),
      healthy: join(out, 'healthy'),
      scores: join(out, 'scores/scores.jsonl'),
      redi: join(out, 'redi/model'),
      before: join(out, 'before'),
      after: join(out, 'after'),
      best: join(out, 'best/model'),
      result: join(out, 'result/table.txt'),
    });
    // A stage writes the files of the command of its name.
    const files = (name: string) => {
      const all = readdirSync(join(out, name)).sort();
      expect(all, name).toContain('redistill.json');
      return all.filter((file) => file !== 'redistill.json');
    };
    expect(files('own')).toEqual(['journal.jsonl', 'summary.json', 'traces.jsonl']);
    expect(files('checked')).toEqual(['verified.jsonl']);
    const curated = ['dropped.jsonl', 'duplicates.jsonl', 'pref.jsonl', 'sft.jsonl', 'summary.json'];
    expect(files('teacher')).toEqual(curated);
    expect(files('healthy')).toEqual(['shown.jsonl', 'summary.json', 'verdicts.jsonl']);
    expect(files('scores')).toEqual(['scores.jsonl']);
    expect(files('before')).toEqual(['journal.jsonl', 'samples.jsonl', 'summary.json']);
    expect(files('best')).toEqual(['choice.json', 'model', 'table.txt']);
    expect(files('result')).toEqual(['table.txt']);
    const traces = () =>
      readRows(join(out, 'own/traces.jsonl')).map(({ generations }) => generations as string[]);
    expect(traces().map((texts) => texts.length)).toEqual([2, 2]);
    expect(readRows(join(out, 'checked/verified.jsonl'))).toMatchObject([
      { answer: '4', correctness: { math_verify_answer: [expect.any(Boolean), expect.any(Boolean)] } },
      { answer: '6', generation_details: [{ verdict: {} }, { verdict: {} }] },
      { answer: '8', correctness: { math_verify_answer: [true, false] } },
      { answer: '10', correctness: { math_verify_answer: [false, true] } },
    ]);
    expect(readRows(join(out, 'teacher/pref.jsonl'))).toHaveLength(2);
    expect(readRows(join(out, 'healthy/verdicts.jsonl'))).toHaveLength(2);
    const scored = readRows(join(out, 'scores/scores.jsonl')) as unknown as Record<
      'chosen' | 'rejected',
      Score
    >[];
    expect(scored.map(({ chosen, rejected }) => [chosen.tokens, rejected.tokens]).sort()).toEqual([
      [10, 10],
      [11, 10],
    ]);
    // One style of keys in everything that is written: snake_case, metrics in groups, model.safetensors's own aside.
    const strange = jsonFiles(out).flatMap((file) =>
      strangeKeys(valuesOf(file)).map((key) => `${file}: ${key}`),
    );
    expect(strange).toEqual([]);
    const table = () => readFileSync(join(out, 'result/table.txt'), 'utf8');
    expect(table()).toContain('against A');
    expect(table().endsWith('A note.\nGraded by verify.\n')).toBe(true);
    // What a stage found is said as its command says it.
    for (const said of [
      ...['4 traces, ', '4 rows, 8 answers, ', '4 read = 2 in sft.jsonl + 2 dropped', ': 2 rows: '],
      ...['scores.jsonl: 2 rows', 'model: ', 'verify: pass@1 '],
    ])
      expect(first.stderr).toContain(said);

    const before = contents(out);
    const second = await redistill(['run', yaml]);
    expectDone(second);
    expect([skipped(second), ran(second)]).toEqual([names, []]);
    expect(contents(out)).toEqual(before);

    const from = await redistill(['run', yaml, '--from', 'before']);
    expectDone(from);
    expect([skipped(from), ran(from)]).toEqual([names.slice(0, 7), names.slice(7)]);
    expect(contents(out)['before/samples.jsonl']).toBe(before['before/samples.jsonl']);

    const forced = await redistill(['run', yaml, '--force']);
    expectDone(forced);
    expect(ran(forced)).toEqual(names);
    const after = contents(out);
    for (const name of [
      ...['redi/model/model.safetensors', 'own/traces.jsonl', 'scores/scores.jsonl'],
      ...['before/samples.jsonl', 'after/samples.jsonl', 'result/table.txt'],
    ])
      expect(after[name], name).toBe(before[name]);

    // What was sampled is not sampled again: more samples are added, and other graders grade what is there.
    const own = traces();
    const more = await redistill(['run', yaml, '--set', 'stages.own.samples=3']);
    expectDone(more);
    expect([ran(more), skipped(more)]).toEqual([
      ['own', 'checked', 'teacher'],
      // What is curated is the same, and so nothing after that changes.
      names.filter((name) => !['own', 'checked', 'teacher'].includes(name)),
    ]);
    expect(traces().map((texts) => texts.slice(0, 2))).toEqual(own);
    expect(traces().map((texts) => texts.length)).toEqual([3, 3]);
    const journal = readFileSync(join(out, 'before/journal.jsonl'), 'utf8');
    const graders = ['before', 'after'].flatMap((name) => ['--set', `stages.${name}.grader=gsm8k`]);
    const graded = await redistill(['run', yaml, ...graders, '--set', 'stages.own.samples=3']);
    expectDone(graded);
    expect(ran(graded)).toEqual(['before', 'after', 'best', 'result']);
    expect(readFileSync(join(out, 'before/journal.jsonl'), 'utf8')).toBe(journal);
    expect(table().endsWith('Graded by gsm8k.\n')).toBe(true);

    // Under other settings the answers are others: such a stage begins anew by itself.
    const seeded = await redistill(['run', yaml, '--set', 'stages.own.sampling.seed=5']);
    expectDone(seeded);
    expect(ran(seeded)).toEqual(['own', 'checked', 'teacher', 'before', 'after', 'best', 'result']);
    expect(traces().map((texts) => texts.length)).toEqual([2, 2]);
    expect(traces()).not.toEqual(own);
    expect(readdirSync(out).sort()).toEqual(
      [...names, 'recipe.yaml', 'redistill.json', 'report.html', 'stages.json'].sort(),
    );

    const wrong = await redistill(['run', yaml, '--from', 'nothing']);
    expectError(wrong, 2, 'no stage "nothing"', 'student, own');
  });

  it('needs no libtorch where no stage computes with it', async () => {
    const data = rows([{ gold: '4', pred: '4' }]);
    const yaml = pipeline({ stages: [{ name: 'checked', stage: 'verify', data, threads: 1 }] });
    const done = await redistill(['run', yaml], { env: { XDG_CACHE_HOME: path('empty-cache') } });
    expectDone(done);
    expect(done.stdout).toMatch(/^checked\t.*verified\.jsonl\n$/);
    expect(done.stderr).toMatch(/\nused: 0:\d\d, \d+ MB of memory at most\nreport: .*report\.html\n$/);
  });

  it('ends with a stage that fails, keeps what was there, and goes on from there', async () => {
    const place = path('failing');
    const sick = rows([{ chosen: turns('2+2?', '4'), rejected: turns('2+2?', '4') }]);
    const yaml = (data: string) =>
      pipeline({
        out: place,
        stages: [
          { name: 'student', stage: 'get', model: tiny },
          { name: 'healthy', stage: 'doctor', model: '@student', data },
          { name: 'scores', stage: 'score', model: '@student', data },
        ],
      });
    const failed = await redistill(['run', yaml(sick)]);
    expectError(failed, 1, `${sick}: training on these rows would be spoilt`);
    expect(existsSync(join(place, 'scores'))).toBe(false);
    expect(readRows(join(place, 'healthy/verdicts.jsonl'))).toMatchObject([{ verdict: 'error' }]);
    const again = await redistill(['run', yaml(sick)]);
    expectError(again, 1, `${sick}: training on these rows would be spoilt`);
    expect(again.stderr).toContain('[1/3] student: unchanged, skipped');
    const mended = await redistill(['run', yaml(pairs)]);
    expectDone(mended);
    expect(mended.stderr).toContain('[3/3] scores: done in ');
    const left = [
      'healthy',
      'recipe.yaml',
      'redistill.json',
      'report.html',
      'scores',
      'stages.json',
      'student',
    ];
    expect(readdirSync(place).sort()).toEqual(left);
  });
});
