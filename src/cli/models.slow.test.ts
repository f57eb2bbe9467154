import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { strangeKeys } from '../../test/support/jsonKeys.js';
import { expectDone, expectError, tinyCommands } from '../../test/support/tinyCommands.js';
import { contents, redistill } from '../../test/support/tinyModel.js';

const { tiny, pairs, problems, prompts, messages, newPath, recipe } = tinyCommands();

it.each([
  ['models inspect', ['models', 'inspect', tiny]],
  ['models get', ['models', 'get', tiny]],
  ['setup', ['setup']],
  ['verify', ['verify', '--gold', '5', '--pred', '5']],
])('%s --json has the keys of all that is written', async (_, args) => {
  const shown = await redistill([...args, '--json']);
  expectDone(shown);
  expect(strangeKeys(JSON.parse(shown.stdout))).toEqual([]);
});

describe.concurrent('models', () => {
  it('inspect', async () => {
    const shown = await redistill(['models', 'inspect', tiny, '--json']);
    expectDone(shown);
    expect(JSON.parse(shown.stdout)).toMatchObject({ path: tiny, family: 'llama', parameters: 49_392 });
    const text = await redistill(['models', 'inspect', tiny]);
    expect(text.stdout).toContain('llama, 49.4 k parameters: 2 layers, hidden 48');
  });

  it('inspect takes what every --model takes, and refuses the rest in the same words', async () => {
    const gguf = fileURLToPath(new URL('../../test/fixtures/gguf/llama-smollm.gguf', import.meta.url));
    const shown = await redistill(['models', 'inspect', gguf]);
    expectDone(shown);
    expect(shown.stdout).toMatch(/^llama, /);
    expectError(
      await redistill(['models', 'inspect', pairs]),
      2,
      `${pairs} is neither a model directory nor a .gguf file`,
    );
    expectError(
      await redistill(['models', 'inspect', './student']),
      2,
      'There is no ./student: `redistill models get',
    );
  });

  it('get uses a directory in place', async () => {
    const before = contents(tiny);
    const found = await redistill(['models', 'get', tiny]);
    expectDone(found);
    expect(found.stdout).toBe(`${tiny}\n`);
    expect(contents(tiny)).toEqual(before);
  });

  it('export writes a file that every --model takes, and tells where', async () => {
    const out = join(dirname(tiny), 'exported.gguf');
    const done = await redistill(['models', 'export', tiny, '--gguf', 'F16', '--out', out, '--json']);
    expectDone(done);
    expect(JSON.parse(done.stdout)).toEqual({ path: out });
    const shown = await redistill(['models', 'inspect', out]);
    expectDone(shown);
    expect(shown.stdout).toContain('llama, 49.4 k parameters: 2 layers, hidden 48');
    const named = await redistill(['models', 'export', tiny, '--gguf', 'Q8_0'], { cwd: dirname(tiny) });
    expectDone(named);
    expect(named.stdout).toBe(`${join(dirname(tiny), 'tiny-Q8_0.gguf')}\n`);
    expect(readFileSync(join(dirname(tiny), 'tiny-Q8_0.gguf'), 'latin1').slice(0, 4)).toBe('GGUF');
  });

  it('export refuses what it may not write over, and other types', async () => {
    const before = contents(tiny);
    const refused = (args: string[], words: string) =>
      redistill(['models', 'export', tiny, ...args]).then((shown) => {
        expectError(shown, 2, words);
      });
    await refused(
      ['--gguf', 'F16', '--out', pairs],
      `${pairs} is in the way: it is where the model is written`,
    );
    const weights = join(tiny, 'model.safetensors');
    await refused(['--gguf', 'F16', '--out', weights], `${weights} belongs to ${tiny}`);
    await refused(['--gguf', 'Q4_0'], 'Q4_0');
    await refused([], '--gguf');
    expect(contents(tiny)).toEqual(before);
  });
});

describe('an adapter', () => {
  let adapter: string;
  beforeAll(async () => {
    const out = newPath('run');
    const lora = { rank: 4, target_modules: 'all-linear' };
    const keys = { out, lora, optimizer: { lr: 1e-2 }, schedule: { warmup_ratio: 0 } };
    expectDone(await redistill(['train', recipe(keys)]));
    adapter = join(out, 'model');
  });

  it('may be named wherever a model is', async () => {
    const merged = newPath('merged');
    expectDone(await redistill(['models', 'merge', adapter, '--out', merged]));
    const scores = async (model: string) => {
      const run = await redistill(['score', messages, '--model', model, '--dtype', 'f32']);
      expectDone(run);
      return run.stdout;
    };
    expect(await scores(adapter)).not.toBe(await scores(tiny));
    const numbers = (text: string) => (text.match(/-?\d+\.\d+/g) ?? []).map(Number);
    const [own, other] = [numbers(await scores(adapter)), numbers(await scores(merged))];
    expect(own.length).toBeGreaterThan(3);
    expect(Math.max(...own.map((x, i) => Math.abs(x - other[i]!)))).toBeLessThan(1e-4);
    for (const args of [
      ['evaluate', problems, '--max-tokens', '4', '--out', newPath('evaluation')],
      ['generate', '--prompts', prompts, '--max-tokens', '4', '--out', `${newPath('answers')}.jsonl`],
      ['columns', messages, '--as', 'teacher', '--out', `${newPath('columns')}.jsonl`],
      ['doctor', messages],
    ])
      expectDone(await redistill([...args, '--model', adapter]));
    const shown = await redistill(['models', 'inspect', adapter]);
    expect(shown.stdout).toMatch(/^an adapter of rank 4, alpha 32, over llama, 49.4 k parameters/);
  });

  it('is no model to be fetched, and a model no adapter to be merged', async () => {
    expectError(
      await redistill(['models', 'get', adapter]),
      2,
      `redistill models merge ${adapter} --out DIR`,
    );
    const out = newPath('merged');
    expectError(await redistill(['models', 'merge', tiny, '--out', out]), 2, `${tiny} is no adapter`);
    expect(existsSync(out)).toBe(false);
    expectError(await redistill(['models', 'merge', adapter, '--out', tiny]), 2, 'is not empty');
    const file = `${newPath('adapter')}.gguf`;
    const exported = await redistill(['models', 'export', adapter, '--gguf', 'F16', '--out', file]);
    expectError(exported, 2, `redistill models merge ${adapter} --out DIR`);
    expect(existsSync(file)).toBe(false);
  });
});
