import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  contents,
  parseRows,
  readRows,
  redistill,
  turns,
  writeRows,
  writeTinyModel,
  type Finished,
} from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-cli-'));
const path = (...names: string[]) => join(root, ...names);
const tiny = path('tiny');
const messages = path('messages.jsonl');
const pairs = path('pairs.jsonl');
const prompts = path('prompts.jsonl');
const problems = path('problems.jsonl');

/** One row too long for the model's 128 positions. */
const long = { messages: turns('2+2?', 'x'.repeat(200)) };

beforeAll(() => {
  writeTinyModel(tiny);
  writeRows(messages, [{ messages: turns('2+2?', '4') }, { messages: turns('3+3?', 'it is 6') }]);
  writeRows(pairs, [
    { chosen: turns('2+2?', '4'), rejected: turns('2+2?', 'five') },
    { chosen: turns('3+3?', 'it is 6'), rejected: turns('3+3?', '7') },
    { prompt: 'a', chosen: ' b', rejected: ' c' },
  ]);
  writeRows(prompts, [{ problem: '2+2?' }, { prompt: 'a b c' }]);
  writeRows(problems, [
    { problem: '2+2?', answer: 4 },
    { question: '3+3?', answer: 'so #### 6' },
  ]);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

let files = 0;
/** Writes text, JSON lines or YAML to a file of its own. */
const file = (ending: string, text: string): string => {
  const written = path(`file-${++files}.${ending}`);
  writeFileSync(written, text);
  return written;
};
const rows = (list: readonly object[]): string => writeRows(path(`rows-${++files}.jsonl`), list);
const recipe = (keys: object): string =>
  file('yaml', toYaml({ model: tiny, data: messages, dtype: 'f32', max_steps: 2, ...trainKeys, ...keys }));
const trainKeys = { objective: { name: 'sft' }, optimizer: { lr: 1e-3 }, batch_size: 2 };
const pipeline = (keys: object): string => file('yaml', toYaml({ out: path(`run-${++files}`), ...keys }));

function expectDone({ code, stderr }: Finished): void {
  expect(code, stderr).toBe(0);
  expect(stderr).not.toMatch(/\berror\b/);
}

/** One sentence on standard error, as the last line, and nothing on standard output. */
function expectError({ code, signal, stdout, stderr }: Finished, exit: number, ...parts: string[]): void {
  expect({ code, signal, stdout }, stderr).toEqual({ code: exit, signal: null, stdout: '' });
  const lines = stderr.trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith('error: '))).toEqual([lines.at(-1)]);
  for (const part of parts) expect(lines.at(-1)).toContain(part);
}

const score = (data: string, ...more: string[]) => [...['score', '--model', tiny, '--data', data], ...more];
const generate = (from: string, ...more: string[]) => [
  ...['generate', '--model', tiny, '--dtype', 'f32', '--max-tokens', '8', '--prompts', from],
  ...more,
];
const evaluate = (data: string, ...more: string[]) => [
  ...['evaluate', '--model', tiny, '--dtype', 'f32', '--max-tokens', '8', '--data', data],
  ...more,
];

describe.concurrent('--help', () => {
  it.each([
    ...['setup', 'models get', 'models inspect', 'collect', 'verify', 'curate', 'doctor', 'score', 'train'],
    ...['generate', 'evaluate', 'table', 'run'],
  ])('of %s has an example', async (command) => {
    const shown = await redistill([...command.split(' '), '--help']);
    expectDone(shown);
    expect(shown.stdout).toContain(`Usage: redistill ${command}`);
    expect(shown.stdout).toContain(`Example:\n  redistill ${command}`);
  });
});

describe.concurrent('models', () => {
  it('inspect', async () => {
    const shown = await redistill(['models', 'inspect', tiny, '--json']);
    expectDone(shown);
    expect(JSON.parse(shown.stdout)).toMatchObject({ path: tiny, family: 'llama', parameters: 49_392 });
    const text = await redistill(['models', 'inspect', tiny]);
    expect(text.stdout).toContain('llama, 49.4 k parameters: 2 layers, hidden 48');
  });

  it('get uses a directory in place', async () => {
    const before = contents(tiny);
    const found = await redistill(['models', 'get', tiny]);
    expectDone(found);
    expect(found.stdout).toBe(`${tiny}\n`);
    expect(contents(tiny)).toEqual(before);
  });
});

interface Score {
  tokens: number;
  sum: number;
  mean: number;
  ids: number[];
  logps: number[];
}

describe.concurrent('score', () => {
  it('message rows in input order, with tokens', async () => {
    const scored = await redistill(score(messages, '--tokens'));
    expectDone(scored);
    const found = parseRows(scored.stdout) as unknown as Score[];
    expect(found.map(({ tokens }) => tokens)).toEqual([2, 8]); // a character is a token, and one ends the turn
    for (const { tokens, sum, mean, ids, logps } of found) {
      expect([ids.length, logps.length]).toEqual([tokens, tokens]);
      expect(logps.reduce((a, b) => a + b)).toBeCloseTo(sum, 9);
      expect(mean).toBeCloseTo(sum / tokens, 9);
      expect(Math.max(...logps)).toBeLessThan(0);
    }
  });

  it('preference rows into a file, as message rows are scored', async () => {
    const out = path('scores.jsonl');
    const scored = await redistill(score(pairs, '--out', out));
    expectDone(scored);
    expect(scored.stdout).toBe('');
    const found = readRows(out) as unknown as { chosen: Score; rejected: Score }[];
    expect(found.map(({ chosen, rejected }) => [chosen.tokens, rejected.tokens])).toEqual([
      [2, 5],
      [8, 2],
      [3, 3],
    ]);
    const alone = parseRows((await redistill(score(messages))).stdout) as unknown as Score[];
    expect(found[0]!.chosen.sum).toBeCloseTo(alone[0]!.sum, 4);
    expect(found[1]!.chosen.sum).toBeCloseTo(alone[1]!.sum, 4);
  });
});

describe.concurrent('generate and evaluate', () => {
  it('generate gives samples in order, the same for the same seed', async () => {
    const flags = ['--samples', '2', '--temperature', '1', '--seed'];
    const [first, again, other] = await Promise.all([
      redistill(generate(prompts, ...flags, '3')),
      redistill(generate(prompts, ...flags, '3')),
      redistill(generate(prompts, ...flags, '4')),
    ]);
    expectDone(first);
    const found = parseRows(first.stdout);
    expect(found.map(({ prompt, sample }) => [prompt, sample])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
    for (const row of found) {
      expect(row.tokens).toSatisfy((tokens: number) => tokens >= 1 && tokens <= 8);
      expect(['stop', 'length']).toContain(row.finish_reason);
    }
    expect(again.stdout).toBe(first.stdout);
    expect(other.stdout).not.toBe(first.stdout);
  });

  interface Summary {
    problems: number;
    samples: number;
    responses: number;
    cut_off: number;
    mean_tokens: number;
    graders: Record<string, Record<string, number | null>>;
  }
  const summaryOf = (out: string) => JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
  interface Detail {
    finish_reason: string;
    completion_tokens: number;
    grades: Record<string, { correct: boolean; extracted: string | null }>;
  }
  const detailsOf = (row: Record<string, unknown>) => row.generation_details as Detail[];

  /** Every response begins with the answer to the first problem. */
  const four = ['--forced-prefix', '#### 4 \\boxed{4} '];

  it('evaluate gives a summary and writes the responses with their grades', async () => {
    const out = path('evaluation');
    const done = await redistill(evaluate(problems, ...four, '--json', '--out', out));
    expectDone(done);
    const summary = JSON.parse(done.stdout) as Summary;
    expect(summary).toMatchObject({ problems: 2, samples: 1, responses: 2 });
    expect(summary.graders).toEqual({ verify: { pass_at_1: 0.5, standard_error: 0.5, unreadable: 0 } });
    expect(summary.cut_off).toBeGreaterThanOrEqual(0);
    expect(summary.cut_off).toBeLessThanOrEqual(1);
    expect(summaryOf(out)).toEqual(summary);

    const samples = readRows(join(out, 'samples.jsonl'));
    for (const { generations } of samples) expect((generations as string[])[0]).toContain(four[1]);
    expect(samples.map(({ correctness }) => correctness)).toMatchObject([
      { math_verify_answer: [true] },
      { math_verify_answer: [false] },
    ]);
    expect(samples.flatMap(detailsOf).map(({ grades }) => grades.verify)).toMatchObject([
      { correct: true, extracted: '4', reason: 'equal' },
      { correct: false, extracted: '4', reason: 'different' },
    ]);
    expect(samples).toMatchObject([
      { id: '0', original_index: 0, problem: '2+2?', answer: '4', generations_count: 1, teacher: tiny },
      // GSM8K's worked solution is kept beside the answer at its end.
      { id: '1', original_index: 1, problem: '3+3?', answer: '6', solution: 'so #### 6' },
    ]);
    expect(samples[0]!.sampling).toMatchObject({ temperature: 0, top_p: 1, max_tokens: 8, seed: 0 });
    const tokens = samples.flatMap(detailsOf).map(({ completion_tokens }) => completion_tokens);
    expect(summary.mean_tokens).toBeCloseTo(tokens.reduce((a, b) => a + b) / 2, 9);
    expect(Math.max(...tokens)).toBeLessThanOrEqual(8);
    expect(readdirSync(out).sort()).toEqual([
      'journal.jsonl',
      'redistill.json',
      'samples.jsonl',
      'summary.json',
    ]);
  });

  it('evaluate resumes, grades again by other graders, and samples nothing twice', async () => {
    const out = path('graded');
    const sampled = ['-k', '3', '--temperature', '1', ...four, '--out', out];
    const done = await redistill(evaluate(problems, ...sampled));
    expectDone(done);
    expect(done.stdout).toMatch(
      /^verify: pass@1 50\.0 % ± 50\.0 %, pass@3 50\.0 %, 0\.0 % without an answer\n2 problems, 6 responses, /,
    );
    expect(done.stderr).toMatch(
      / {2}Q: 2\+2\?\n {2}A: #### 4 .* \(right\)\n {2}Q: 3\+3\?\n.*\(wrong; the gold is 6\)\n/,
    );
    const first = contents(out);
    const responses = readRows(join(out, 'samples.jsonl')).map(({ generations }) => generations);

    const again = await redistill(evaluate(problems, ...sampled));
    expectDone(again);
    expect(again.stdout).toBe(done.stdout);
    expect(contents(out)).toEqual(first);

    // rllm looks for the answer after </think> alone.
    const graders = ['verify:lenient', 'rllm', 'gsm8k'];
    const other = await redistill(evaluate(problems, ...sampled, '--grader', graders.join(','), '--json'));
    expectDone(other);
    const summary = JSON.parse(other.stdout) as Summary;
    expect(Object.keys(summary.graders)).toEqual(graders);
    expect(summary).toMatchObject({ problems: 2, samples: 3, responses: 6 });
    expect(graders.map((name) => summary.graders[name]!.pass_at_1)).toEqual([0.5, 0, 0.5]);
    expect(summaryOf(out)).toEqual(summary);
    expect(contents(out)['journal.jsonl']).toBe(first['journal.jsonl']);
    const rows = readRows(join(out, 'samples.jsonl'));
    expect(rows.map(({ generations }) => generations)).toEqual(responses);
    for (const { grades } of rows.flatMap(detailsOf)) expect(Object.keys(grades)).toEqual(graders);
    for (const name of graders) {
      const grades = rows.flatMap(detailsOf).map((detail) => detail.grades[name]!);
      const { pass_at_1, unreadable } = summary.graders[name]!;
      expect(pass_at_1).toBeCloseTo(grades.filter(({ correct }) => correct).length / 6, 9);
      expect(unreadable).toBeCloseTo(grades.filter(({ extracted }) => extracted === null).length / 6, 9);
    }

    // A larger k asks for what is missing.
    const more = await redistill(evaluate(problems, ...sampled, '-k', '4'));
    expectDone(more);
    expect(more.stdout).toContain('2 problems, 8 responses, ');
    expect(readRows(join(out, 'samples.jsonl')).map(({ generations }) => generations)).toEqual(
      responses.map((texts) => [...(texts as string[]), expect.any(String) as string]),
    );
  });

  it('evaluate --regrade leaves what evaluate with those graders would have left', async () => {
    const out = path('regraded');
    const command = evaluate(problems, ...four, '-k', '2', '--temperature', '1', '--out', out);
    const grade = async (grader: string) => {
      const done = await redistill([...command, '--grader', grader, '--json']);
      expectDone(done);
      return { summary: done.stdout, files: contents(out) };
    };
    const regrade = async (grader: string) => {
      const done = await redistill(['evaluate', '--regrade', out, '--grader', grader, '--json']);
      expectDone(done);
      return { summary: done.stdout, files: contents(out) };
    };
    const graded = { own: await grade('verify'), two: await grade('hendrycks,verify:lenient') };
    expect(graded.two.summary).toContain('{"hendrycks":{"pass_at_1":0.5,');
    const again = { own: await regrade('verify'), two: await regrade('hendrycks,verify:lenient') };
    expect(again.own.summary).toBe(graded.own.summary);
    expect(again.two.summary).toBe(graded.two.summary);
    const text = await redistill(['evaluate', '--regrade', out, '--grader', 'verify']);
    expect(text.stdout).toMatch(/^verify: pass@1 50\.0 % .*\n2 problems, 4 responses, /);
    expectError(await redistill(['evaluate', '--regrade', out]), 2, '--regrade needs --grader');
    expect(again.two.files).toEqual(graded.two.files);
    expect(again.own.files).toEqual(graded.own.files);
  });

  it('evaluate keeps to the folder of its own settings, and to folders that are evaluations', async () => {
    const out = path('other-settings');
    expectDone(await redistill(evaluate(problems, '--out', out)));
    const before = contents(out);
    expectError(
      await redistill(evaluate(problems, '--out', out, '--temperature', '1')),
      2,
      `${out} was begun with other settings: temperature (0 then, 1 now)`,
    );
    expectError(await redistill(evaluate(prompts, '--out', out)), 2, 'has no problems with answers');
    expect(contents(out)).toEqual(before);
    expectError(
      await redistill(['evaluate', '--regrade', tiny, '--grader', 'verify']),
      2,
      'samples.jsonl does not exist',
    );
    for (const more of [['--out', out], ['--model', tiny], ['--data', problems], [problems]])
      expectError(
        await redistill(['evaluate', '--regrade', out, ...more]),
        2,
        '--regrade takes the folder of an evaluation and --grader, and nothing else',
      );
    expectError(
      await redistill(['evaluate', '--regrade', out, '--grader', 'best']),
      2,
      'Allowed choices are verify, ',
    );
    expect(contents(out)).toEqual(before);
  });

  it('evaluate without --out prints and keeps nothing', async () => {
    const folder = path('temporary');
    mkdirSync(folder);
    const done = await redistill(evaluate(problems, '--json'), { env: { TMPDIR: folder } });
    expectDone(done);
    expect(JSON.parse(done.stdout)).toMatchObject({ problems: 2, responses: 2 });
    expect(readdirSync(folder)).toEqual([]);
    const named = await redistill(evaluate(problems, '--json', '--out', path('kept')));
    expect(named.stdout).toBe(done.stdout);
  });

  it('evaluate takes a part of the problems, from any of the formats', async () => {
    const many = Array.from({ length: 12 }, (_, i) => ({ text: `${i}+1?`, gold: i + 1 }));
    const data = file('json', JSON.stringify(many));
    const out = path('selected');
    const fields = ['--problem-field', 'text', '--answer-field', 'gold', '--out', out];
    expectDone(await redistill(evaluate(data, ...fields, '--skip', '3', '--count', '2')));
    const rows = readRows(join(out, 'samples.jsonl'));
    expect(rows).toMatchObject([
      { original_index: 3, problem: '3+1?', answer: '4' },
      { original_index: 4, problem: '4+1?', answer: '5' },
    ]);
    const few = await redistill(evaluate(data, ...fields, '--skip', '9', '--count', '4'));
    expectError(few, 2, `${data} has 12 problems, too few for 4 after the first 9`);
  });

  it('table puts evaluations side by side', async () => {
    const outs = [path('table-a'), path('table-b')];
    const graders = ['--grader', 'verify,gsm8k'];
    for (const [i, out] of outs.entries())
      expectDone(
        await redistill(evaluate(problems, ...graders, '--temperature', '1', '--seed', `${i}`, '--out', out)),
      );
    const written = path('table.txt');
    const entries = [`A=${outs[0]!}`, `B=${outs[1]!}`];
    const done = await redistill(['table', ...entries, '--against', 'A', '--out', written]);
    expectDone(done);
    expect(readFileSync(written, 'utf8')).toBe(done.stdout);
    expect(done.stdout).toMatch(/pass@1 % +cut off % +against A *\n/);
    expect(done.stdout).toMatch(
      /^B +.*table-b +\d+\.\d (± \d+\.\d|\(\d+\.\d to \d+\.\d\)) +\d+\.\d +[+−]\d+\.\d \(/m,
    );
    expect(done.stdout.endsWith('Graded by verify.\n')).toBe(true);
    const other = await redistill(['table', ...entries, '--grader', 'gsm8k']);
    expect(other.stdout.endsWith('Graded by gsm8k.\n')).toBe(true);

    const refused = async (...args: string[]) => redistill(['table', ...args]);
    expectError(await refused(outs[0]!), 2, 'is not NAME=DIR, such as A=');
    expectError(await refused(...entries, '--against', 'C'), 2, 'no row named "C"');
    expectError(await refused(entries[0]!, `A=${outs[1]!}`), 2, 'two rows named "A"');
    expectError(await refused(`A=${tiny}`), 2, 'samples.jsonl does not exist');
    expectError(
      await refused(...entries, '--grader', 'rllm'),
      2,
      'row "A" was not graded by "rllm", only by verify, gsm8k',
      'redistill evaluate --regrade',
    );
  });
});

describe.concurrent('train', () => {
  const names = ['step', 'epoch', 'loss', 'grad_norm', 'learning_rate', 'num_tokens'];
  const rewards = ['chosen', 'rejected', 'accuracies', 'margins'].map((name) => `rewards/${name}`);
  const logps = ['logps/chosen', 'logps/rejected'];

  it.each([
    ['sft', messages, []],
    ['redi', pairs, logps],
    ['dpo', pairs, [...rewards, ...logps]],
  ])('%s writes metrics and a model, the same for the same seed', async (name, data, more) => {
    const outs = [path(name, 'a'), path(name, 'b')];
    const done = await Promise.all(
      outs.map((out) => redistill(['train', recipe({ data, objective: { name }, max_steps: 3, out })])),
    );
    done.forEach(expectDone);
    const metrics = readRows(join(outs[0]!, 'metrics.jsonl'));
    expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3]);
    for (const line of metrics)
      expect(Object.keys(line)).toEqual(expect.arrayContaining([...names, ...more]));
    const loss = metrics[0]!.loss as number;
    if (name === 'dpo') expect(Math.abs(loss - Math.LN2)).toBeLessThan(1e-6);
    else expect(Number.isFinite(loss)).toBe(true);

    const model = join(outs[0]!, 'model');
    expect(done[0]!.stdout).toBe(`model: ${model}\n`);
    const [first, again] = outs.map((out) => contents(join(out, 'model')));
    expect(again).toEqual(first);
    expect(first!['model.safetensors']).not.toBe(contents(tiny)['model.safetensors']);
    expect(first!['tokenizer.json']).toBe(contents(tiny)['tokenizer.json']);
    expectDone(await redistill(['models', 'inspect', model]));
    const scored = await redistill(['score', '--model', model, '--data', messages]);
    expectDone(scored);
    expect(parseRows(scored.stdout)).toHaveLength(2);
  });

  it('leaves out rows that are too long, and counts them', async () => {
    const data = rows([{ messages: turns('2+2?', '4') }, long, { messages: turns('3+3?', '6') }]);
    const out = path('left-out');
    const done = await redistill(['train', recipe({ data, out })]);
    expectDone(done);
    expect(done.stderr).toContain('data: 2 rows');
    expect(done.stderr).toContain('left out as too long: 1 rows, lines 2 (');
    expect(readRows(join(out, 'metrics.jsonl'))).toHaveLength(2);
  });
});

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

  it(
    'walks a pipeline, skips what is unchanged, and runs again what is asked for',
    { timeout: 300_000 },
    async () => {
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
      expect(files('healthy')).toEqual(['summary.json', 'verdicts.jsonl']);
      expect(files('scores')).toEqual(['scores.jsonl']);
      expect(files('before')).toEqual(['journal.jsonl', 'samples.jsonl', 'summary.json']);
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
      expect(ran(graded)).toEqual(['before', 'after', 'result']);
      expect(readFileSync(join(out, 'before/journal.jsonl'), 'utf8')).toBe(journal);
      expect(table().endsWith('Graded by gsm8k.\n')).toBe(true);

      // Under other settings the answers are others: such a stage begins anew by itself.
      const seeded = await redistill(['run', yaml, '--set', 'stages.own.sampling.seed=5']);
      expectDone(seeded);
      expect(ran(seeded)).toEqual(['own', 'checked', 'teacher', 'before', 'after', 'result']);
      expect(traces().map((texts) => texts.length)).toEqual([2, 2]);
      expect(traces()).not.toEqual(own);
      expect(readdirSync(out).sort()).toEqual(
        [...names, 'recipe.yaml', 'redistill.json', 'stages.json'].sort(),
      );

      const wrong = await redistill(['run', yaml, '--from', 'nothing']);
      expectError(wrong, 2, 'no stage "nothing"', 'student, own');
    },
  );

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
    const left = ['healthy', 'recipe.yaml', 'redistill.json', 'scores', 'stages.json', 'student'];
    expect(readdirSync(place).sort()).toEqual(left);
  });
});

describe.concurrent('refuses paths that lead nowhere', () => {
  const nowhere = path('nowhere');
  it.each<[string, () => string[]]>([
    ['models inspect', () => ['models', 'inspect', nowhere]],
    ['models get', () => ['models', 'get', nowhere]],
    ['score: model', () => ['score', '--model', nowhere, '--data', messages]],
    ['score: data', () => score(nowhere)],
    ['generate: model', () => ['generate', '--model', nowhere, '--prompts', prompts]],
    ['generate: prompts', () => generate(nowhere)],
    ['evaluate: model', () => ['evaluate', '--model', nowhere, '--data', problems]],
    ['evaluate: data', () => evaluate(nowhere)],
    ['train: recipe', () => ['train', nowhere]],
    ['train: model', () => ['train', recipe({ model: nowhere, out: path('never') })]],
    ['train: data', () => ['train', recipe({ data: nowhere, out: path('never') })]],
    ['run: recipe', () => ['run', nowhere]],
    ['run: data', () => ['run', pipeline({ stages: [{ name: 'a', stage: 'verify', data: nowhere }] })]],
    [
      'run: model of a get stage',
      () => ['run', pipeline({ stages: [{ name: 'a', stage: 'get', model: nowhere }] })],
    ],
  ])('%s', async (_, args) => {
    expectError(await redistill(args()), 2, nowhere);
    expect(existsSync(path('never'))).toBe(false);
  });

  it('a directory or a model without weights', async () => {
    expectError(await redistill(score(tiny)), 2, `${tiny} is a directory, not a file of rows`);
    expectError(await redistill(['train', tiny]), 2, `${tiny} cannot be read`);
    const bare = writeTinyModel(path('bare'));
    rmSync(join(bare, 'model.safetensors'));
    expectError(
      await redistill(['score', '--model', bare, '--data', messages]),
      2,
      'holds neither model.safetensors',
    );
    const mute = writeTinyModel(path('mute'));
    rmSync(join(mute, 'tokenizer.json'));
    expectError(await redistill(['score', '--model', mute, '--data', messages]), 2, 'tokenizer.json');
  });
});

describe.concurrent('refuses rows, naming file, line and field', () => {
  const good = { messages: turns('2+2?', '4') };
  it.each<[string, string, string]>([
    ['that are broken JSON', `${JSON.stringify(good)}\n{"messages": [`, 'not valid JSON'],
    [
      'without a field',
      `${JSON.stringify(good)}\n${JSON.stringify({ chosen: turns('a', 'b') })}`,
      'the field "rejected" is missing',
    ],
    [
      'with an empty response',
      `${JSON.stringify(good)}\n${JSON.stringify({ messages: turns('a', ' ') })}`,
      'the answer in "messages" is empty',
    ],
  ])('%s', async (_, text, sentence) => {
    const data = file('jsonl', text);
    const out = file('jsonl', 'kept\n');
    expectError(await redistill(score(data, '--out', out)), 2, `${data}, line 2: ${sentence}`);
    expect(readFileSync(out, 'utf8')).toBe('kept\n');
    const run = path(`refused-${++files}`);
    expectError(await redistill(['train', recipe({ data, out: run })]), 2, `${data}, line 2: ${sentence}`);
    expect(existsSync(run)).toBe(false);
  });

  it('of prompts', async () => {
    const broken = file('jsonl', '{"problem": "a", "answer": 1}\n{"problem": ');
    const missing = file('jsonl', '{"problem": "a", "answer": 1}\n{"answer": 2}\n');
    const out = file('jsonl', 'kept\n');
    expectError(await redistill(generate(broken, '--out', out)), 2, `${broken}, line 2: not valid JSON`);
    expectError(await redistill(generate(missing, '--out', out)), 2, `${missing}, line 2: the field "`);
    expect(readFileSync(out, 'utf8')).toBe('kept\n');
  });

  it('of problems by setting them aside, unless there are no others', async () => {
    const bad = [
      ['{"problem": ', 'not valid JSON'],
      ['{"answer": 2}', 'the field "problem" (or "question") is missing'],
      ['{"problem": "b"}', 'the field "answer" is missing'],
      ['{"problem": "b", "answer": {}}', '"answer" must be a text, a number or a list of them'],
      ['{"problem": "b", "answer": " "}', '"answer" is empty'],
      ['{"problem": 5, "answer": 5}', '"problem" must be a text'],
    ] as const;
    const data = file('jsonl', `{"problem": "a", "answer": 1}\n${bad.map(([line]) => line).join('\n')}\n`);
    const out = path('aside');
    const done = await redistill(evaluate(data, '--out', out));
    expectDone(done);
    const quarantine = join(out, 'quarantine.jsonl');
    expect(done.stderr).toContain(`6 rows set aside in ${quarantine} (the first: line 2, not valid JSON`);
    const aside = readRows(quarantine);
    expect(aside.map(({ file, line }) => [file, line])).toEqual(bad.map((_, i) => [data, i + 2]));
    aside.forEach(({ problem }, i) => {
      expect(problem).toContain(bad[i]![1]);
    });
    expect(readRows(join(out, 'samples.jsonl'))).toMatchObject([{ problem: 'a', answer: '1' }]);
    const none = rows([{ answer: 2 }]);
    expectError(await redistill(evaluate(none, '--out', out)), 2, `${none} has no problems with answers`);
    const taken = file('jsonl', 'kept\n');
    expectError(await redistill(evaluate(data, '--out', taken)), 2, `${taken} is a file: name a folder`);
    expect(readFileSync(taken, 'utf8')).toBe('kept\n');
  });

  it('of traces', async () => {
    const data = rows([{ problem: 'a', answer: 1, generations: ['b'], generation_details: [] }]);
    const yaml = pipeline({ stages: [{ name: 'a', stage: 'verify', data }] });
    expectError(
      await redistill(['run', yaml]),
      2,
      `${data}, line 1: `,
      '"generation_details" has 0 entries for 1 generations',
    );
  });

  it('that are longer than the model takes', async () => {
    const data = rows([good, long]);
    expectError(await redistill(score(data)), 2, `${data}, line 2: its `, "the model's 128 positions");
    const out = path('too-long');
    const all = rows([long, long]);
    const none = await redistill(['train', recipe({ data: all, out })]);
    expectError(none, 2, `${all}: all 2 rows are longer than max_length 128`);
    const short = await redistill(['train', recipe({ out, max_length: 5 })]);
    expectError(short, 2, 'all 2 rows are longer than max_length 5');
    expectError(await redistill(['train', recipe({ out, max_length: 500 })]), 2, 'max_length 500 is more');
    expect(existsSync(out)).toBe(false);
    const prompt = rows([{ prompt: 'x'.repeat(200) }]);
    expectError(await redistill(generate(prompt)), 2, `${prompt}, line 1: the prompt has 203 tokens`);
  });

  it('that the objective cannot use', async () => {
    const run = await redistill(['train', recipe({ objective: { name: 'dpo' }, out: path('no-pairs') })]);
    expectError(run, 2, messages, 'line 1');
    expect(existsSync(path('no-pairs'))).toBe(false);
  });
});

describe.concurrent('refuses damaged models and loses nothing', () => {
  /** Replaces the header of the weights; `lengthen` is added to its declared length. */
  function reheader(dir: string, edit: (text: string) => string, lengthen = 0n): void {
    const weights = join(dir, 'model.safetensors');
    const bytes = readFileSync(weights);
    const length = Number(bytes.readBigUInt64LE());
    const header = Buffer.from(edit(bytes.toString('utf8', 8, 8 + length)));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(header.length) + lengthen);
    writeFileSync(weights, Buffer.concat([prefix, header, bytes.subarray(8 + length)]));
  }
  const edit = (dir: string, change: (header: Record<string, Entry>) => void): void => {
    reheader(dir, (text) => {
      const header = JSON.parse(text) as Record<string, Entry>;
      change(header);
      return JSON.stringify(header);
    });
  };
  /** What an earlier run left. */
  const trained = path('trained');
  beforeAll(async () => {
    expectDone(await redistill(['train', recipe({ out: trained })]));
  });
  interface Entry {
    dtype: string;
    shape: number[];
    data_offsets: [number, number];
  }
  /** The tensor at the end of the file. */
  const last = (header: Record<string, Entry>): Entry =>
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([, entry]) => entry)
      .reduce((a, b) => (b.data_offsets[1] > a.data_offsets[1] ? b : a));

  it.each<[string, (dir: string) => void, string]>([
    [
      'weights that are cut off',
      (dir) => {
        truncateSync(join(dir, 'model.safetensors'), 50_000);
      },
      'the download is incomplete',
    ],
    [
      'a header that is longer than the file',
      (dir) => {
        reheader(dir, (text) => text, 1_000_000n);
      },
      'but the file only',
    ],
    [
      'a header of an impossible length',
      (dir) => {
        reheader(dir, (text) => text, 1n << 60n);
      },
      'it is not a safetensors file',
    ],
    [
      'a tensor beyond the data',
      (dir) => {
        edit(dir, (header) => {
          const entry = last(header);
          entry.shape[0]! *= 2;
          entry.data_offsets[1] += entry.data_offsets[1] - entry.data_offsets[0];
        });
      },
      'header says',
    ],
    [
      'a shape that is not that of the bytes',
      (dir) => {
        edit(dir, (header) => {
          last(header).shape[0]! += 1;
        });
      },
      'but its data_offsets span',
    ],
    [
      "a shape that is not the configuration's",
      (dir) => {
        edit(dir, (header) => {
          header['lm_head.weight']!.shape = [48, 128];
        });
      },
      'tensor "lm_head.weight" has shape [48, 128], but config.json implies [128, 48]',
    ],
    [
      'an unknown family',
      (dir) => {
        const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as object;
        writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...config, model_type: 'mamba' }));
      },
      'model_type "mamba" is not supported',
    ],
  ])('%s', async (title, damage, sentence) => {
    const dir = writeTinyModel(path(`damaged ${title}`));
    damage(dir);
    const scores = file('jsonl', 'kept\n');
    const scored = await redistill(['score', '--model', dir, '--data', messages, '--out', scores]);
    expectError(scored, 2, sentence);
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');

    const out = path(`trained ${title}`);
    cpSync(trained, out, { recursive: true });
    const before = contents(out);
    expectError(await redistill(['train', recipe({ model: dir, out })]), 2, sentence);
    expect(contents(out)).toEqual(before);
  });

  it('a GGUF file with an unknown type of tensor', async () => {
    const bytes = readFileSync(
      fileURLToPath(new URL('../../test/fixtures/gguf/llama-smollm.gguf', import.meta.url)),
    );
    const name = 'blk.0.ffn_up.weight';
    const dims = bytes.indexOf(name) + name.length;
    bytes.writeUInt32LE(250, dims + 4 + 8 * bytes.readUInt32LE(dims));
    const gguf = path('odd.gguf');
    writeFileSync(gguf, bytes);
    const cache = path('odd-cache');
    const env = { XDG_CACHE_HOME: cache };
    expectError(await redistill(['models', 'get', gguf], { env }), 2, 'odd.gguf', name);
    const left = existsSync(cache) ? Object.keys(contents(cache)) : [];
    expect(left.filter((entry) => !entry.endsWith('.lock'))).toEqual([]);
    writeFileSync(gguf, 'GGUF?');
    expectError(await redistill(['models', 'get', gguf], { env }), 2, 'odd.gguf');
  });
});

describe.concurrent('refuses recipes', () => {
  const out = path('no-run');
  afterAll(() => {
    expect(existsSync(out)).toBe(false);
  });
  const train = (keys: object, ...settings: string[]) => [
    'train',
    recipe({ out, ...keys }),
    ...settings.flatMap((setting) => ['--set', setting]),
  ];
  const stage = { name: 'a', stage: 'get', model: tiny };
  const run = (stages: readonly object[], ...settings: string[]) => [
    'run',
    pipeline({ out, stages }),
    ...settings.flatMap((setting) => ['--set', setting]),
  ];
  const tuning = { stage: 'train', model: tiny, data: messages, max_steps: 1, ...trainKeys };

  it.each<[string, () => string[], string]>([
    ['train: unknown key', () => train({}, 'learning=1'), 'unknown key "learning" (the nearest is "'],
    ['train: unknown inner key', () => train({}, 'optimizer.rate=1'), 'unknown key "optimizer.rate" ('],
    [
      'train: unknown key, with the page that has all of them',
      () => train({ batchsize: 1 }),
      'unknown key "batchsize" (the nearest is "batch_size"); `redistill train --help` has all keys',
    ],
    ['train: unknown parameter of the objective', () => train({}, 'objective.alfa=1'), '"alfa"'],
    ['train: unknown objective', () => train({}, 'objective.name=ppo'), 'no objective "ppo"'],
    ['train: value out of range', () => train({}, 'optimizer.lr=-1'), 'field "optimizer.lr"'],
    [
      'train: parameter out of range',
      () => train({ data: pairs, objective: { name: 'redi' } }, 'objective.alpha=7'),
      'alpha must be a number from 0 to 1',
    ],
    ['train: text for a number', () => train({}, 'batch_size=many'), 'field "batch_size"'],
    ['train: no assignment', () => train({}, 'batch_size'), '--set batch_size: write key=value'],
    ['train: no key', () => train({}, '__proto__.a=1'), 'is not a key'],
    ['train: a key within a value', () => train({ seed: 1 }, 'seed.a=1'), '"seed" holds no keys'],
    ['train: broken YAML in --set', () => train({}, 'optimizer={lr: ['), '--set optimizer={lr: ['],
    ['train: missing field', () => train({ data: undefined }), '"data" is missing'],
    ['train: missing inner field', () => train({ optimizer: {} }), '"optimizer.lr" is missing'],
    ['train: both epochs and steps', () => train({ epochs: 1 }), 'give epochs or max_steps, not both'],
    ['train: broken YAML', () => ['train', file('yaml', 'model: [a\nb: {')], 'is not YAML'],
    ['train: a list', () => ['train', file('yaml', '- a\n')], 'a recipe is a list of keys and values'],
    ['train: unknown device', () => train({ device: 'tpu' }), 'device "tpu" is not known'],
    ['run: unknown key', () => run([stage], 'forced=1'), 'unknown key "forced"'],
    ['run: no stage of that name', () => run([stage], 'stages.other.model=x'), '"stages" has no "other"'],
    [
      'run: unknown key of a named stage',
      () => run([stage], `stages.${stage.name}.modell=x`),
      'stage a: unknown key "modell" (the nearest is "model"); docs/recipes.md, section "get", has all keys',
    ],
    ['run: value out of range', () => run([stage], 'out=""'), 'field "out"'],
    ['run: broken YAML in --set', () => run([stage], 'out="'), '--set out="'],
    [
      'run: unknown key of a stage',
      () => run([{ ...stage, revision: 1 }]),
      'stage a: unknown key "revision" (the nearest is "model"); docs/recipes.md, section "get", has all keys',
    ],
    [
      'run: unknown key inside a part of a stage',
      () =>
        run([
          {
            name: 'a',
            stage: 'evaluate',
            model: tiny,
            data: problems,
            sampling: { max_new_tokens: 4 },
          },
        ]),
      'stage a: unknown key "sampling.max_new_tokens": here it is "sampling.max_tokens"; docs/recipes.md, section "evaluate", has all keys',
    ],
    ['run: missing key of a stage', () => run([{ name: 'a', stage: 'get' }]), 'stage a: "model" is missing'],
    [
      'run: unknown parameter of an objective, before any stage',
      () => run([stage, { ...tuning, name: 'b', objective: { name: 'redi', alfa: 1 } }]),
      'objective redi has no parameter "alfa"',
    ],
    ['run: broken YAML', () => ['run', file('yaml', 'out: "a\nstages:')], 'is not YAML'],
    ['run: no stages', () => run([]), 'field "stages"'],
    [
      'run: unknown kind',
      () => run([{ ...stage, stage: 'tune' }]),
      '"); kinds are get, collect, verify, curate, doctor, score, train, evaluate, table (docs/recipes.md)',
    ],
    [
      'run: a kind that all objects have',
      () => run([{ ...stage, stage: 'toString' }]),
      'has kind "toString"',
    ],
    [
      'run: a reference to no stage',
      () => run([{ ...tuning, name: 'b', model: '@student' }]),
      'stage b: "@student" is not an earlier stage',
    ],
    [
      'run: a reference to a later stage',
      () => run([{ ...tuning, name: 'b', model: '@a' }, stage]),
      '"@a" is not an earlier stage',
    ],
    ['run: two stages of one name', () => run([stage, stage]), 'two stages named "a"'],
  ])('%s', async (_, args, sentence) => {
    expectError(await redistill(args()), 2, sentence);
  });

  it.each<[string, () => string[], string]>([
    ['an unknown command', () => ['finetune'], "unknown command 'finetune'"],
    ['an unknown flag', () => score(messages, '--bogus'), "unknown option '--bogus'"],
    ['a missing flag', () => ['score', '--model', tiny], 'score: --data is missing'],
    ['a missing output', () => ['collect', problems, '--model', tiny], 'collect: --out is missing'],
    ['a flag out of range', () => generate(prompts, '--top-p', '2'), 'must be a number above 0'],
    ['a choice that is none', () => score(messages, '--dtype', 'f8'), 'Allowed choices are bf16, f32'],
    ['samples that would all be greedy', () => generate(prompts, '--samples', '2'), 'set a temperature'],
  ])('%s on the command line', async (_, args, sentence) => {
    expectError(await redistill(args()), 2, sentence);
  });
});

describe.concurrent('training that diverges', () => {
  it('stops before the step with a NaN and keeps the last model', async () => {
    const out = path('diverged');
    expectDone(await redistill(['train', recipe({ out })]));
    const before = contents(join(out, 'model'));
    const settings = ['--set', 'optimizer.lr=1e30', '--set', 'max_steps=8'];
    const failed = await redistill(['train', recipe({ out }), ...settings]);
    expectError(
      failed,
      1,
      'step 3: the loss is ',
      'so training stopped before this update',
      'lr (now 1e+30)',
    );
    expect(contents(join(out, 'model'))).toEqual(before);
    const fresh = path('diverged-fresh');
    expectError(await redistill(['train', recipe({ out: fresh }), ...settings]), 1, 'no checkpoint had been');
    expect(Object.keys(contents(fresh)).sort()).toEqual(['metrics.jsonl', 'recipe.yaml', 'redistill.json']);
    for (const line of readRows(join(fresh, 'metrics.jsonl'))) expect(line.loss).toSatisfy(Number.isFinite);
  });
});

/** bf16 weights of zeros in a file that takes no space on disk. */
function writeSparseModel(dir: string, sizes: { vocab: number; intermediate: number }): string {
  const { vocab, intermediate } = sizes;
  writeTinyModel(dir, {
    vocab_size: vocab,
    intermediate_size: intermediate,
    num_hidden_layers: 1,
    tie_word_embeddings: true,
    max_position_embeddings: 100_000,
  });
  const layer = 'model.layers.0.';
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [vocab, 48],
    [`${layer}input_layernorm.weight`]: [48],
    [`${layer}mlp.down_proj.weight`]: [48, intermediate],
    [`${layer}mlp.gate_proj.weight`]: [intermediate, 48],
    [`${layer}mlp.up_proj.weight`]: [intermediate, 48],
    [`${layer}post_attention_layernorm.weight`]: [48],
    [`${layer}self_attn.k_proj.weight`]: [24, 48],
    [`${layer}self_attn.o_proj.weight`]: [48, 48],
    [`${layer}self_attn.q_proj.weight`]: [48, 48],
    [`${layer}self_attn.v_proj.weight`]: [24, 48],
    'model.norm.weight': [48],
  };
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = end;
    end += 2 * shape.reduce((a, b) => a * b);
    return [name, { dtype: 'BF16', shape, data_offsets: [begin, end] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  const weights = join(dir, 'model.safetensors');
  writeFileSync(weights, Buffer.concat([prefix, header]));
  truncateSync(weights, 8 + header.length + end);
  return dir;
}

describe.runIf(process.platform === 'linux').concurrent('out of memory', () => {
  const GiB = 2 ** 30;
  const fails = (args: string[], addressSpace: number) => redistill(args, { addressSpace });

  it('while a model is loaded', { timeout: 60_000 }, async () => {
    const model = writeSparseModel(path('huge'), { vocab: 100_000_000, intermediate: 80 });
    const scores = file('jsonl', 'kept\n');
    const limit = 8 * GiB; // less than 9.6 GB in bf16
    const scored = await fails(['score', '--model', model, '--data', messages, '--out', scores], limit);
    const sentence = `there is not enough memory: the weights of ${model} in f32 take 19 GB. Take a smaller model, or a machine with more memory.`;
    expectError(scored, 1, sentence);
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');
    const generated = await fails(
      ['generate', '--model', model, '--dtype', 'f32', '--prompts', prompts, '--out', scores],
      limit,
    );
    expectError(generated, 1, sentence);
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');
    const out = path('huge-out');
    expectError(await fails(['train', recipe({ model, out })], limit), 1, sentence);
    expect(existsSync(out)).toBe(false);
  });

  it('for what training holds beside the model', async () => {
    const model = writeSparseModel(path('large'), { vocab: 10_000_000, intermediate: 80 });
    const out = path('large-out');
    expectError(
      await fails(['train', recipe({ model, out })], 7 * GiB), // more than 1.9 GB of weights and as much of gradients, less than the moments besides
      1,
      `there is not enough memory: training ${model} takes, for weights, gradients and moments alone, 7.7 GB.`,
    );
  });

  it('in the middle of the work', { timeout: 60_000 }, async () => {
    // 0.8 MB a token in the MLP alone
    const wide = writeSparseModel(path('wide'), { vocab: 128, intermediate: 200_000 });
    const data = rows(Array.from({ length: 200 }, () => ({ messages: turns('a', 'x'.repeat(100)) })));
    const limit = 8 * GiB;
    const scores = file('jsonl', 'kept\n');
    const scored = await fails(
      ['score', '--model', wide, '--data', data, '--token-budget', '100000', '--out', scores],
      limit,
    );
    expectError(scored, 1, 'out of memory: aten::');
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');

    const out = path('wide-out');
    const keys = { model: wide, data, out, batch_size: 200, token_budget: 100_000 };
    expectError(await fails(['train', recipe(keys)], limit), 1, 'out of memory: aten::', 'token_budget');
    expect(existsSync(join(out, 'model'))).toBe(false);

    // 1.5 MB of keys and values an answer
    const patient = writeTinyModel(path('patient'), { max_position_embeddings: 100_000 });
    const prompt = rows([{ prompt: 'x'.repeat(90_000) }]);
    const many = ['--samples', '2000', '--batch-size', '2000', '--temperature', '1', '--dtype', 'f32'];
    const generated = await fails(
      ['generate', '--model', patient, '--prompts', prompt, ...many, '--out', scores],
      limit,
    );
    expectError(generated, 1, 'out of memory: aten::');
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');
  });
});
