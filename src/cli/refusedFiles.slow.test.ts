import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectDone, expectError, long, tinyCommands } from '../../test/support/tinyCommands.js';
import { readRows, redistill, turns, writeTinyModel } from '../../test/support/tinyModel.js';

const {
  path,
  tiny,
  messages,
  prompts,
  problems,
  file,
  rows,
  recipe,
  pipeline,
  score,
  generate,
  evaluate,
  newPath,
} = tinyCommands();

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

describe.concurrent('refuses a file without rows, and says nothing on standard output', () => {
  it.each<[string, (empty: string) => string[]]>([
    ['score', (empty) => score(empty)],
    ['generate', (empty) => generate(empty)],
    ['evaluate', (empty) => evaluate(empty)],
    ['doctor', (empty) => ['doctor', empty, '--model', tiny]],
    ['verify', (empty) => ['verify', empty, '--out', `${newPath('out')}.jsonl`]],
    ['advise', (empty) => ['advise', empty]],
    ['rewards', (empty) => ['rewards', empty, '--out', `${newPath('out')}.jsonl`]],
    ['curate', (empty) => ['curate', empty, '--no-length-filter', '--out', newPath('out')]],
    ['collect', (empty) => ['collect', empty, '--model', tiny, '--out', newPath('out')]],
    ['train', (empty) => ['train', recipe({ data: empty, out: newPath('out') })]],
  ])('%s', async (_, args) => {
    for (const text of ['', '\n\n']) {
      const empty = file('jsonl', text);
      expectError(await redistill(args(empty)), 2, `${empty} has no `);
    }
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
    const run = newPath('refused');
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
