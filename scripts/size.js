// Prints how large each folder of src/ and native/ is, and fails on a source file or a function that is too long.
// `node scripts/size.js FOLDER` measures another tree.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const MAX_FILE = 400;
const MAX_FUNCTION = 100;
/** Written by scripts/generate-ops.js, therefore not held to the limits. */
const GENERATED = 'src/torch/ops.ts';

const root = process.argv[2] ?? join(import.meta.dirname, '..');

/** The name that a reader searches for: a method's with its class, a nameless function's of what holds it. */
function nameOf(node) {
  const { parent } = node;
  const name = node.name?.getText() ?? (ts.isConstructorDeclaration(node) ? 'constructor' : undefined);
  if (name !== undefined) return ts.isClassLike(parent) && parent.name ? `${parent.name.text}.${name}` : name;
  if (ts.isCallExpression(parent)) return `argument of ${/\w*$/.exec(parent.expression.getText())[0]}`;
  return parent.name?.getText() ?? 'nameless function';
}

/** Name, place and lines of every function, method and arrow function of a TypeScript source, comments above it left out. */
function functionsOf(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lineAt = (position) => source.getLineAndCharacterOfPosition(position).line + 1;
  const functions = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body) {
      const first = lineAt(node.getStart());
      functions.push({ name: nameOf(node), at: `${path}:${first}`, lines: lineAt(node.end) - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return functions;
}

const files = ['src', 'native', 'test']
  .flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' }).map((path) => `${top}/${path}`),
  )
  .filter((path) => /\.(tsx?|cc|cu|h)$/.test(path))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const isTest = path.startsWith('test/') || path.endsWith('.test.ts');
    const measured = /\.tsx?$/.test(path) && path !== GENERATED && !isTest;
    return {
      path,
      folder: /^src\/[^/]+(?=\/)|^[^/]+/.exec(path)[0],
      isTest,
      lines: text.trimEnd().split('\n').length,
      functions: measured ? functionsOf(path, text) : [],
    };
  });
const tests = files.filter((file) => file.isTest);
const sources = files.filter((file) => !file.isTest);

const linesOf = (list) => list.reduce((sum, { lines }) => sum + lines, 0);
const limited = sources.filter(({ path }) => path !== GENERATED);
const functions = sources.flatMap((file) => file.functions);

/** The longest of some files or functions, as a cell. */
function longest(list, nameOf) {
  const [first] = list.sort((a, b) => b.lines - a.lines);
  return first ? `${first.lines} ${nameOf(first)}` : '';
}

const folders = [...new Set(sources.map(({ folder }) => folder))].sort();
const rows = folders.map((folder) => {
  const isIn = (file) => file.folder === folder;
  const own = sources.filter(isIn);
  const called = own.flatMap((file) => file.functions);
  return [
    folder,
    own.length,
    linesOf(own),
    longest(limited.filter(isIn), ({ path }) => path.slice(folder.length + 1)),
    longest(called, ({ name }) => name),
  ];
});
const table = [
  ['folder', 'files', 'lines', 'longest file', 'longest function'],
  ...rows,
  ['all', sources.length, linesOf(sources), '', ''],
  ['tests', tests.length, linesOf(tests), '', ''],
].map((row) => row.map(String));
const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
for (const row of table) {
  const cells = row.map((cell, i) =>
    i === 1 || i === 2 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]),
  );
  console.log(cells.join('  ').trimEnd());
}

for (const { path, lines } of limited) {
  if (lines > MAX_FILE) fail(`${path} has ${lines} lines; a file has at most ${MAX_FILE}: it is two things`);
}
for (const { name, at, lines } of functions) {
  if (lines > MAX_FUNCTION) fail(`${at}: ${name} has ${lines} lines; a function has at most ${MAX_FUNCTION}`);
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
