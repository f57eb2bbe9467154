/** @file Tells whether an answer is worked out, or is a calculation that leaves the work to the verifier. */

import { exactValue } from '../algebra/exact.js';
import { children, type Node } from '../algebra/tree.js';
import type { WorkBudget } from '../algebra/workBudget.js';

/**
 * Tells whether no part of an answer is arithmetic on plain numbers that is left to be done: 2 + 3, 7 · 8, 10/2, 2^5,
 * 10!, √25, 17 mod 5. Fractions, mixed numbers, percentages, 3 · 10^8, roots and logarithms are forms of answers.
 */
export function isWorkedOut(node: Node, budget: WorkBudget): boolean {
  budget.spend();
  switch (node.kind) {
    case 'sum': {
      const plain = node.terms.filter((term) => exactValue(term, budget) !== undefined);
      if (plain.length > 1 && !isMixedNumber(node.terms)) return false;
      break;
    }
    case 'product':
      if (!isPlainProduct(node.factors, budget)) return false;
      break;
    case 'power':
      if (isWhole(node.base) && !isPowerOfTen(node) && !isInverse(node)) {
        const exponent = exactValue(node.exponent, budget);
        if (exponent?.d === 1n) return false;
      }
      // √25 and 8^(1/3) are whole.
      if (node.exponent.kind !== 'number' && exactValue(node.base, budget) && exactValue(node, budget))
        if (exactValue(node.exponent, budget)?.d !== 1n) return false;
      break;
    case 'call':
      if (/^(?:factorial|doubleFactorial|binomial|gcd|lcm|max|min|floor|ceiling|det|abs)$/.test(node.name))
        if (exactValue(node, budget)) return false;
      break;
    case 'residue':
      return !node.isOperation;
    case 'series':
      return exactValue(node, budget) === undefined;
    default:
  }
  return children(node).every((child) => isWorkedOut(child, budget));
}

const isWhole = (node: Node): boolean => node.kind === 'number' && node.value.d === 1n;
const isInverse = (node: Node): boolean =>
  node.kind === 'power' && node.exponent.kind === 'number' && node.exponent.value.n === -1n;
const isPowerOfTen = (node: Node): boolean =>
  node.kind === 'power' &&
  node.base.kind === 'number' &&
  node.base.value.n === 10n &&
  node.base.value.d === 1n;

/** Recognizes 1½: a whole number and a fraction between 0 and 1. */
function isMixedNumber(terms: readonly Node[]): boolean {
  const [whole, part] = terms as [Node, Node];
  if (terms.length !== 2 || !isWhole(whole) || part.kind !== 'product' || part.factors.length !== 2)
    return false;
  return isWhole(part.factors[0]!) && isInverse(part.factors[1]!);
}

/** Tells whether a product has at most one number, over at most one that does not divide it, and a power of ten. */
function isPlainProduct(factors: readonly Node[], budget: WorkBudget): boolean {
  const numbers = factors.filter((factor) => factor.kind === 'number' && !isSign(factor));
  const below = factors.filter((factor) => isInverse(factor) && exactValue(factor, budget) !== undefined);
  if (numbers.length > 1 || below.length > 1) return false;
  const [above, under] = [numbers[0], below[0] && exactValue(below[0], budget)];
  if (!above || !under || above.kind !== 'number' || under.d === 1n) return true;
  // 10/2 is a division that is left to be done, 6/4 a fraction.
  return (above.value.n * under.n) % (above.value.d * under.d) !== 0n;
}

const isSign = (node: Node): boolean => node.kind === 'number' && node.value.n === -1n && node.value.d === 1n;
