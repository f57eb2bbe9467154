import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { refuseLaunched } from './launched.js';
import { program } from './program.js';

/** What a launcher sets for the second of two processes. */
const launched = { RANK: '1', WORLD_SIZE: '2', MASTER_PORT: '29500' };

/** Commands that compute nothing long, look at one thing only, or divide their work. */
const free = [
  ...[
    'setup',
    'models',
    'verify',
    'curate',
    'rewards',
    'doctor',
    'advise',
    'train',
    'chat',
    'plan',
    'compare',
  ],
  ...['table', 'report', 'watch'],
];

describe('a command that a launcher has started several times', () => {
  it.each(program.commands.map((command) => command.name()))('%s', (name) => {
    const begin = () => {
      refuseLaunched(name, launched);
    };
    if (free.includes(name)) expect(begin).not.toThrow();
    else {
      expect(begin).toThrow(UserError);
      expect(begin).toThrow(`${name}: a launcher has started 2 processes (WORLD_SIZE)`);
    }
  });

  it.each([{}, { WORLD_SIZE: '2' }, { RANK: '0', WORLD_SIZE: '1' }])('is none under %o', (env) => {
    expect(() => {
      refuseLaunched('evaluate', env);
    }).not.toThrow();
  });
});
