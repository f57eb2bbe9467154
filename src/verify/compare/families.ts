/** @file Compares values that run through all integers: π/4 + kπ is -3π/4 + kπ. */

import { toRational } from '../algebra/bigFloat.js';
import { preciseValue } from '../algebra/bigComplex.js';
import { identical } from '../algebra/identity.js';
import { difference, number, quotient, substitute, type Node } from '../algebra/tree.js';
import type { WorkBudget } from '../algebra/workBudget.js';

/** Two numbers of 60 digits are the same up to so much. */
const ROUNDING = 10n ** 40n;

/**
 * Tells whether two expressions that are linear in the integer `name` take the same values: their steps are the same
 * up to sign, and their values at 0 differ by whole steps.
 */
export function sameFamily(a: Node, b: Node, name: string, budget: WorkBudget): boolean {
  const [ours, theirs] = [linearIn(a, name, budget), linearIn(b, name, budget)];
  if (!ours || !theirs) return false;
  const steps = wholeNumber(quotient(ours.step, theirs.step), budget);
  if (steps !== 1n && steps !== -1n) return false;
  return wholeNumber(quotient(difference(ours.start, theirs.start), ours.step), budget) !== undefined;
}

function linearIn(node: Node, name: string, budget: WorkBudget): { start: Node; step: Node } | undefined {
  const at = (value: bigint) => substitute(node, new Map([[name, number(value)]]));
  const step = difference(at(1n), at(0n));
  if (!identical(step, difference(at(3n), at(2n)), budget).equal) return undefined;
  if (identical(step, number(0n), budget).equal) return undefined;
  return { start: at(0n), step };
}

/** Gives the value of a constant that is a whole number to 40 digits; undefined for any other. */
function wholeNumber(node: Node, budget: WorkBudget): bigint | undefined {
  const value = preciseValue(node, budget);
  const [re, im] = value ? [toRational(value.re), toRational(value.im)] : [];
  if (!re || !im) return undefined;
  const nearest = (2n * re.n + re.d) / (2n * re.d) - (2n * re.n + re.d < 0n ? 1n : 0n);
  const size = (n: bigint) => (n < 0n ? -n : n);
  const isNear = size(re.n - nearest * re.d) * ROUNDING < re.d && size(im.n) * ROUNDING < im.d;
  return isNear ? nearest : undefined;
}
