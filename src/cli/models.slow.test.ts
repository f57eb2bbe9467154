import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { strangeKeys } from '../../test/support/jsonKeys.js';
import { expectDone, expectError, tinyCommands } from '../../test/support/tinyCommands.js';
import { contents, redistill } from '../../test/support/tinyModel.js';

const { tiny, pairs } = tinyCommands();

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
});
