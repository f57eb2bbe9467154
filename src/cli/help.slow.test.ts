import { describe, expect, it } from 'vitest';
import { expectDone } from '../../test/support/tinyCommands.js';
import { redistill } from '../../test/support/tinyModel.js';

describe.concurrent('--help', () => {
  it.each([
    ...[
      'setup',
      'models get',
      'models inspect',
      'models export',
      'collect',
      'verify',
      'curate',
      'rewards',
      'doctor',
      'score',
    ],
    'columns',
    ...['advise', 'train', 'generate', 'evaluate', 'plan', 'compare', 'table', 'run', 'report', 'watch'],
  ])('of %s has an example', async (command) => {
    const shown = await redistill([...command.split(' '), '--help']);
    expectDone(shown);
    expect(shown.stdout).toContain(`Usage: redistill ${command}`);
    expect(shown.stdout).toContain(`Example:\n  redistill ${command}`);
  });
});
