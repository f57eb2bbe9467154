import { rational } from '../../util/rational.js';
import type { Budget } from './budget.js';
import { evaluate } from './evaluate.js';
import { ModularPoint } from './modular.js';
import { complexArithmetic, magnitude, subtract, type Complex } from './complex.js';
import { sameConstant } from './bigComplex.js';
import { contains, number, sameTree, substitute, symbolsOf, type Node } from './tree.js';

export interface Outcome {
  equal: boolean;
  /** What decided. */
  stage: string;
}

/**
 * Whether two expressions are identically equal. Rational functions are decided in a prime field, constants to 60
 * digits, the rest by seeded complex samples; what agrees only where all symbols are positive is equal with the stage
 * 'positive-domain', what agrees at whole numbers alone (floors, factorials) with 'integer-domain'. Throws only
 * BudgetExceeded.
 */
export function identical(a: Node, b: Node, budget: Budget): Outcome {
  if (sameTree(a, b)) return { equal: true, stage: 'structure' };
  const modular = sameModulo(a, b, budget);
  if (modular !== undefined) return { equal: modular, stage: 'identity' };
  const constant = sameConstant(a, b, budget);
  if (constant !== undefined) return { equal: constant, stage: 'constant' };
  return sampled(a, b, budget);
}

const SEEDS = [0x5eedn, 0xacedn, 0xfacen, 0xbeadn];

/** Whether the two agree at two points of a prime field; undefined where that proves nothing. */
function sameModulo(a: Node, b: Node, budget: Budget): boolean | undefined {
  let agreements = 0;
  for (const seed of SEEDS) {
    const point = new ModularPoint(seed);
    const [x, y] = [evaluate(a, point, budget), evaluate(b, point, budget)];
    if (x === undefined || y === undefined) continue;
    if (x !== y) return point.isRational ? false : undefined;
    if (++agreements === 2) return true;
  }
  return undefined;
}

type Regime = 'positive' | 'wide' | 'real' | 'complex' | 'integer';
interface Tally {
  agreements: number;
  disagrees: boolean;
}

const WANTED = 5;
const TRIES = 12;
/** Relative gaps that rounding alone makes, and that it does not; what is between says nothing. */
const SAME = 1e-11;
const DIFFERENT = 1e-6;

const NOT_ANALYTIC = /^(?:abs|norm|sgn|floor|ceiling|Re|Im|arg|max|min)$/;
const OF_INTEGERS = /^(?:floor|ceiling|factorial|doubleFactorial|binomial)$/;

function sampled(a: Node, b: Node, budget: Budget): Outcome {
  const calls = (pattern: RegExp) => (part: Node) => part.kind === 'call' && pattern.test(part.name);
  const either = (pattern: RegExp) => contains(a, calls(pattern)) || contains(b, calls(pattern));
  const tally = (regime: Regime) => tallied(a, b, regime, budget);
  const positive = tally('positive');
  if (either(OF_INTEGERS)) {
    // Floors of small numbers are alike, so larger ones are drawn; many identities hold for whole numbers alone.
    const integers = tally('integer');
    if (integers.disagrees) return { equal: false, stage: 'sampling' };
    if (positive.disagrees || tally('wide').disagrees) {
      return { equal: integers.agreements >= WANTED, stage: 'integer-domain' };
    }
  }
  if (positive.disagrees || sameAtPoint(a, b, budget) === false) return { equal: false, stage: 'sampling' };
  const real = tally('real');
  const isAnalytic = !either(NOT_ANALYTIC);
  if (real.disagrees && !isAnalytic) return { equal: false, stage: 'sampling' };
  const complex = isAnalytic ? tally('complex') : { agreements: 0, disagrees: false };
  const agreements = positive.agreements + real.agreements + complex.agreements;
  if (agreements < WANTED) return { equal: false, stage: 'undecided' };
  return { equal: true, stage: real.disagrees || complex.disagrees ? 'positive-domain' : 'sampling' };
}

/** Whether the two agree to 60 digits where the symbols are certain positive fractions; undefined where that is not known. */
function sameAtPoint(a: Node, b: Node, budget: Budget): boolean | undefined {
  const names = [...symbolsOf(b, symbolsOf(a))];
  const point = new Map(names.map((name, index) => [name, number(rational(BigInt(19 + 4 * index), 13n))]));
  return sameConstant(substitute(a, point), substitute(b, point), budget);
}

function tallied(a: Node, b: Node, regime: Regime, budget: Budget): Tally {
  const tally = { agreements: 0, disagrees: false };
  for (let index = 0; index < TRIES && tally.agreements < WANTED; index++) {
    const arithmetic = complexArithmetic((name) => sample(name, index, regime));
    const [x, y] = [evaluate(a, arithmetic, budget), evaluate(b, arithmetic, budget)];
    if (!x || !y) continue;
    const size = Math.max(magnitude(x), magnitude(y));
    const gap = size === 0 ? 0 : magnitude(subtract(x, y)) / size;
    if (gap <= SAME) tally.agreements++;
    else if (gap > DIFFERENT) return { ...tally, disagrees: true };
  }
  return tally;
}

/** The value of a symbol at a sample: fixed by its name and the sample's number. */
export function sample(name: string, index: number, regime: Regime): Complex {
  const random = fractionOf(name, index);
  const second = fractionOf(`${name} imaginary`, index);
  switch (regime) {
    case 'positive':
      return { re: 0.3 + 2.4 * random, im: 0 };
    case 'wide':
      return { re: 3 + 37 * random, im: 0 };
    case 'real':
      return { re: 5.4 * random - 2.7, im: 0 };
    case 'complex':
      return { re: 3 * random - 1.5, im: 3 * second - 1.5 };
    case 'integer':
      return { re: 2 + index + Math.floor(8 * random), im: 0 };
  }
}

/** A number in [0, 1) from a name and an index (FNV-1a, then an avalanche). */
function fractionOf(name: string, index: number): number {
  let hash = 2166136261 ^ index;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 16777619);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b + 2 * index);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
