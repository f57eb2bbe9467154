import { expect, test } from 'vitest';
import { runScript } from '../support/madeUpTree.js';

/** `lines` lines of TypeScript that are one function. */
const block = (first: string, last: string, lines: number): string =>
  `${first}\n${'  void 0;\n'.repeat(lines - 2)}${last}\n`;

/** A file of 400 lines, a function of 100, a longer test and a longer generated file. */
const tree = {
  'src/a/long.ts': '\n'.repeat(399) + 'export {};\n',
  'src/a/function.ts': block('/** Comment. */\nexport function hundred(): void {', '}', 100),
  'src/a/long.test.ts': '\n'.repeat(499) + 'export {};\n',
  'src/torch/ops.ts': block('export function generated(): void {', '}', 500),
  'native/addon.cc': 'int x;\nint y;\n',
  'test/support/help.ts': 'export {};\n',
};

test('prints the lines of every folder, tests apart', () => {
  const { status, stdout, stderr } = runScript('size.js', tree);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const rows = stdout.split('\n').map((line) => line.split(/\s{2,}/));
  expect(rows).toContainEqual(['src/a', '2', '501', '400 long.ts', '100 hundred']);
  expect(rows).toContainEqual(['src/torch', '1', '500']);
  expect(rows).toContainEqual(['native', '1', '2', '2 addon.cc']);
  expect(rows).toContainEqual(['all', '4', '1003']);
  expect(rows).toContainEqual(['tests', '2', '501']);
});

test('refuses files of more than 400 lines and functions of more than 100, by name and place', () => {
  const { status, stderr } = runScript('size.js', {
    ...tree,
    'src/b/long.ts': '\n'.repeat(400) + 'export {};\n',
    'native/long.cc': 'int x;\n'.repeat(401),
    'src/b/function.ts': block('\nfunction one() {', '}', 101),
    'src/b/method.ts': block('class Box {\n  two() {', '  }\n}', 101),
    'src/b/constructor.ts': block('class Box {\n  constructor() {', '  }\n}', 101),
    'src/b/arrow.ts': block('const three = () => {', '};', 101),
    'src/b/view.tsx': block('\nfunction View() {', '}', 101),
    'src/b/argument.ts': block('[].map((x) => {', '});', 101),
  });
  expect(status).toBe(1);
  expect(stderr.trimEnd().split('\n').sort()).toEqual([
    'native/long.cc has 401 lines; a file has at most 400: it is two things',
    'src/b/argument.ts:1: argument of map has 101 lines; a function has at most 100',
    'src/b/arrow.ts:1: three has 101 lines; a function has at most 100',
    'src/b/constructor.ts:2: Box.constructor has 101 lines; a function has at most 100',
    'src/b/function.ts:2: one has 101 lines; a function has at most 100',
    'src/b/long.ts has 401 lines; a file has at most 400: it is two things',
    'src/b/method.ts:2: Box.two has 101 lines; a function has at most 100',
    'src/b/view.tsx:2: View has 101 lines; a function has at most 100',
  ]);
});
