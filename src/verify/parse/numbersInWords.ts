/** @file Reads numbers in English words. */

import { rational, type Rational } from '../../util/rational.js';

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
  // "two and a half"
  const half = /^(.*[a-z]) and (?:a|one)[ -]half$/.exec(phrase.toLowerCase().trim())?.[1];
  if (half !== undefined) {
    const whole = numberInWords(half);
    return whole?.d === 1n ? rational(whole.n < 0n ? 2n * whole.n - 1n : 2n * whole.n + 1n, 2n) : undefined;
  }
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
