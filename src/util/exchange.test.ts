import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { exchange } from './exchange.js';
import { withOwnFolder } from './ownFolder.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-exchange-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const use = {
  command: 'make',
  writes: ['model/w', 'steps/step-*/w'],
  scratch: ['model.partial/w', 'model.earlier.partial/w', 'steps/step-*.partial/w'],
  record: {},
};

/** A folder of results with these folders in it. */
function results(folders: Readonly<Record<string, string>>): string {
  const run = mkdtempSync(join(root, 'run-'));
  writeFileSync(join(run, 'redistill.json'), JSON.stringify({ made_by: 'redistill', command: 'make' }));
  for (const [name, text] of Object.entries(folders)) {
    mkdirSync(join(run, name), { recursive: true });
    writeFileSync(join(run, name, 'w'), text);
  }
  return run;
}

it('puts a new folder in the place of another, which stays beside it, or in an empty place', () => {
  const run = results({ model: 'old', 'model.partial': 'new', 'steps/step-1.partial': 'first' });
  exchange(join(run, 'model'));
  exchange(join(run, 'steps/step-1'));
  expect(readFileSync(join(run, 'model/w'), 'utf8')).toBe('new');
  expect(readFileSync(join(run, 'model.earlier.partial/w'), 'utf8')).toBe('old');
  expect(readdirSync(join(run, 'steps'))).toEqual(['step-1']);
});

it.each<[string, Record<string, string>, string]>([
  ['between the two renames', { 'X.earlier.partial': 'old', 'X.partial': 'new' }, 'new'],
  ['with only the earlier one left', { 'X.earlier.partial': 'old' }, 'old'],
  ['before the first rename', { X: 'old', 'X.partial': 'half' }, 'old'],
  ['after the second', { X: 'new', 'X.earlier.partial': 'old' }, 'new'],
])(
  'an exchange that was cut short %s is ended, by a command too that is refused then',
  async (_, folders, left) => {
    for (const place of ['model', 'steps/step-3']) {
      const named = Object.entries(folders).map(([name, text]) => [name.replace('X', place), text]);
      const run = results(Object.fromEntries(named) as Record<string, string>);
      const refused = withOwnFolder(run, use, () => Promise.reject(new Error('refused')));
      await expect(refused).rejects.toThrow('refused');
      expect(readFileSync(join(run, place, 'w'), 'utf8')).toBe(left);
      for (const other of ['earlier.partial', 'partial'])
        expect(existsSync(join(run, `${place}.${other}`))).toBe(false);
    }
  },
);
