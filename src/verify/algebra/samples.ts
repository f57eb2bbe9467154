/** @file Chooses the points at which two expressions are compared, by what the expressions contain. */

import type { Complex } from './complex.js';
import { print } from './print.js';
import { criticalOf, factorsOf, realZeros, ROUGH } from './roots.js';
import { rational } from '../../util/rational.js';
import { children, contains, number, substitute, symbolsOf, type Node } from './tree.js';
import { BudgetExceeded, WorkBudget } from './workBudget.js';

/** Values of the symbols at one point. `draw` numbers it, and chooses what unknown functions are there. */
export interface Point {
  readonly draw: number;
  readonly values: ReadonlyMap<string, number>;
}

/** The reals from which the values of symbols are drawn: around 1, of both signs, wide, and close to zero. */
const RANGES = [
  { count: 6, from: 0.3, to: 2.7 },
  { count: 6, from: -2.7, to: 2.7 },
  { count: 4, from: 3, to: 40 },
  { count: 4, from: -40, to: -3 },
  { count: 4, from: -0.05, to: 0.05 },
  { count: 4, from: -1500, to: 1500 },
  { count: 2, from: 2e6, to: 9e6 },
  { count: 2, from: 1e9, to: 9e9 },
] as const;

/** Limits the points that are added around kinks. */
const MAX_KINKS = 40;

const takesIntegers = (part: Node): part is Extract<Node, { kind: 'call' }> =>
  part.kind === 'call' && /^(?:factorial|doubleFactorial|binomial|gcd|lcm)$/.test(part.name);
const rounds = (part: Node): part is Extract<Node, { kind: 'call' }> =>
  part.kind === 'call' && /^(?:floor|ceiling)$/.test(part.name);
/** Tells whether a letter stands for whole numbers by convention. */
export const isWholeByName = (name: string): boolean => /^[h-nNMK](?:_.*)?$/.test(name);

/**
 * Lists the symbols that stand for whole numbers: those in factorials and binomials, those in the exponents of
 * negative numbers, and by convention h to n within floors.
 */
export function wholeNumbers(nodes: readonly Node[]): Set<string> {
  const names = new Set<string>();
  const visit = (node: Node) => {
    if (takesIntegers(node)) symbolsOf(node, names);
    if (rounds(node)) for (const name of symbolsOf(node)) if (isWholeByName(name)) names.add(name);
    const isNegative =
      node.kind === 'power' &&
      node.base.kind === 'number' &&
      node.base.value.n < 0n &&
      node.exponent.kind !== 'number';
    if (isNegative) symbolsOf(node.exponent, names);
    for (const child of children(node)) visit(child);
  };
  nodes.forEach(visit);
  return names;
}

/** Whole numbers over a span that tells residues and floors of roots, quotients and logarithms apart. */
const SPAN = [
  ...Array.from({ length: 41 }, (_, n) => n),
  ...[
    -1, -2, -3, -4, -5, -6, -7, -9, -12, 48, 49, 50, 63, 64, 65, 81, 99, 100, 101, 127, 128, 255, 256, 1000,
  ],
];

/** Limits the large numbers whose multiples are tried. */
const MAX_DIVISORS = 6;

/** Gives whole numbers beside the multiples of the large numbers in expressions: ⌊n/2024⌋ and ⌊n/2025⌋ differ there first. */
function besideDivisors(nodes: readonly Node[]): number[] {
  const found = new Set<number>();
  const visit = (node: Node) => {
    if (node.kind === 'number')
      for (const part of [node.value.n, node.value.d]) {
        const size = Math.abs(Number(part));
        if (size > 40 && size < 1e9 && found.size < MAX_DIVISORS) found.add(size);
      }
    for (const child of children(node)) visit(child);
  };
  nodes.forEach(visit);
  return [...found].flatMap((size) => [size - 1, size, size + 1, 2 * size, 7 * size + 1, -size]);
}

/**
 * Gives the points at which `nodes` are compared: numbers of every size and sign, points on both sides of every kink
 * (the zeros of `criticalOf`), and where symbols are whole numbers a long span of these.
 */
export function* pointsFor(nodes: readonly Node[], budget: WorkBudget): Generator<Point> {
  const names = [...nodes.reduce((all, node) => symbolsOf(node, all), new Set<string>())];
  const whole = wholeNumbers(nodes);
  let draw = 0;
  const point = (valueOf: (name: string, draw: number) => number): Point => {
    draw++;
    return { draw, values: new Map(names.map((name) => [name, valueOf(name, draw)])) };
  };
  const anyWhole = (name: string, index: number) => SPAN[Math.floor(fractionOf(name, index) * SPAN.length)]!;
  for (const { count, from, to } of names.length === 0 ? RANGES.slice(0, 1) : RANGES) {
    for (let index = 0; index < count; index++) {
      yield point((name, at) =>
        whole.has(name)
          ? Math.floor(8 * fractionOf(name, at)) + index
          : from + (to - from) * fractionOf(name, at),
      );
    }
  }
  // Every whole number has its turn in each symbol, the others at random.
  const hasSteps = nodes.some((node) => contains(node, rounds));
  const turning = hasSteps ? names : names.filter((name) => whole.has(name));
  const span = hasSteps ? [...SPAN, ...besideDivisors(nodes)] : SPAN;
  for (const name of turning) {
    for (const value of span) {
      yield point((other, at) => {
        if (other === name) return value;
        return whole.has(other) ? anyWhole(other, at) : 5.4 * fractionOf(other, at) - 2.7;
      });
    }
  }
  for (const name of names) {
    if (whole.has(name)) continue;
    // The other symbols are fixed at two points, so that kinks between symbols (|x - y|) are found as well.
    for (const sign of names.length > 1 ? [1, -1] : [1]) {
      const others = new Map(
        names.filter((other) => other !== name).map((other) => [other, fixed(other, sign)]),
      );
      for (const value of besideKinks(nodes, name, others, budget)) {
        yield point((other) => {
          const { n, d } = others.get(other) ?? rational(0n);
          return other === name ? value : Number(n) / Number(d);
        });
      }
    }
  }
}

/** A fraction that a symbol's name determines, of the given sign on the average. */
function fixed(name: string, sign: number) {
  return rational(BigInt(sign * (3 + Math.floor(40 * fractionOf(name, 77)))), 7n);
}

/** Gives a point in each interval between the kinks along `name`, and two beyond the outermost on either side. */
function besideKinks(
  nodes: readonly Node[],
  name: string,
  others: ReadonlyMap<string, { n: bigint; d: bigint }>,
  budget: WorkBudget,
): number[] {
  const values = new Map([...others].map(([other, value]) => [other, number(value)]));
  const parts = nodes
    .flatMap((node) => criticalOf(node).flatMap(factorsOf))
    .filter((part) => symbolsOf(part).has(name));
  const critical = new Map(parts.map((part) => [print(part), part])).values();
  const canFold = nodes.some((node) => contains(node, folds));
  const zerosOf = canFold ? realZeros : zerosIfCheap;
  const kinks = [...critical]
    .flatMap((part) => zerosOf(substitute(part, values), name, budget, ROUGH))
    .sort((a, b) => a - b);
  const beside = besidePoles(nodes, name, values, budget);
  if (kinks.length === 0) return beside;
  const [first, last] = [kinks[0]!, kinks.at(-1)!];
  const beyond = Math.max(1, (last - first) / 3);
  // Another kink may be so near that the grid does not part them: ||x - 500| - 1|.
  const near = canFold ? kinks.slice(0, 6).flatMap((kink) => [kink - 0.37, kink + 0.37]) : [];
  // Odd multiples: zeros that repeat, such as those of a sine, repeat beyond the last as well.
  const points = [
    ...near,
    first - 10.37 * beyond,
    first - 1.13 * beyond,
    last + 1.13 * beyond,
    last + 10.37 * beyond,
  ];
  kinks.forEach((kink, index) => {
    const gap = index > 0 ? kink - kinks[index - 1]! : 0;
    // A zero of even order may be found twice; doubles say nothing of a difference so close to it.
    if (gap > 2e-6 * Math.max(1, Math.abs(kink))) points.push(kink - 0.31 * gap, kink - 0.74 * gap);
  });
  return [...beside, ...points.slice(0, MAX_KINKS)];
}

/** How near the poles of tangents are approached: there they exceed 2,000. */
const NEAR_POLE = [4e-4, 6e-3];

/** Gives points beside the poles of tangents and the like that are nearest to zero, where these stand within |·|, max or min. */
function besidePoles(
  nodes: readonly Node[],
  name: string,
  values: ReadonlyMap<string, Node>,
  budget: WorkBudget,
): number[] {
  const poles = nodes
    .filter((node) => contains(node, folds))
    .flatMap((node) => polesOf(node))
    .filter((part) => symbolsOf(part).has(name))
    .slice(0, 2)
    .flatMap((part) =>
      zerosIfCheap(substitute(part, values), name, budget, ROUGH)
        .sort((a, b) => Math.abs(a) - Math.abs(b))
        .slice(0, 2),
    );
  return poles.flatMap((pole) => NEAR_POLE.flatMap((gap) => [pole - gap, pole + gap]));
}

/** Lists what is zero where a tangent, a secant, a cotangent or a cosecant has no value. */
function polesOf(node: Node): Node[] {
  const below = children(node).flatMap(polesOf);
  if (node.kind !== 'call' || !/^(?:tan|sec|cot|csc)$/.test(node.name)) return below;
  return [{ ...node, name: /^(?:tan|sec)$/.test(node.name) ? 'cos' : 'sin' }, ...below];
}

/** Where these have a kink, the sides differ in form; elsewhere denominators and roots only lack a value. */
const folds = (part: Node): boolean =>
  part.kind === 'call' && /^(?:abs|norm|sgn|floor|ceiling|max|min)$/.test(part.name);

/** Finds zeros for at most a sixth of the steps that are left; none where that is not enough. */
function zerosIfCheap(part: Node, name: string, budget: WorkBudget, steps: number): number[] {
  const own = new WorkBudget(budget.left / 6);
  try {
    return realZeros(part, name, own, steps);
  } catch (error) {
    if (error instanceof BudgetExceeded) return [];
    throw error;
  } finally {
    budget.spend(Math.min(own.spent, budget.left));
  }
}

/** Gives the value of a symbol beside the imaginary unit: z and w are complex, all others real. */
export function complexValue(name: string, { draw, values }: Point): Complex {
  if (!/^[zw](?:_|$)/.test(name)) return { re: values.get(name)!, im: 0 };
  return { re: 3 * fractionOf(name, draw) - 1.5, im: 3 * fractionOf(`${name} imaginary`, draw) - 1.5 };
}

/** Hashes a name and an index to a number in [0, 1): FNV-1a, then an avalanche. */
function fractionOf(name: string, index: number): number {
  let hash = 2166136261 ^ index;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 16777619);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b + 2 * index);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
