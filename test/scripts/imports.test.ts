import { expect, test } from 'vitest';
import { runScript } from '../support/madeUpTree.js';

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
  'src/util/printable.ts': 'export {};\n',
  'src/report/model.ts': 'export {};\n',
  'src/report/page/main.tsx': `import { h } from 'preact';\nimport uPlot from 'uplot';\nimport '../model.js';\nimport './view.js';\nimport '../../util/printable.js';\n`,
  'src/report/page/view.tsx': 'export {};\n',
  'src/cli/main.ts': `const { x } = await import('../torch/op.js');\n// import '../pipeline/none.js'\n`,
  'src/index.ts': `export * from './cli/main.js';\n`,
};

test('says nothing about a tree in order', () => {
  expect(runScript('imports.js', tree)).toMatchObject({ status: 0, stdout: '', stderr: '' });
});

test('says of every other import what is wrong with it', () => {
  const cases: [path: string, source: string, message: string][] = [
    ['cli/a.ts', `import '../data/rows.test.js'`, 'src/data/rows.test.ts, which belongs to the tests'],
    ['cli/b.ts', `import '../../test/support/x.js'`, 'test/support/x.ts, which belongs to the tests'],
    ['cli/c.ts', `import '../index.js'`, 'src/index.ts, but index.ts stands above cli'],
    ['data/a.ts', `import { x } from '../cli/main.js'`, 'src/cli/main.ts, but cli stands above data'],
    ['data/b.ts', `import {\n  x,\n} from '../cli/main.js'`, 'src/cli/main.ts, but cli stands above data'],
    ['data/c.ts', `import type { X } from '../cli/main.js'`, 'src/cli/main.ts, but cli stands above data'],
    ['data/d.ts', `export * from '../cli/main.js'`, 'src/cli/main.ts, but cli stands above data'],
    ['data/e.ts', `await import('../cli/main.js')`, 'src/cli/main.ts, but cli stands above data'],
    ['doctor/page.ts', `import '../torch/op.js'`, 'src/torch/op.ts, but torch stands above doctor'],
    ['report/html.ts', `import './page/view.js'`, 'src/report/page/view.tsx, which runs in a browser'],
    ['report/page/a.tsx', `import '../../util/errors.js'`, 'src/util/errors.ts, which no browser has'],
    ['report/page/b.ts', `import 'node:fs'`, 'node:fs, which no browser has'],
    ['train/a.ts', `import '../torch/native.js'`, 'src/torch/native.ts, but only src/torch opens the addon'],
    ['train/b.ts', `import 'node:module'`, 'node:module, but only src/torch opens the addon'],
    [
      'verify/algebra/x.ts',
      `import '../parse/parse.js'`,
      'src/verify/parse/parse.ts, but parse stands above algebra',
    ],
    ['verify/find/x.ts', `import '../options.js'`, 'src/verify/options.ts, but verify.ts stands above find'],
    [
      'verify/x.ts',
      `import './graders/index.js'`,
      'src/verify/graders/index.ts, but graders stands above verify.ts',
    ],
  ];
  const { status, stderr } = runScript('imports.js', {
    ...tree,
    ...Object.fromEntries(cases.map(([path, source]) => [`src/${path}`, source])),
    'src/text/a.ts': `import './b.js'`,
    'src/text/b.ts': `import './c.js'`,
    'src/text/c.ts': `import type { A } from './a.js'`,
    'src/other/x.ts': '',
    'src/verify/attic/x.ts': '',
  });
  expect(status).toBe(1);
  expect(stderr.trimEnd().split('\n').sort()).toEqual([
    'attic has no place in the order of folders (scripts/imports.js)',
    'imports in a circle: src/text/a.ts → src/text/b.ts → src/text/c.ts → src/text/a.ts',
    'other has no place in the order of folders (scripts/imports.js)',
    ...cases.map(([path, , message]) => `src/${path} imports ${message}`),
  ]);
});
