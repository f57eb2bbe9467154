/**
 * @file Decides whether two expressions are identically equal. Relations, sets and lists are compared in compare/.
 */

import { rational } from '../../util/rational.js';
import type { WorkBudget } from './workBudget.js';
import { evaluateNode, type Arithmetic } from './evaluateNode.js';
import { ModularPoint } from './modular.js';
import { complexArithmetic, magnitude, realArithmetic, subtract, type Complex } from './complex.js';
import { sameConstant } from './bigComplex.js';
import { complexValue, pointsFor, wholeNumbers, type Point } from './samples.js';
import { contains, keyOf, number, sameTree, substitute, sum, symbolsOf, type Node } from './tree.js';

/** The result of one comparison. */
export interface Outcome {
  equal: boolean;
  /** Names the rung of the ladder that decided (`compare/compare.ts`). */
  stage: string;
}

/**
 * Decides whether two expressions are identically equal: rational functions in a prime field, constants to 60 digits,
 * everything else at real points that are chosen by what the expressions contain; where i occurs, z and w are complex.
 * A point counts where both have a real value: √x² is x, but √(x²) is |x|. Where a symbol must be a whole number
 * (n!, (-1)^n), the stage is 'integer-domain'. Throws only BudgetExceeded.
 */
export function identical(a: Node, b: Node, budget: WorkBudget): Outcome {
  if (sameTree(a, b)) return { equal: true, stage: 'structure' };
  const modular = sameModulo(a, b, budget);
  if (modular !== undefined) return { equal: modular, stage: 'identity' };
  const constant = sameConstant(a, b, budget);
  if (constant !== undefined) return { equal: constant, stage: 'constant' };
  return sampled(...withoutSharedTerms(a, b), budget);
}

const SEEDS = [0x5eedn, 0xacedn, 0xfacen, 0xbeadn];

/** Tells whether the two agree at two points of a prime field; undefined where that proves nothing. */
function sameModulo(a: Node, b: Node, budget: WorkBudget): boolean | undefined {
  let agreements = 0;
  for (const seed of SEEDS) {
    const point = new ModularPoint(seed);
    const [x, y] = [evaluateNode(a, point, budget), evaluateNode(b, point, budget)];
    if (x === undefined || y === undefined) continue;
    if (x !== y) return point.isRational ? false : undefined;
    if (++agreements === 2) return true;
  }
  return undefined;
}

/** Drops the terms that both sums have, so that no large term hides a small difference. */
function withoutSharedTerms(a: Node, b: Node): readonly [Node, Node] {
  if (a.kind !== 'sum' && b.kind !== 'sum') return [a, b];
  const [ours, theirs] = [termsByKey(a), termsByKey(b)];
  const summed = (kept: Node[]) => (kept.length === 0 ? number(0n) : sum(...kept));
  const beyond = (all: Map<string, Node[]>, others: Map<string, Node[]>) =>
    [...all].flatMap(([key, nodes]) => nodes.slice(others.get(key)?.length ?? 0));
  return [summed(beyond(ours, theirs)), summed(beyond(theirs, ours))];
}

/** Collects the terms of a sum that are the same. */
function termsByKey(node: Node): Map<string, Node[]> {
  const terms = new Map<string, Node[]>();
  for (const term of node.kind === 'sum' ? node.terms : [node]) {
    const key = keyOf(term);
    const alike = terms.get(key);
    if (alike) alike.push(term);
    else terms.set(key, [term]);
  }
  return terms;
}

/** A yes needs so many points at which both have a value. */
const WANTED = 5;
/** Rounding alone makes relative gaps up to SAME and none above DIFFERENT; a gap between the two proves nothing. */
const SAME = 1e-11;
const DIFFERENT = 1e-6;

const ofComplex = (part: Node) =>
  (part.kind === 'constant' && part.name === 'i') ||
  (part.kind === 'call' && /^(?:Re|Im|arg)$/.test(part.name));

function sampled(a: Node, b: Node, budget: WorkBudget): Outcome {
  let agreements = 0;
  const disagree = (arithmetic: Arithmetic<Complex>) => {
    const [x, y] = [evaluateNode(a, arithmetic, budget), evaluateNode(b, arithmetic, budget)];
    if (!x || !y) return false;
    const size = Math.max(magnitude(x), magnitude(y));
    const gap = size === 0 ? 0 : magnitude(subtract(x, y)) / size;
    // Doubles say nothing about the last digits of a number of more than twelve.
    if (gap <= SAME && !(isConstant && size > 1e12)) agreements++;
    return gap > DIFFERENT;
  };
  const isConstant = symbolsOf(b, symbolsOf(a)).size === 0;
  const isComplex = contains(a, ofComplex) || contains(b, ofComplex);
  for (const point of pointsFor([a, b], budget)) {
    const arithmetic = isComplex
      ? complexArithmetic((name) => complexValue(name, point), point.draw)
      : realArithmetic((name) => point.values.get(name), point.draw);
    // Where all agreed so far, the digits of doubles may have cancelled: cosh² − sinh² at 20.
    if (disagree(arithmetic) && !(agreements >= WANTED && !isComplex && agreesAt(a, b, point, budget)))
      return { equal: false, stage: 'sampling' };
  }
  if (agreements < WANTED) return { equal: false, stage: 'undecided' };
  if (sameAtPoint(a, b, budget) === false) return { equal: false, stage: 'sampling' };
  return { equal: true, stage: wholeNumbers([a, b]).size > 0 ? 'integer-domain' : 'sampling' };
}

/** Tells whether the two agree to 60 digits beside a point. */
function agreesAt(a: Node, b: Node, point: Point, budget: WorkBudget): boolean {
  const near = new Map(
    Array.from(point.values, ([name, x]) => [
      name,
      number(rational(BigInt(Math.round(x * 2 ** 20)), 2n ** 20n)),
    ]),
  );
  return sameConstant(substitute(a, near), substitute(b, near), budget) === true;
}

/** Tells whether the two agree to 60 digits at one point of positive fractions; undefined where one has no value. */
function sameAtPoint(a: Node, b: Node, budget: WorkBudget): boolean | undefined {
  const whole = wholeNumbers([a, b]);
  const names = [...symbolsOf(b, symbolsOf(a))];
  const point = new Map(
    names.map((name, index) => {
      const n = BigInt(19 + 4 * index);
      return [name, number(whole.has(name) ? rational(n) : rational(n, 13n))];
    }),
  );
  return sameConstant(substitute(a, point), substitute(b, point), budget);
}
