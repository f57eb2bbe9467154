/** @file Reads answers in words: "no solution", "five", "east". */

import { number, type Node } from '../algebra/tree.js';
import { numberInWords } from '../parse/numbersInWords.js';

/** Words for "nothing satisfies the condition". */
const NOTHING = new Set([
  'therearenosolutions',
  'therearenorealsolutions',
  'thereisnosolution',
  'nosolutionsexist',
  'nosolutionexists',
  'norealroots',
  'nosuchnumber',
  'nosuchnumbers',
  'doesnotexist',
  'dne',
  'undefined',
  'nosolution',
  'nosolutions',
  'norealsolution',
  'norealsolutions',
  'none',
  'emptyset',
  'empty',
  'theemptyset',
  'nonexistent',
  '无解',
  '无实数解',
  '不存在',
  '空集',
  'sinsolución',
  'keinelösung',
  'pasdesolution',
  'нетрешений',
]);

/** Words for sets of numbers. */
const SETS: Readonly<Record<string, 'R' | 'Z' | 'N'>> = {
  allrealnumbers: 'R',
  allreals: 'R',
  reals: 'R',
  setofallrealnumbers: 'R',
  setofrealnumbers: 'R',
  全体实数: 'R',
  所有实数: 'R',
  allrealnumber: 'R',
  realnumbers: 'R',
  thereals: 'R',
  therealnumbers: 'R',
  thesetofallrealnumbers: 'R',
  thesetofrealnumbers: 'R',
  allintegers: 'Z',
  integers: 'Z',
  theintegers: 'Z',
  allnaturalnumbers: 'N',
  naturalnumbers: 'N',
  allpositiveintegers: 'N',
  positiveintegers: 'N',
};

/**
 * Gives the letters of an answer in words, in lower case and without blanks and punctuation. A product of letters may
 * be a word that was written without \text. Undefined for an answer that is not a word.
 */
export function wordOf(node: Node): string | undefined {
  switch (node.kind) {
    case 'text':
      return node.text
        .toLowerCase()
        .replace(/^(?:an?|the)\s+(?=\p{L}{3})/u, '')
        .replace(/[^\p{L}\p{N}]/gu, '');
    case 'symbol':
      // The triangle ABC
      return /^(?:.|[∠△]?[A-Z]{3,})$/u.test(node.name) ? node.name.replace(/^[∠△]/, '') : undefined;
    case 'constant':
      return node.name === 'e' || node.name === 'i' ? node.name : undefined;
    case 'product': {
      const letters = node.factors.map(wordOf);
      return letters.every((letter) => letter !== undefined) ? letters.join('').toLowerCase() : undefined;
    }
    default:
      return undefined;
  }
}

/** Splits words that are a list, "Alice, Bob" or "III and I", into their items; undefined for any other node. */
export function itemsInWords(node: Node): Node[] | undefined {
  if (node.kind !== 'text') return undefined;
  const items = node.text.split(/\s*[,;]\s*(?:and\s+)?|\s+and\s+/);
  const isList = items.length > 1 && items.every((item) => /^[^\s,]+(?: [^\s,]+){0,2}$/.test(item));
  return isList ? items.map((item) => ({ kind: 'text', text: item })) : undefined;
}

/** Replaces words for a set of numbers or a number by what they mean; leaves other nodes as they are. */
export function withWordsRead(node: Node): Node {
  const word = node.kind === 'text' || node.kind === 'product' ? wordOf(node) : undefined;
  if (word === undefined) return node;
  if (NOTHING.has(word)) return { kind: 'namedSet', name: 'empty' };
  if (Object.hasOwn(SETS, word)) return { kind: 'namedSet', name: SETS[word]! };
  const value = numberInWords(node.kind === 'text' ? node.text : word);
  return value ? number(value) : node;
}
