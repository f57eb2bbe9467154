/** @file Reads YAML of bounded size with plain values, and tells on which line a key stands. Knows no schema. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { messageOf, UserError } from '../util/errors.js';

/** Words and signs, and levels of nesting. A recipe has a few hundred, and five. */
const MOST_TOKENS = 50_000;
const MOST_LEVELS = 50;

export interface YamlText {
  value: unknown;
  /** The line, from 1, of a key or a list's entry, or of the innermost around it that is there. */
  lineOf: (path: readonly PropertyKey[]) => number | undefined;
}

/** @param name what messages call the text. @throws UserError where it is not YAML with plain values */
export function parseYaml(text: string, name: string): YamlText {
  const tokens = new Lexer().lex(text);
  for (let count = 0; tokens.next().done !== true; count++)
    if (count === MOST_TOKENS)
      throw new UserError(`${name} has more than ${MOST_TOKENS} words and signs, which is no recipe.`);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    merge: true,
    resolveKnownTags: false,
    lineCounter: lines,
    prettyErrors: false,
  });
  const lineAt = (offset: number) => lines.linePos(offset).line;
  refuseFaults(document, name, lineAt);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new UserError(`${name} is not YAML: ${messageOf(error)}`);
  }
  refuseDepth(value, name, 0);
  return {
    value,
    lineOf: (path) => {
      const node = nodeOf(document, path);
      return node?.range ? lineAt(node.range[0]) : undefined;
    },
  };
}

/** Whatever would not become plain values, or not the ones that are meant. */
function refuseFaults(document: Document.Parsed, name: string, lineAt: (offset: number) => number): void {
  const [error] = document.errors;
  const place = (offset: number | undefined) => `${name}, line ${lineAt(offset ?? 0)}`;
  if (error?.code === 'MULTIPLE_DOCS')
    throw new UserError(
      `${place(error.pos[0])}: a second document begins here; a recipe is one, so take out "---" or what stands around it.`,
    );
  if (error?.message.includes('call stack'))
    throw new UserError(`${name} is nested more than ${MOST_LEVELS} levels deep, which is no recipe.`);
  if (error) throw new UserError(`${name} is not YAML: line ${lineAt(error.pos[0])}: ${error.message}`);
  visit(document, {
    Pair: (_, { key }) => {
      const offset = (key as Node | null)?.range?.[0];
      if (!isScalar(key) || key.value === null)
        throw new UserError(`${place(offset)}: a key is a word, such as "model".`);
      if (typeof key.value === 'string' && RESERVED.has(key.value))
        throw new UserError(`${place(offset)}: "${key.value}" cannot be a key.`);
    },
    Node: (_, node) => {
      if (node.tag !== undefined && !node.tag.startsWith('tag:yaml.org,2002:'))
        throw new UserError(
          `${place(node.range?.[0])}: leave out the tag ${node.tag}: values are plain, without tags`,
        );
      if (isScalar(node) && typeof node.value === 'string' && node.value.includes('\0'))
        throw new UserError(`${place(node.range?.[0])}: a text cannot hold a null character.`);
    },
  });
  const [warning] = document.warnings;
  if (warning)
    throw new UserError(`${place(warning.pos[0])}: ${warning.message}; values are plain, without tags`);
}

/** Names that JavaScript's objects have for themselves. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether a recipe may have a key of this name, whichever it is. */
export const mayBeKey = (name: string): boolean => /^[a-z_][a-z0-9_-]*$/i.test(name) && !RESERVED.has(name);

/** Also what contains itself by an alias. */
function refuseDepth(value: unknown, name: string, level: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (level === MOST_LEVELS)
    throw new UserError(`${name} is nested more than ${MOST_LEVELS} levels deep, which is no recipe.`);
  for (const inner of Object.values(value)) refuseDepth(inner, name, level + 1);
}

/** The key's node, or that of the innermost key or entry on the way to it. */
function nodeOf(document: Document, path: readonly PropertyKey[]): Node | undefined {
  let found: Node | undefined;
  let node: unknown = document.contents;
  for (const key of path) {
    const inner = resolved(node, document);
    if (isSeq(inner)) {
      node = inner.items[Number(key)];
      found = (resolved(node, document) as Node | undefined) ?? found;
    } else if (isMap(inner)) {
      const pair = pairOf(inner, String(key), document);
      node = pair?.value;
      found = (pair?.key as Node | undefined) ?? found;
    } else break;
    if (node === undefined) break;
  }
  return found;
}

const resolved = (node: unknown, document: Document): unknown =>
  isAlias(node) ? node.resolve(document) : node;

/** The pair of this key, also from what is merged in (`<<`). */
function pairOf(map: YAMLMap, key: string, document: Document): Pair | undefined {
  const own = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
  if (own) return own;
  for (const { key: name, value } of map.items) {
    if (!isScalar(name) || name.source !== '<<') continue;
    const merged = resolved(value, document);
    for (const part of isSeq(merged) ? merged.items : [merged]) {
      const source = resolved(part, document);
      const pair = isMap(source) ? pairOf(source, key, document) : undefined;
      if (pair) return pair;
    }
  }
  return undefined;
}
