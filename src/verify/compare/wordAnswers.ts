/** @file Reads answers in words: "no solution", "five", "east". */

import { rational, type Rational } from '../../util/rational.js';
import { number, type Node } from '../algebra/tree.js';

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
]);

/** Words for sets of numbers. */
const SETS: Readonly<Record<string, 'R' | 'Z' | 'N'>> = {
  allrealnumbers: 'R',
  allreals: 'R',
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

const SMALL = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen'
).split(' ');
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const SCALES: Readonly<Record<string, bigint>> = {
  thousand: 1000n,
  million: 1_000_000n,
  billion: 1_000_000_000n,
  trillion: 1_000_000_000_000n,
};
const PARTS = 'half third fourth fifth sixth seventh eighth ninth tenth'.split(' ');

/** Reads a number in English words: "twenty-one", "two hundred and five", "three quarters", "minus one half". */
export function numberInWords(phrase: string): Rational | undefined {
  const words = phrase
    .toLowerCase()
    .split(/[\s-]+/)
    .filter((word) => word !== 'and' && word !== '');
  const isNegative = words[0] === 'minus' || words[0] === 'negative';
  if (isNegative) words.shift();
  if (words.length === 0 || words.length > 20) return undefined;
  const last = words.at(-1)!.replace(/^halves$/, 'half');
  const part = last === 'quarter' || last === 'quarters' ? 2 : PARTS.indexOf(last.replace(/s$/, ''));
  const isPart = part >= 0 && words.length > 1;
  const whole = wholeInWords(isPart ? words.slice(0, -1) : words);
  if (whole === undefined) return undefined;
  return rational(isNegative ? -whole : whole, isPart ? BigInt(part + 2) : 1n);
}

function wholeInWords(words: readonly string[]): bigint | undefined {
  let [total, group] = [0n, 0n];
  let before = 'start';
  for (const word of words) {
    const small = word === 'a' && words.length > 1 ? 1 : SMALL.indexOf(word);
    const ten = TENS.indexOf(word);
    if (small >= 0 && !(before === 'small' || (before === 'ten' && (small === 0 || small > 9)))) {
      group += BigInt(small);
      before = 'small';
    } else if (ten >= 0 && before !== 'small' && before !== 'ten') {
      group += BigInt(10 * (ten + 2));
      before = 'ten';
    } else if (word === 'hundred' && group > 0n && group < 100n) {
      group *= 100n;
      before = 'hundred';
    } else if (Object.hasOwn(SCALES, word) && group > 0n) {
      total += group * SCALES[word]!;
      group = 0n;
      before = 'scale';
    } else return undefined;
  }
  return total + group;
}

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
