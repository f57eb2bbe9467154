/** @file The commands of the documents: what stands in their blocks, and in their text. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Programs with which a line of a block without a language is a command. */
const BEGINNINGS = /^(redistill|npm|npx|node|apt-get|python3) /;
const SHELLS = ['sh', 'bash', 'console', 'shell', 'zsh'];

/** Every page of the documents, by its path from the repository's root; what is made of docstrings has no commands of its own. */
export function pages(): string[] {
  const docs = readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' });
  const own = docs.filter((path) => path.endsWith('.md') && !path.startsWith('api/')).sort();
  return ['README.md', 'CONTRIBUTING.md', ...own.map((path) => `docs/${path}`)];
}

/** A block of commands, and the line on which it begins. */
export interface Block {
  line: number;
  script: string;
}

const FENCE = /^```(\w*)\n([^]*?)^```$/gm;

/** Lists the commands of ours in blocks of YAML: the `command` and `args` of containers, and those of the scripts among them. */
export function containersOf(page: string): string[][] {
  const text = readFileSync(`${root}${page}`, 'utf8');
  const documents = [...text.matchAll(FENCE)].flatMap(([, language, script = '']) =>
    language === 'yaml' ? parseAllDocuments(script).map((document) => document.toJS() as unknown) : [],
  );
  return documents.flatMap(commandsIn);
}

function commandsIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  const { command = [], args = [] } = value as { command?: unknown[]; args?: unknown[] };
  const words = Array.isArray(command) && Array.isArray(args) ? [...command, ...args].map(String) : [];
  const own = words.indexOf('redistill');
  const scripts = words.flatMap((word, i) => (words[i - 1] === '-c' ? [word] : []));
  const inScripts = scripts.flatMap((script) =>
    [...script.matchAll(/\bredistill\b[^;]*/g)].map(([command]) => wordsOf(command).slice(1)),
  );
  return [
    ...(own < 0 ? [] : [words.slice(own + 1)]),
    ...inScripts,
    ...Object.values(value).flatMap(commandsIn),
  ];
}

/** The blocks of a page that are for a shell, by their language or by their first word. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(`${root}${page}`, 'utf8');
  return [...text.matchAll(FENCE)].flatMap(({ 1: language = '', 2: script = '', index }) =>
    SHELLS.includes(language) || (language === '' && BEGINNINGS.test(script))
      ? [{ line: text.slice(0, index).split('\n').length, script }]
      : [],
  );
}

/** Commands that a page names in its text, in one line each. */
export function spansOf(page: string): string[] {
  const text = readFileSync(`${root}${page}`, 'utf8').replace(FENCE, '');
  const spans = [
    ...text.matchAll(/(?<!`)`((?:redistill|npm run|npm test|npx vitest|npx tsx|node scripts)\b[^`]*)`/g),
  ];
  return [...new Set(spans.map(([, span]) => span!.replace(/\s+/g, ' ').trim()))];
}

/** The words of a command as a shell has them, up to what would end it. */
export function wordsOf(command: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < command.length; i++) {
    const character = command[i]!;
    if (character === '"' || character === "'") {
      const end = command.indexOf(character, i + 1);
      if (end < 0) throw new Error(`a quote is not closed: ${command}`);
      word = (word ?? '') + command.slice(i + 1, end);
      i = end;
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (/[;|&]/.test(character) || (character === '#' && word === undefined)) break;
    else word = (word ?? '') + character;
  }
  return word === undefined ? words : [...words, word];
}
