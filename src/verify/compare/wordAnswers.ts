/** @file Reads answers in words: "no solution", "five", "east". */

import { number, type Node } from '../algebra/tree.js';

/** Words for "nothing satisfies the condition". */
const NOTHING = new Set([
  'nosolution',
  'nosolutions',
  'norealsolution',
  'norealsolutions',
  'none',
  'emptyset',
  'empty',
  'theemptyset',
  'nonexistent',
]);

const NUMBERS = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen twenty'
).split(' ');

/**
 * Gives the letters of an answer in words, in lower case and without blanks and punctuation. A product of letters may
 * be a word that was written without \text. Undefined for an answer that is not a word.
 */
export function wordOf(node: Node): string | undefined {
  switch (node.kind) {
    case 'text':
      return node.text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
    case 'symbol':
      return node.name.length === 1 ? node.name : undefined;
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

/** Replaces words for the empty set or a number by what they mean; leaves other nodes as they are. */
export function withWordsRead(node: Node): Node {
  const word = node.kind === 'text' || node.kind === 'product' ? wordOf(node) : undefined;
  if (word === undefined) return node;
  if (NOTHING.has(word)) return { kind: 'namedSet', name: 'empty' };
  const value = NUMBERS.indexOf(word);
  return value < 0 ? node : number(BigInt(value));
}
