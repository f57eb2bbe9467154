import { expect, test } from 'vitest';
import { runScript, type ScriptResult } from '../support/madeUpTree.js';

/** A tree in order, with every kind of import that is allowed. */
const tree = {
  'src/util/errors.ts': `import { readFileSync } from 'node:fs';\nexport class UserError extends Error {}\n`,
  'src/data/rows.ts': `import { UserError } from '../util/errors.js';\nimport type { Row } from './row.js';\n`,
  'src/data/row.ts': 'export interface Row {}\n',
  'src/data/rows.test.ts': `import '../cli/main.js';\nimport './rows.js';\nimport '../../test/support/x.js';\n`,
  'src/verify/algebra/tree.ts': `import '../../util/errors.js';\n`,
  'src/verify/parse/parse.ts': `import '../algebra/tree.js';\nimport './matrices.js';\n`,
  'src/verify/parse/matrices.ts': `import './parse.js';\n`,
  'src/verify/verify.ts': `import './parse/parse.js';\nimport './options.js';\n`,
  'src/verify/options.ts': `export {};\n`,
  'src/verify/graders/index.ts': `import '../verify.js';\n`,
  'src/torch/native.ts': `import { createRequire } from 'node:module';\n`,
  'src/torch/op.ts': `import { native } from './native.js';\n`,
  'src/cli/main.ts': `const { x } = await import('../torch/op.js');\n// import '../pipeline/none.js'\n`,
  'src/index.ts': `export * from './cli/main.js';\n`,
};

const check = (changes: Record<string, string>): ScriptResult =>
  runScript('imports.js', { ...tree, ...changes });

test('says nothing about a tree in order', () => {
  expect(check({})).toMatchObject({ status: 0, stdout: '', stderr: '' });
});

/** Messages for sources that have one import each, sorted. */
function faults(sources: Record<string, string>): string[] {
  const { status, stderr } = check(sources);
  expect(status).toBe(1);
  return stderr.trimEnd().split('\n').sort();
}

test('refuses every form of import of a higher folder', () => {
  const sources = {
    'src/data/a.ts': `import { x } from '../cli/main.js';`,
    'src/data/b.ts': `import {\n  x,\n} from '../cli/main.js';`,
    'src/data/c.ts': `import type { X } from '../cli/main.js';`,
    'src/data/d.ts': `export { x } from '../cli/main.js';`,
    'src/data/e.ts': `const x = async () => await import('../cli/main.js');`,
  };
  expect(faults(sources)).toEqual(
    Object.keys(sources).map((path) => `${path} imports src/cli/main.ts, but cli stands above data`),
  );
});

test('names what stands above what', () => {
  const cases: [path: string, target: string, message: string][] = [
    ['src/cli/a.ts', '../data/rows.test.js', 'src/data/rows.test.ts, which belongs to the tests'],
    ['src/cli/b.ts', '../../test/support/x.js', 'test/support/x.ts, which belongs to the tests'],
    ['src/cli/c.ts', '../index.js', 'src/index.ts, but index.ts stands above cli'],
    ['src/doctor/page.ts', '../torch/op.js', 'src/torch/op.ts, but torch stands above doctor'],
    ['src/train/a.ts', '../torch/native.js', 'src/torch/native.ts, but only src/torch opens the addon'],
    ['src/train/b.ts', 'node:module', 'node:module, but only src/torch opens the addon'],
    [
      'src/verify/algebra/x.ts',
      '../parse/parse.js',
      'src/verify/parse/parse.ts, but parse stands above algebra',
    ],
    ['src/verify/find/x.ts', '../options.js', 'src/verify/options.ts, but verify.ts stands above find'],
    [
      'src/verify/x.ts',
      './graders/index.js',
      'src/verify/graders/index.ts, but graders stands above verify.ts',
    ],
  ];
  expect(faults(Object.fromEntries(cases.map(([path, target]) => [path, `import '${target}';`])))).toEqual(
    cases.map(([path, , message]) => `${path} imports ${message}`),
  );
});

test('refuses a circle of files within a folder, be it of types', () => {
  const { status, stderr } = check({ 'src/data/row.ts': `import type { Rows } from './rows.js';\n` });
  expect(status).toBe(1);
  expect(stderr).toBe('imports in a circle: src/data/row.ts → src/data/rows.ts → src/data/row.ts\n');
});

test('refuses a folder and a room that the order does not name', () => {
  const { status, stderr } = check({ 'src/other/x.ts': '', 'src/verify/attic/x.ts': '' });
  expect(status).toBe(1);
  expect(stderr).toContain('other has no place in the order of folders');
  expect(stderr).toContain('attic has no place in the order of folders');
});
