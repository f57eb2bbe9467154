import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Permanent, scripted } from '../../test/support/scriptedModel.js';
import { writeRows } from '../../test/support/tinyModel.js';
import { readJsonLines } from '../data/jsonl.js';
import type { AskedModel } from '../teacher/responses.js';
import { silentProgress } from '../util/progress.js';
import { describeEvaluation, evaluate, evaluateSettings, regrade } from './evaluate.js';
import { readSamples } from './samples.js';
import { readResults, summarize } from './summary.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-evaluate-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let folders = 0;
const newFolder = () => join(root, `out-${++folders}`);

const data = writeRows(join(root, 'problems.jsonl'), [
  { id: 'sum', problem: 'What is 3 + 4?', answer: '7', level: 1 },
  { id: 'half', problem: 'Half of one?', answer: '\\frac{1}{2}' },
  { problem: 'Nobody knows.' },
]);

const texts = [
  ['So \\boxed{7}.', '<think>hm</think> \\boxed{8}', '3+4=7 and 7'],
  ['\\boxed{0.5}', '<think></think>It is \\boxed{\\frac{1}{2}}', '\\boxed{\\frac12}'],
];
const rote = () =>
  scripted(({ problem, sample }) => ({
    text: texts[problem]![sample]!,
    finishReason: problem === 0 && sample === 2 ? 'length' : 'stop',
  }));

const run = (
  out: string,
  { model }: { model: AskedModel },
  keys: object = {},
  log: (line: string) => void = () => undefined,
) =>
  evaluate({
    settings: evaluateSettings.parse({
      ...{ data, model: 'rote', samples: 3, instruction: 'Think.', grader: ['verify', 'rllm', 'hendrycks'] },
      ...keys,
    }),
    out,
    model,
    progress: { ...silentProgress, log },
    signal: new AbortController().signal,
  });

describe('evaluate', () => {
  it('asks, grades by every grader, and counts', async () => {
    const out = newFolder();
    const scriptedModel = rote();
    const summary = await run(out, scriptedModel);
    expect(scriptedModel.asked.map(({ prompt }) => prompt)).toEqual(
      ['What is 3 + 4?', 'Half of one?'].flatMap((problem) =>
        Array<unknown>(3).fill([{ role: 'user', content: `Think.\n${problem}` }]),
      ),
    );
    const rows = [...readSamples(out)];
    expect(rows.map(({ id, problem, answer, level }) => [id, problem, answer, level])).toEqual([
      ['sum', 'What is 3 + 4?', '7', 1],
      ['half', 'Half of one?', '\\frac{1}{2}', undefined],
    ]);
    expect(rows.map(({ generations }) => generations)).toEqual(texts);
    const verdicts = (grader: string) =>
      rows.map(({ generation_details: details }) => details.map(({ grades }) => grades[grader]!.correct));
    // The third of the first was cut off: what stands last in it is not its answer.
    expect(verdicts('verify')).toEqual([
      [true, false, false],
      [true, true, true],
    ]);
    // rllm wants the thinking to have ended, hendrycks compares strings.
    expect(verdicts('rllm')).toEqual([
      [false, false, false],
      [false, true, false],
    ]);
    expect(verdicts('hendrycks')).toEqual([
      [true, false, false],
      [true, true, true],
    ]);
    // Rates 1/3 and 1: mean 2/3, standard deviation √2/3, over √2.
    expect(summary.graders.verify!.pass_at_1).toBeCloseTo(2 / 3, 12);
    expect(summary.graders.verify!.standard_error).toBeCloseTo(1 / 3, 12);
    expect(summary).toMatchObject({ problems: 2, samples: 3, responses: 6, cut_off: 1 / 6, mean_tokens: 5 });
    expect(summary.graders).toMatchObject({
      verify: { pass_at_k: 1, unreadable: 1 / 6 },
      rllm: { pass_at_k: 0.5 },
      hendrycks: { pass_at_1: 2 / 3 },
    });
    expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))).toEqual(summary);
    const { evaluation, ...counted } = summary;
    const { format_failures: failures, disagreements, ...others } = counted;
    expect({ ...summarize(readResults(out)), set_aside: 1 }).toEqual(others);
    // "3+4=7 and 7" marks no answer, but it was cut off, which is another figure.
    expect(failures).toBe(0);
    const disputed = readJsonLines(join(out, 'disagreements.jsonl'));
    expect(Array.from(disputed, ({ row }) => row)).toMatchObject([
      { id: 'sum', sample: 0, golds: ['7'], verdicts: { verify: true, rllm: false, hendrycks: true } },
      { id: 'half', sample: 0, golds: ['\\frac{1}{2}'], extracted: { verify: '0.5', rllm: null } },
      { id: 'half', sample: 2, verdicts: { verify: true, rllm: false, hendrycks: true } },
    ]);
    expect(disagreements).toBe(3);
    expect(evaluation).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
      model: 'rote',
      data: { file: data, rows: 2, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      skip: 0,
      settings: {
        ...{ model: 'rote', api: 'chat', instruction: 'Think.' },
        ...{ temperature: 0, top_p: 1, max_tokens: 512, seed: 0 },
      },
    });
    expect(describeEvaluation(summary)).toMatch(/\n16\.7 % of the responses were cut off at 512 tokens and /);
    expect(JSON.parse(readFileSync(join(out, 'quarantine.jsonl'), 'utf8'))).toMatchObject({ line: 3 });
  });

  it('samples nothing again: with other graders it grades, and regrading is the same', async () => {
    const out = newFolder();
    await run(out, rote(), { grader: 'gsm8k' });
    const again = rote();
    const summary = await run(out, again);
    expect(again.asked).toEqual([]);
    const bytes = readFileSync(join(out, 'samples.jsonl'), 'utf8');
    await regrade(out, { grader: ['gsm8k', 'verify:lenient'] });
    expect(Object.keys(readResultsOf(out))).toEqual(['gsm8k', 'verify:lenient']);
    expect(await regrade(out, { grader: ['verify', 'rllm', 'hendrycks'] })).toEqual(summary);
    expect(readFileSync(join(out, 'samples.jsonl'), 'utf8')).toBe(bytes);
  });

  it('leaves everything as it was where one file of the new result cannot be written', async () => {
    const out = newFolder();
    await run(out, rote());
    const samples = () => readFileSync(join(out, 'samples.jsonl'), 'utf8');
    const before = samples();
    rmSync(join(out, 'summary.json'));
    mkdirSync(join(out, 'summary.json'));
    await expect(regrade(out, { grader: ['gsm8k'] })).rejects.toThrow('summary.json is a folder');
    await expect(run(out, rote(), { grader: 'gsm8k' })).rejects.toThrow('summary.json is a folder');
    expect(samples()).toBe(before);
  });

  it('asks for what is missing only, where it was stopped or more is wanted', async () => {
    const out = newFolder();
    let answers = 0;
    const dying = scripted(({ problem, sample }) => {
      if (++answers > 4) throw new Error('killed');
      return { text: texts[problem]![sample]! };
    });
    await expect(run(out, dying)).rejects.toThrow('killed');
    expect(existsSync(join(out, 'samples.jsonl'))).toBe(false);
    const rest = rote();
    await run(out, rest);
    expect(rest.asked.map(({ id }) => id)).toEqual([
      { problem: 1, sample: 1 },
      { problem: 1, sample: 2 },
    ]);
  });

  it('says which problems have no answers, and grades nothing', async () => {
    const out = newFolder();
    const failing = scripted(({ problem }) => (problem === 1 ? new Error('too long') : { text: '7' }));
    await expect(run(out, failing)).rejects.toThrow(
      '1 of 2 problems have no responses (the first: too long)',
    );
    expect(existsSync(join(out, 'samples.jsonl'))).toBe(false);
    expect(JSON.parse(readFileSync(join(out, 'failed.jsonl'), 'utf8'))).toMatchObject({ original_index: 1 });
    await run(out, rote());
    expect(existsSync(join(out, 'failed.jsonl'))).toBe(false);
  });
});

it('counts a problem that cannot be asked as wrong, and says so', async () => {
  const out = newFolder();
  const lines: string[] = [];
  const refusing = scripted(({ problem }) =>
    problem === 1 ? new Permanent('too long') : { text: '\\boxed{7}' },
  );
  const summary = await run(out, refusing, {}, (line) => lines.push(line));
  expect(lines.at(-1)).toContain('1 of 2 problems cannot be asked and count as wrong');
  expect(summary).toMatchObject({ problems: 2, responses: 6, graders: { verify: { pass_at_1: 0.5 } } });
  expect(summary.format_failures).toBe(0); // nothing was said that could have a form
  expect(JSON.parse(readFileSync(join(out, 'failed.jsonl'), 'utf8'))).toMatchObject({ reason: 'too long' });
  const regraded = await regrade(out, { grader: ['verify', 'rllm', 'hendrycks'] });
  expect(regraded).toEqual(summary);
});

it('keeps the answers that a problem has where a further one cannot be had', async () => {
  const out = newFolder();
  const model = scripted(({ problem, sample }) =>
    problem === 0 && sample === 2 ? new Permanent('refused') : { text: '\\boxed{7}' },
  );
  await run(out, model);
  const [first] = [...readSamples(out)];
  expect(first!.generations).toEqual(['\\boxed{7}', '\\boxed{7}', '']);
  const verdicts = first!.generation_details.map(({ grades }) => grades.verify!.correct);
  expect(verdicts).toEqual([true, true, false]);
});

it("gives rllm's grader the golds to the letter", async () => {
  const out = newFolder();
  const amc = writeRows(join(root, 'amc.jsonl'), [{ problem: 'p', answer: 142 }]);
  const model = scripted(() => ({ text: '</think>\\boxed{x=142}' }));
  // The original compares with the float 142.0, as which it stands in the file; as the text 142 it would be right.
  const { graders } = await run(out, model, { data: amc, samples: 1, grader: ['verify', 'rllm'] });
  expect(graders.rllm!.pass_at_1).toBe(0);
  expect(graders.verify!.pass_at_1).toBe(1);
  expect((await regrade(out, { grader: ['rllm'] })).graders.rllm!.pass_at_1).toBe(0);
});

it('asks further questions, grades every answer, and gives pass@1 by turn', async () => {
  const out = newFolder();
  const prompt = join(root, 'turns.yaml');
  writeFileSync(prompt, 'user: "{{ problem }}"\nturns: ["Not {{ responses[-1] }}?"]\n');
  const model = scripted(({ problem, turn = 0 }) => ({
    text: [
      ['7', '8'],
      ['1', '0.5'],
    ][problem]![turn]!,
    completionTokens: 10 + turn,
  }));
  const keys = { prompt, instruction: '', samples: 1, grader: 'verify' };
  const summary = await run(out, model, keys);
  expect(model.asked.map(({ prompt }) => prompt)).toEqual([
    [{ role: 'user', content: 'What is 3 + 4?' }],
    [
      { role: 'user', content: 'What is 3 + 4?' },
      { role: 'assistant', content: '7' },
      { role: 'user', content: 'Not 7?' },
    ],
    [{ role: 'user', content: 'Half of one?' }],
    [
      { role: 'user', content: 'Half of one?' },
      { role: 'assistant', content: '1' },
      { role: 'user', content: 'Not 1?' },
    ],
  ]);
  const [first] = [...readSamples(out)];
  expect(first!.generations).toEqual(['8']);
  expect(first!.generation_details[0]).toMatchObject({
    earlier_turns: [{ text: '7', completion_tokens: 10, grades: { verify: { correct: true } } }],
    ...{ completion_tokens: 11, grades: { verify: { correct: false } } },
  });
  expect(summary).toMatchObject({
    graders: { verify: { pass_at_1: 0.5 } },
    pass_at_1_by_turn: { verify: [0.5, 0.5] },
  });
  expect(describeEvaluation(summary)).toContain('verify: pass@1 by turn 50.0 %, 50.0 %');
  const asked = model.asked.length;
  expect(await run(out, model, keys)).toEqual(summary);
  expect(model.asked).toHaveLength(asked);
  const bytes = readFileSync(join(out, 'samples.jsonl'), 'utf8');
  await regrade(out, { grader: ['gsm8k'] });
  expect(await regrade(out, { grader: ['verify'] })).toEqual(summary);
  expect(readFileSync(join(out, 'samples.jsonl'), 'utf8')).toBe(bytes);
});

describe('graders by row', () => {
  const rows = [
    { problem: 'a', answer: '4', by: 'gsm8k' },
    { problem: 'b', answer: '4', by: 'verify' },
    { problem: 'c', answer: '4', by: null },
    { problem: 'd', answer: '4' },
    { problem: 'e', answer: '4', by: 'rllm' },
  ];
  const byRow = writeRows(join(root, 'by-row.jsonl'), rows);
  const keys = { data: byRow, samples: 1, grader: ['hendrycks', 'verify'], grader_field: 'by' };
  // Right for verify alone: no box, no last line "#### 4", no thinking that has ended.
  const answering = () => scripted(() => ({ text: 'The answer is 4.' }));

  it('are those that the rows name, in place of the first', async () => {
    const out = newFolder();
    const summary = await run(out, answering(), keys);
    const grades = [...readSamples(out)].map((row) => row.generation_details[0]!.grades);
    expect(grades.map((all) => Object.keys(all))).toEqual(Array(5).fill(['row', 'verify']));
    expect(grades.map(({ row }) => row!.correct)).toEqual([false, true, false, false, false]);
    expect(summary.graders).toMatchObject({ row: { pass_at_1: 0.2 }, verify: { pass_at_1: 1 } });
    const bytes = readFileSync(join(out, 'samples.jsonl'), 'utf8');
    await regrade(out, { grader: ['rllm'] });
    expect(Object.keys(readResultsOf(out))).toEqual(['rllm']);
    expect(await regrade(out, { grader: ['hendrycks', 'verify'], grader_field: 'by' })).toEqual(summary);
    expect(readFileSync(join(out, 'samples.jsonl'), 'utf8')).toBe(bytes);
  });

  it('are refused before anything is asked where the name is none', async () => {
    const out = newFolder();
    const model = answering();
    const wrong = writeRows(join(root, 'wrong.jsonl'), [...rows, { problem: 'f', answer: '4', by: 'verfy' }]);
    await expect(run(out, model, { ...keys, data: wrong })).rejects.toThrow(
      `${wrong}, line 6: "by" must name a grader, hendrycks, verify, `,
    );
    expect(model.asked).toEqual([]);
    expect(existsSync(join(out, 'journal.jsonl'))).toBe(false);
    // A field that no row has is a wrong name, before anything is asked; the part that is asked may lack it.
    await expect(run(newFolder(), model, { ...keys, grader_field: 'grader' })).rejects.toThrow(
      `No row of ${byRow} has the field "grader".`,
    );
    expect(model.asked).toEqual([]);
    const part = newFolder();
    await run(part, answering(), { ...keys, count: 1 });
    await expect(regrade(part, { grader: ['verify'], grader_field: 'grader' })).rejects.toThrow(
      'has the field "grader"',
    );
    await regrade(part, { grader: ['verify'], grader_field: 'by' });
    // What is not asked need not fit.
    await run(out, model, { ...keys, data: wrong, count: 5 });
  });
});

const readResultsOf = (dir: string) => Object.fromEntries(readResults(dir).graders);

describe('reading an evaluation', () => {
  it('names what is wrong with a file', async () => {
    const dir = mkdtempSync(join(root, 'damaged-'));
    const path = join(dir, 'samples.jsonl');
    const detail = (correct: unknown) => ({
      ...{ finish_reason: 'stop', completion_tokens: 1 },
      grades: { verify: { correct, extracted: null } },
    });
    const row = { id: 'a', problem: 'p', answer: '1', generations: ['x'] };
    writeRows(path, [
      { ...row, generation_details: [detail(true)] },
      { ...row, id: 'b', generation_details: [detail('yes')] },
    ]);
    expect(() => readResults(dir)).toThrow(
      `${path}, line 2: field "generation_details.0.grades.verify.correct"`,
    );
    writeRows(path, [{ ...row, generation_details: [] }]);
    expect(() => readResults(dir)).toThrow('must have one entry a generation');
    const whole = { ...row, generation_details: [detail(true)] };
    writeRows(path, [whole, { ...whole, id: 'b' }, whole]);
    expect(() => readResults(dir)).toThrow(`${path}, line 3: the "id" a is that of line 1 too.`);
    await expect(regrade(dir, { grader: ['verify'] })).rejects.toThrow(`${path}, line 3: the "id" a`);
    const two = (grades: object) => ({
      ...{ ...row, id: 'b', generations: ['x', 'y'] },
      generation_details: [detail(true), { ...detail(true), grades }],
    });
    writeRows(path, [whole, two({})]);
    expect(() => readResults(dir)).toThrow(
      `${path}, line 2: field "generation_details.1.grades": there must be those of verify, as in the first row, not of none.`,
    );
    writeRows(path, [whole, two({ rllm: { correct: true, extracted: null } })]);
    expect(() => readResults(dir)).toThrow('those of verify, as in the first row, not of rllm.');
    writeRows(
      path,
      [two({})].map((one) => ({ ...one, generation_details: two({}).generation_details.toReversed() })),
    );
    expect(() => readResults(dir)).toThrow(
      `${path}, line 1: field "generation_details.0.grades": there are none.`,
    );
    writeFileSync(path, '');
    expect(() => readResults(dir)).toThrow('has no evaluated problems');
    rmSync(path);
    for (const read of [() => readResults(dir), () => [...readSamples(dir)]])
      expect(read).toThrow(`${dir} is no folder of an evaluation: there is no samples.jsonl in it.`);
    await expect(regrade(dir, { grader: ['verify'] })).rejects.toThrow('is no folder of an evaluation');
    writeFileSync(join(dir, 'benchmarks.json'), '{}');
    expect(() => readResults(dir)).toThrow(`in it; those of a benchmark's tasks are ${dir}/tasks/NAME.`);
    writeFileSync(join(dir, 'journal.jsonl'), '');
    expect(() => readResults(dir)).toThrow('so its evaluation is not finished');
    expect(() => readResults(join(dir, 'journal.jsonl'))).toThrow('is a file: name the folder');
    expect(() => readResults(join(dir, 'none'))).toThrow(`${join(dir, 'none')} does not exist`);
    expect(() => readResults('')).toThrow('A folder without a name does not exist');
  });
});
