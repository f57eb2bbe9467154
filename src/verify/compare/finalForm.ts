/** @file Tells whether an answer is worked out, or is a calculation that leaves the work to the verifier. */

import { exactValue } from '../algebra/exact.js';
import { children, contains, hasKind, symbolsOf, type Node, type NodeOf } from '../algebra/tree.js';
import type { WorkBudget } from '../algebra/workBudget.js';
import { isEquation, isName } from './equations.js';

/**
 * Tells whether an answer leaves work to be done that the gold has done: arithmetic, names that are not solved for, functions of
 * numbers where the gold has none, products that are not multiplied out or not found.
 */
export function isUnfinished(pred: Node, gold: Node, budget: WorkBudget): boolean {
  if (!isWorkedOut(gold, budget)) return false;
  if (pred.kind === 'relation' && gold.kind !== 'relation') {
    // x = 3, 2 + 3 = 5 and x = 2 + 3 = 5, but not 7 · 8 = x and 2x + 1 = 7.
    if (!isEquation(pred)) return false;
    const said = pred.sides.filter((side) => !isName(side)).at(-1);
    return said === undefined ? false : isUnfinished(said, gold, budget);
  }
  if (pred.kind === 'relation' && gold.kind === 'relation') {
    const isSolved = (side: Node) => isName(side) || symbolsOf(side).size === 0;
    if (gold.sides.every(isSolved) && !pred.sides.every(isSolved)) return true;
  }
  if (!isWorkedOut(pred, budget)) return true;
  if (gold.kind === 'based' && pred.kind === 'based' && gold.base !== pred.base) return true;
  const isConstant = symbolsOf(gold).size === 0 && !hasKind(gold, 'text', 'apply', 'series');
  if (isConstant) {
    if (contains(pred, (part) => part.kind === 'sum' && symbolsOf(part).size > 0)) return true;
    const known = new Set(functionsOf(gold));
    const others = functionsOf(pred).filter((name) => !known.has(name));
    // One logarithm is a form of an answer.
    if (others.length > 1 || others.some((name) => !/^(?:log|ln|lg)$/.test(name))) return true;
    if (pred.kind === 'residue' && gold.kind !== 'residue') return true;
    if (pred.kind === 'based' && gold.kind !== 'based') return true;
    if (contains(pred, isImaginaryWork) && !contains(gold, isImaginaryWork)) return true;
    if (contains(pred, (part) => hasSquareInRoot(part, budget))) return true;
  }
  if (isSetWork(pred) && !isSetWork(gold)) return true;
  if (hasLikeParts(pred) && !hasLikeParts(gold)) return true;
  const isQuotient = (part: Node) => part.kind === 'power' && isInverseOfSum(part);
  if (contains(pred, isQuotient) && !contains(gold, (part) => part.kind === 'power')) return true;
  const [ours, theirs] = [contains(pred, isProductOfSums), contains(gold, isProductOfSums)];
  return ours !== theirs && (isConstant || pred.kind === 'sum' || gold.kind === 'sum');
}

/** One over a sum with symbols. */
const isInverseOfSum = (node: NodeOf<'power'>): boolean =>
  isInverse(node) && node.base.kind === 'sum' && symbolsOf(node.base).size > 0;

/** What is left to be done with sets or matrices: {1, 2} ∩ {2, 3}, a sum of matrices. */
const isSetWork = (node: Node): boolean =>
  contains(
    node,
    (part) =>
      (part.kind === 'setOperation' && part.left.kind === 'set' && part.right.kind === 'set') ||
      ((part.kind === 'sum' || part.kind === 'product') &&
        children(part).some(({ kind }) => kind === 'matrix')),
  );

/** Tells whether terms or factors are left to be collected: x + x, x² · x³. */
function hasLikeParts(node: Node): boolean {
  return contains(node, (part) => {
    if (part.kind !== 'sum' && part.kind !== 'product') return false;
    const names = children(part).flatMap((child) => {
      const core = part.kind === 'product' && child.kind === 'power' ? child.base : child;
      return core.kind === 'symbol' ? [core.name] : [];
    });
    return new Set(names).size < names.length;
  });
}

/** Gives the names of the functions in a node, once for each use. */
function functionsOf(node: Node): string[] {
  const names: string[] = [];
  contains(node, (part) => {
    if (part.kind === 'call') names.push(part.name);
    return false;
  });
  return names;
}

const isImaginary = (node: Node): boolean => node.kind === 'constant' && node.name === 'i';
/** A power of i, or of a sum with i: (1 - i)^8, 1/(1 + 2i). */
const isImaginaryWork = (node: Node): boolean => node.kind === 'power' && contains(node.base, isImaginary);

/** A product of two sums, the power of one, or one within another: (x + 1)(x + 2), 3(x + 1) - 2x. */
function isProductOfSums(node: Node): boolean {
  if (node.kind === 'sum')
    return node.terms.some(
      (term) => term.kind === 'product' && term.factors.some(({ kind }) => kind === 'sum'),
    );
  if (node.kind === 'power') return node.base.kind === 'sum' && isWhole(node.exponent) && !isInverse(node);
  if (node.kind !== 'product') return false;
  return node.factors.filter(({ kind }) => kind === 'sum').length > 1;
}

/** A square root of a whole number that a square divides: √242 is 11√2. */
function hasSquareInRoot(node: Node, budget: WorkBudget): boolean {
  if (node.kind !== 'power' || !isWhole(node.base)) return false;
  const exponent = exactValue(node.exponent, budget);
  const under = exactValue(node.base, budget);
  if (exponent?.d !== 2n || !under || under.n > MAX_RADICAND) return false;
  for (let root = 2n; root * root <= under.n; root++) if (under.n % (root * root) === 0n) return true;
  return false;
}
/** Limits the numbers under a root whose divisors are looked for. */
const MAX_RADICAND = 1_000_000n;

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
