import { describe, expect, it } from 'vitest';
import { expectDone, tinyCommands } from '../../test/support/tinyCommands.js';
import { contents, redistill } from '../../test/support/tinyModel.js';

const { tiny } = tinyCommands();

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
