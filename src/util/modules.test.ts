import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { thrownBy, filesOfModule } from './modules.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-modules-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const write = (name: string, text: string): string => {
  const path = join(root, name);
  writeFileSync(path, text);
  return path;
};

describe('filesOfModule', () => {
  it('lists the files that a module is made of, in every form of import, once each', () => {
    mkdirSync(join(root, 'deep'));
    const main = write(
      'main.js',
      `import a from './a.js';
       import './deep/b.mjs';
       import { z } from 'zod';
       export { c } from "./c.js";
       const d = await import('./d.js'), e = require('./e.cjs'), gone = () => import('./gone.js');`,
    );
    const neighbours = [
      write('a.js', "import main from './main.js'; export default 1;"),
      write('deep/b.mjs', "export * from '../f.js';"),
      write('f.js', ''),
      ...['c.js', 'd.js', 'e.cjs'].map((name) => write(name, '')),
    ];
    expect(filesOfModule(main).sort()).toEqual([main, ...neighbours].sort());
  });

  it('lists a module that is not there', () => {
    expect(filesOfModule('none/at-all.js')).toEqual(['none/at-all.js']);
  });
});

it('says that a kind of file cannot be loaded', () => {
  const error = Object.assign(new Error('Unknown file extension'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' });
  expect(thrownBy(error, 'a.ts')).toMatch(
    /^Node 2\d\.[\d.]+ cannot load such files; compile it to JavaScript$/,
  );
});
