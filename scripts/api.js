// Writes docs/api, a page for each export of the package, of the doc comments and types in dist: part of `npm run docs`, which builds first.
import { readFileSync } from 'node:fs';
import ts from 'typescript';

const root = new URL('..', import.meta.url).pathname;
const { exports: entries } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
/** Names of rooms with their declaration files, the package's own first. */
const rooms = Object.entries(entries)
  .filter(([, entry]) => typeof entry === 'object')
  .map(([name, { types }]) => ({ name: name.replace(/^\.\/?/, ''), file: `${root}${types.slice(2)}` }));

/** Lines of a declaration that are shown; what is longer is inferred, and says little. */
const MOST_LINES = 40;
const MOST_LINES_OF_VALUES = 6;
const MOST_CHARACTERS = 160;
const KINDS = { function: 'function', class: 'class', interface: 'interface', type: 'type', value: 'value' };

/** The first sentence of what a room's index says of itself. */
function introOf(name) {
  const path = `${root}src/${name === '' ? '' : `${name}/`}index.ts`;
  const [, text = ''] = /\/\*\*\s*(?:\*\s*)?@file\s+([^]*?)\*\//.exec(readFileSync(path, 'utf8')) ?? [];
  return text
    .replace(/^\s*\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The doc comment of a declaration as Markdown: its text, and what it takes, gives and throws. */
function docOf(declarations) {
  const [doc] = declarations.flatMap((one) => ts.getJSDocCommentsAndTags(one).filter(ts.isJSDoc)).slice(0, 1);
  if (!doc) return '';
  const text = ts.getTextOfJSDocComment(doc.comment) ?? '';
  const tags = (doc.tags ?? []).map((tag) => {
    const said = (ts.getTextOfJSDocComment(tag.comment) ?? '').replace(/^\s*[-–]\s*/, '');
    const name = tag.tagName.text;
    if (name === 'param') return `* \`${tag.name.getText()}\`: ${said}`;
    if (name === 'returns' || name === 'return') return `* Returns ${said}`;
    if (name === 'throws')
      return `* Throws ${tag.typeExpression?.getText().replace(/[{}]/g, '') ?? ''}${said}`;
    return undefined;
  });
  const list = tags.filter((line) => line !== undefined).map((line) => line.replace(/\s+/g, ' ').trim());
  return [text.trim(), list.join('\n')].filter((part) => part !== '').join('\n\n');
}

/** A declaration as TypeScript shows it, without its own comment and what is private. */
function codeOf(declaration) {
  const holder = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const file = holder.getSourceFile();
  const lines = holder
    .getText(file)
    .replace(/^export /, '')
    .replace(/^declare /, '')
    .split('\n')
    .filter((line) => !/^\s*(#private;|private )/.test(line))
    .map((line) => (line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)} …` : line));
  const most = ts.isVariableDeclaration(declaration) ? MOST_LINES_OF_VALUES : MOST_LINES;
  return lines.length > most ? [...lines.slice(0, most), '…'].join('\n') : lines.join('\n');
}

function kindOf(declaration) {
  if (ts.isFunctionDeclaration(declaration)) return KINDS.function;
  if (ts.isClassDeclaration(declaration)) return KINDS.class;
  if (ts.isInterfaceDeclaration(declaration)) return KINDS.interface;
  return ts.isTypeAliasDeclaration(declaration) ? KINDS.type : KINDS.value;
}

/** All exports of a room by their names. */
function exportsOf(checker, source) {
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
  return symbols
    .map((symbol) => {
      const own = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      return { name: symbol.getName(), declarations: own.declarations ?? [] };
    })
    .filter(({ declarations }) => declarations.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const sectionOf = ({ name, declarations }) =>
  [`## ${name}`, docOf(declarations), `\`\`\`ts\n${declarations.map(codeOf).join('\n')}\n\`\`\``]
    .filter((part) => part !== '')
    .join('\n\n');

const MADE = '<!-- Made by `npm run docs` of the doc comments in src/. Change those, not this page. -->';

/** Every page by its name, and the functions and classes that have no doc comment. */
export function apiPages() {
  const program = ts.createProgram(
    rooms.map(({ file }) => file),
    { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, skipLibCheck: true, noEmit: true },
  );
  const checker = program.getTypeChecker();
  const undocumented = [];
  const pages = new Map();
  const index = [];
  for (const { name, file } of rooms) {
    const found = exportsOf(checker, program.getSourceFile(file));
    const title = name === '' ? 'redistill' : `redistill/${name}`;
    const page = name === '' ? 'redistill' : name;
    for (const { name: what, declarations } of found)
      if (docOf(declarations) === '' && [KINDS.function, KINDS.class].includes(kindOf(declarations[0])))
        undocumented.push(`${title}: ${what}`);
    pages.set(
      `${page}.md`,
      [`# ${title}`, MADE, introOf(name), ...found.map(sectionOf)].filter(Boolean).join('\n\n') + '\n',
    );
    index.push(`| [\`${title}\`](${page}.md) | ${found.length} | ${introOf(name).replaceAll('|', '\\|')} |`);
  }
  const head = [
    '# API',
    MADE,
    'What the package exports, a page for each of its rooms. Types longer than a screen are cut; the whole is in the `.d.ts` files.',
  ];
  pages.set(
    'README.md',
    [...head, ['| import from | names | |', '| --- | --- | --- |', ...index].join('\n')].join('\n\n') + '\n',
  );
  return { pages, undocumented };
}
