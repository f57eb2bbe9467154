/** @file Finds where an expression changes its form or its sign along one variable: the places that samples must tell apart. */

import { realArithmetic } from './complex.js';
import { evaluateNode } from './evaluateNode.js';
import { between, polynomialOf, realRoots } from './polynomial.js';
import { children, difference, symbolsOf, type Node } from './tree.js';
import type { WorkBudget } from './workBudget.js';

/** Limits the expressions whose zeros are searched for. */
const MAX_CRITICAL = 12;

/**
 * Lists the expressions at whose zeros `node` changes its form or stops having a value: what stands in |·|, under
 * even roots, in logarithms and denominators, and the differences between the arguments of max and min.
 */
export function criticalOf(node: Node, into: Node[] = []): Node[] {
  if (into.length >= MAX_CRITICAL || symbolsOf(node).size === 0) return into;
  if (node.kind === 'call') {
    if (/^(?:abs|norm|sgn|ln|log|floor|ceiling)$/.test(node.name)) into.push(node.args[0]!);
    if (/^(?:max|min)$/.test(node.name)) {
      node.args.forEach((arg, index) => {
        for (const other of node.args.slice(index + 1)) into.push(difference(arg, other));
      });
    }
  }
  if (node.kind === 'power') {
    const { exponent } = node;
    const isPlain = exponent.kind === 'number' && exponent.value.n > 0n && exponent.value.d === 1n;
    if (!isPlain) into.push(node.base);
  }
  for (const child of children(node)) criticalOf(child, into);
  return into;
}

/** Lists what is zero where `node` is: the factors of a product and of a power, each once, without those free of symbols. */
export function factorsOf(node: Node): Node[] {
  if (node.kind === 'product') return node.factors.flatMap(factorsOf);
  if (node.kind === 'power' && symbolsOf(node.exponent).size === 0) return factorsOf(node.base);
  return symbolsOf(node).size === 0 ? [] : [node];
}

/** Gives the value of an expression in one variable at a real number; undefined where it has none. */
export function valueAt(node: Node, x: number, budget: WorkBudget): number | undefined {
  return evaluateNode(
    node,
    realArithmetic(() => x),
    budget,
  )?.re;
}

/** The halvings that find a zero to the last bit; a sample beside it needs no more than ROUGH. */
const FINE = 200;
export const ROUGH = 20;

/** Sets the intervals of the grid on which the roots of what is not a polynomial are searched. */
const GRID = 240;
/** The grid is fine around zero and ends at about ±900. */
const gridPoint = (index: number) => Math.sinh((index - GRID / 2) / 16);

/**
 * Finds the real zeros of an expression in the one variable `name`: all of a polynomial's, those of the factors of a
 * product, and where anything else changes its sign or only touches zero on a grid within ±900, by so many halvings.
 */
export function realZeros(node: Node, name: string, budget: WorkBudget, steps = FINE): number[] {
  const polynomial = polynomialOf(node, name, budget);
  if (polynomial) return realRoots(polynomial, budget);
  if (node.kind === 'product')
    return node.factors.flatMap((factor) => realZeros(factor, name, budget, steps));
  if (node.kind === 'power' && symbolsOf(node.exponent).size === 0)
    return realZeros(node.base, name, budget, steps);
  if (symbolsOf(node).size === 0) return [];
  return zerosOnGrid((x) => valueAt(node, x, budget), steps);
}

/** Limits the places where zeros are searched more closely: what oscillates may have one beside every point. */
const MAX_CROSSINGS = 24;
const MAX_TOUCHES = 8;
/** The grid from its middle outwards. */
const FROM_ZERO = Array.from({ length: GRID + 1 }, (_, index) => index).sort(
  (a, b) => Math.abs(a - GRID / 2) - Math.abs(b - GRID / 2),
);

function zerosOnGrid(at: (x: number) => number | undefined, steps: number): number[] {
  const zeros: number[] = [];
  let [crossings, touches] = [0, 0];
  const values = Array.from({ length: GRID + 1 }, (_, index) => at(gridPoint(index)));
  FROM_ZERO.forEach((index) => {
    const value = values[index];
    if (value === 0) zeros.push(gridPoint(index));
    const [before, after] = [values[index - 1], values[index + 1]];
    if (value === undefined || before === undefined) return;
    if (value > 0 !== before > 0 && value !== 0 && before !== 0) {
      if (crossings++ >= MAX_CROSSINGS) return;
      const zero = between((x) => at(x) ?? NaN, gridPoint(index - 1), gridPoint(index), steps);
      if (zero !== undefined) zeros.push(zero);
    } else if (after !== undefined && mayTouch(value, before, after) && touches++ < MAX_TOUCHES) {
      const touch = lowest((x) => Math.abs(at(x) ?? NaN), gridPoint(index - 1), gridPoint(index + 1), steps);
      if (touch.value <= (steps === FINE ? 1e-12 : 1e-6) * (1 + Math.abs(before) + Math.abs(after)))
        zeros.push(touch.x);
    }
  });
  return zeros;
}

/** Tells whether zero may be touched between two neighbours: beside it a value is at most half of the farther neighbour's. */
function mayTouch(value: number, before: number, after: number): boolean {
  const [least, most] = [Math.abs(before), Math.abs(after)].sort((a, b) => a - b) as [number, number];
  return Math.abs(value) <= least && Math.abs(value) <= 0.6 * most;
}

/** Finds the least value between two points by halving the longer side. */
function lowest(at: (x: number) => number, from: number, to: number, steps: number) {
  let [low, high] = [from, to];
  for (let step = 0; step < Math.min(80, steps); step++) {
    const [left, right] = [low + (high - low) / 3, high - (high - low) / 3];
    if (at(left) <= at(right)) high = right;
    else low = left;
  }
  return { x: (low + high) / 2, value: at((low + high) / 2) };
}
