/** @file Compares two expressions as values: exactly, or rounded where one is written as a decimal. */

import { bitLength, equals, rational, type Rational } from '../../util/rational.js';
import { exactValue } from '../algebra/exact.js';
import { toRational } from '../algebra/bigFloat.js';
import type { WorkBudget } from '../algebra/workBudget.js';
import { identical, type Outcome } from '../algebra/identity.js';
import { preciseValue } from '../algebra/bigComplex.js';
import { contains, type Node } from '../algebra/tree.js';

const isDecimal = (node: Node) =>
  contains(node, (part) => part.kind === 'number' && part.written === 'decimal');

/**
 * Decides whether two expressions have the same value. Fractions are compared exactly; if a side is written with a
 * decimal point, both are rounded to `decimals` places, or to as many significant digits if both are below 0.001.
 */
export function sameValue(gold: Node, pred: Node, decimals: number, budget: WorkBudget): Outcome {
  const rounded = isDecimal(gold) || isDecimal(pred);
  const [a, b] = [exactValue(gold, budget), exactValue(pred, budget)];
  if (a && b) {
    if (equals(a, b)) return { equal: true, stage: 'number' };
    return rounded
      ? { equal: roundAlike(a, b, decimals), stage: 'decimal' }
      : { equal: false, stage: 'number' };
  }
  const outcome = identical(gold, pred, budget);
  if (outcome.equal || !rounded) return outcome;
  const [x, y] = [preciseValue(gold, budget), preciseValue(pred, budget)];
  if (!x || !y) return outcome;
  const parts = [x.re, y.re, x.im, y.im].map(toRational);
  const [re, otherRe, im, otherIm] = parts;
  if (!re || !otherRe || !im || !otherIm) return outcome;
  return { equal: roundAlike(re, otherRe, decimals) && roundAlike(im, otherIm, decimals), stage: 'decimal' };
}

/** Limits the zeros behind the decimal point of numbers that are rounded. */
const SMALLEST = 2000;

/** Tells whether two numbers are the same to `decimals` places, or below 0.001 to as many significant digits. */
function roundAlike(a: Rational, b: Rational, decimals: number): boolean {
  const larger = absolute(a).n * b.d > absolute(b).n * a.d ? absolute(a) : absolute(b);
  let places = decimals;
  if (larger.n !== 0n && larger.n * 1000n < larger.d) {
    // The first significant digit is `leading` places after the point; bit lengths tell it to within three.
    let leading = Math.max(1, Math.floor((bitLength(larger.d) - bitLength(larger.n)) * Math.log10(2)) - 3);
    // Nobody rounds a number that small.
    if (leading > SMALLEST) return false;
    while (larger.n * 10n ** BigInt(leading) < larger.d) leading++;
    places += leading - 1;
  }
  return rounded(a, places) === rounded(b, places);
}

const absolute = ({ n, d }: Rational): Rational => ({ n: n < 0n ? -n : n, d });

/** Rounds a · 10^places to the nearest integer, halves away from zero. */
function rounded(a: Rational, places: number): bigint {
  const scaled = rational(a.n * 10n ** BigInt(Math.max(places, 0)), a.d);
  const size = (2n * absolute(scaled).n + scaled.d) / (2n * scaled.d);
  return scaled.n < 0n ? -size : size;
}
