// Holds the order of folders: an import points to its own folder or to one that stands before it in the list.
// `node scripts/imports.js FOLDER` checks another tree. docs/decisions.md says why no library does this.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import ts from 'typescript';

/** What stands in src/, from the ground up. Nothing before `torch` can reach a tensor, however indirectly. */
const folders = [
  ...['util', 'statistics', 'fetch', 'objectives', 'rewards', 'text', 'data', 'recipe', 'verify'],
  ...['teacher', 'curate', 'doctor', 'setup', 'torch', 'models', 'hub', 'generate', 'train', 'evaluate'],
  ...['advise', 'serve', 'chat', 'pipeline', 'study', 'benchmarks', 'report', 'cli', 'index.ts'],
];
/** The rooms of src/verify likewise; `verify.ts` stands for all files beside them but for `index.ts`. */
const rooms = ['algebra', 'parse', 'find', 'compare', 'verify.ts', 'graders', 'files', 'index.ts'];
/** One recursive grammar, whose files call each other. The only place where files may import in a circle. */
const grammar = 'src/verify/parse/';
/** What runs in a browser. It has these files in common with the program, which reach nothing of Node. */
const page = 'src/report/page/';
const forPage = ['src/report/model.ts', 'src/report/live.ts', 'src/util/own.ts', 'src/util/printable.ts'];

const root = process.argv[2] ?? join(import.meta.dirname, '..');
const isTest = (path) => path.endsWith('.test.ts') || path.startsWith('test/');

/** Whatever a source names in an import, an export or an `import()`, types included; files of ours by their paths. */
function importsOf(path) {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(root, path), 'utf8'));
  return importedFiles.map(({ fileName }) =>
    fileName.startsWith('.') ? sourceOf(normalize(join(dirname(path), fileName))) : fileName,
  );
}

/** The source of what is imported by the name of its compiled file. */
function sourceOf(path) {
  const tsx = path.replace(/\.js$/, '.tsx');
  return existsSync(join(root, tsx)) ? tsx : path.replace(/\.js$/, '.ts');
}

const folderOf = (path) => path.split('/')[1];
const roomOf = (path) => {
  const [, , room, file] = path.split('/');
  return file !== undefined || room === 'index.ts' ? room : 'verify.ts';
};

/** What is wrong with an import, as the end of a sentence; undefined if nothing is. */
function fault(from, to) {
  const canOpenAddon = to === 'src/torch/native.ts' ? ['torch'] : ['torch', 'setup'];
  if (['src/torch/native.ts', 'node:module'].includes(to) && !canOpenAddon.includes(folderOf(from))) {
    return 'but only src/torch opens the addon';
  }
  if (from.startsWith(page)) {
    const isLibrary = /^(preact|uplot)(\/|$)/.test(to);
    return isLibrary || to.startsWith(page) || forPage.includes(to) ? undefined : 'which no browser has';
  }
  if (to.startsWith(page)) return 'which runs in a browser';
  if (isTest(to)) return 'which belongs to the tests';
  if (!to.startsWith('src/')) return undefined;
  const isWithinVerify = [from, to].every((path) => folderOf(path) === 'verify');
  const [order, nameOf] = isWithinVerify ? [rooms, roomOf] : [folders, folderOf];
  const [lower, upper] = [nameOf(from), nameOf(to)];
  return order.indexOf(upper) > order.indexOf(lower) ? `but ${upper} stands above ${lower}` : undefined;
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((path) => `src/${path}`)
  .filter((path) => /\.tsx?$/.test(path) && !isTest(path))
  .sort();
const imports = new Map(sources.map((path) => [path, importsOf(path)]));

for (const [names, nameOf, all] of [
  [folders, folderOf, sources],
  [rooms, roomOf, sources.filter((path) => folderOf(path) === 'verify')],
]) {
  for (const name of new Set(all.map(nameOf))) {
    if (!names.includes(name)) fail(`${name} has no place in the order of folders (scripts/imports.js)`);
  }
}

for (const [from, targets] of imports) {
  for (const to of targets) {
    const wrong = fault(from, to);
    if (wrong) fail(`${from} imports ${to}, ${wrong}`);
  }
}

const finished = new Set();
/** Walks along imports in depth and reports every one that leads back into the trail. */
function findCircles(path, trail) {
  if (trail.includes(path)) {
    fail(`imports in a circle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
  } else if (!finished.has(path)) {
    for (const to of imports.get(path) ?? []) {
      if (!(path.startsWith(grammar) && to.startsWith(grammar))) findCircles(to, [...trail, path]);
    }
    finished.add(path);
  }
}
for (const path of sources) findCircles(path, []);
