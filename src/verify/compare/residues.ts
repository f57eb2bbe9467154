/** @file Gives the numbers that a residue class may be given as. */

import { exactValue } from '../algebra/exact.js';
import { number, type Node, type NodeOf } from '../algebra/tree.js';
import type { WorkBudget } from '../algebra/workBudget.js';

/**
 * Gives the number of a residue class that is in range, 0 to the modulus, and the one that is written if it is negative
 * and no further off: -2 (mod 7) may be given as 5 or -2, but 36 (mod 19) only as 17.
 */
export function numbersOf(
  { value, modulus }: NodeOf<'residue'>,
  budget: WorkBudget,
): readonly [Node, ...Node[]] {
  const [written, below] = [exactValue(value, budget), exactValue(modulus, budget)];
  if (written?.d !== 1n || below?.d !== 1n || below.n <= 0n) return [value];
  const least = ((written.n % below.n) + below.n) % below.n;
  if (least === written.n) return [value];
  return written.n < 0n && written.n > -below.n ? [number(least), value] : [number(least)];
}
