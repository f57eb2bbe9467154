/**
 * @file Decides whether two expressions are identically equal. Relations, sets and lists are compared in compare/.
 */

import { rational } from '../../util/rational.js';
import type { WorkBudget } from './workBudget.js';
import { evaluateNode } from './evaluateNode.js';
import { ModularPoint } from './modular.js';
import { complexArithmetic, magnitude, subtract, type Complex } from './complex.js';
import { sameConstant } from './bigComplex.js';
import { contains, number, sameTree, substitute, symbolsOf, type Node } from './tree.js';

/** The result of one comparison. */
export interface Outcome {
  equal: boolean;
  /** Names the rung of the ladder that decided (`compare/compare.ts`). */
  stage: string;
}

/**
 * Decides whether two expressions are identically equal: rational functions in a prime field, constants to 60 digits,
 * everything else by seeded complex samples. Expressions that agree only where all symbols are positive are equal
 * with the stage 'positive-domain', those that agree only at whole numbers (floors, factorials) with
 * 'integer-domain'. Throws only BudgetExceeded.
 */
export function identical(a: Node, b: Node, budget: WorkBudget): Outcome {
  if (sameTree(a, b)) return { equal: true, stage: 'structure' };
  const modular = sameModulo(a, b, budget);
  if (modular !== undefined) return { equal: modular, stage: 'identity' };
  const constant = sameConstant(a, b, budget);
  if (constant !== undefined) return { equal: constant, stage: 'constant' };
  return sampled(a, b, budget);
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

/** The numbers from which samples are drawn. */
type Regime = 'positive' | 'wide' | 'real' | 'complex' | 'integer';

/** The result of sampling two expressions in one regime. */
interface Agreement {
  agreements: number;
  disagrees: boolean;
}

/** Sampling ends after WANTED agreements or TRIES samples. */
const WANTED = 5;
const TRIES = 12;
/** Rounding alone makes relative gaps up to SAME and none above DIFFERENT; a gap between the two proves nothing. */
const SAME = 1e-11;
const DIFFERENT = 1e-6;

const NOT_ANALYTIC = /^(?:abs|norm|sgn|floor|ceiling|Re|Im|arg|max|min)$/;
const OF_INTEGERS = /^(?:floor|ceiling|factorial|doubleFactorial|binomial)$/;

function sampled(a: Node, b: Node, budget: WorkBudget): Outcome {
  const calls = (pattern: RegExp) => (part: Node) => part.kind === 'call' && pattern.test(part.name);
  const either = (pattern: RegExp) => contains(a, calls(pattern)) || contains(b, calls(pattern));
  const agreement = (regime: Regime) => agreementIn(a, b, regime, budget);
  const positive = agreement('positive');
  if (either(OF_INTEGERS)) {
    // Floors of small numbers are alike, so larger ones are drawn; many identities hold only for whole numbers.
    const integers = agreement('integer');
    if (integers.disagrees) return { equal: false, stage: 'sampling' };
    if (positive.disagrees || agreement('wide').disagrees) {
      return { equal: integers.agreements >= WANTED, stage: 'integer-domain' };
    }
  }
  if (positive.disagrees || sameAtPoint(a, b, budget) === false) return { equal: false, stage: 'sampling' };
  const real = agreement('real');
  const isAnalytic = !either(NOT_ANALYTIC);
  if (real.disagrees && !isAnalytic) return { equal: false, stage: 'sampling' };
  const complex = isAnalytic ? agreement('complex') : { agreements: 0, disagrees: false };
  const agreements = positive.agreements + real.agreements + complex.agreements;
  if (agreements < WANTED) return { equal: false, stage: 'undecided' };
  return { equal: true, stage: real.disagrees || complex.disagrees ? 'positive-domain' : 'sampling' };
}

/** Tells whether the two agree to 60 digits at one point of positive fractions; undefined where one has no value. */
function sameAtPoint(a: Node, b: Node, budget: WorkBudget): boolean | undefined {
  const names = [...symbolsOf(b, symbolsOf(a))];
  const point = new Map(names.map((name, index) => [name, number(rational(BigInt(19 + 4 * index), 13n))]));
  return sameConstant(substitute(a, point), substitute(b, point), budget);
}

function agreementIn(a: Node, b: Node, regime: Regime, budget: WorkBudget): Agreement {
  let agreements = 0;
  for (let index = 0; index < TRIES && agreements < WANTED; index++) {
    const arithmetic = complexArithmetic((name) => sample(name, index, regime));
    const [x, y] = [evaluateNode(a, arithmetic, budget), evaluateNode(b, arithmetic, budget)];
    if (!x || !y) continue;
    const size = Math.max(magnitude(x), magnitude(y));
    const gap = size === 0 ? 0 : magnitude(subtract(x, y)) / size;
    if (gap <= SAME) agreements++;
    else if (gap > DIFFERENT) return { agreements, disagrees: true };
  }
  return { agreements, disagrees: false };
}

/** Gives the value of a symbol in a sample, which its name and the sample's index determine. */
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

/** Hashes a name and an index to a number in [0, 1): FNV-1a, then an avalanche. */
function fractionOf(name: string, index: number): number {
  let hash = 2166136261 ^ index;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 16777619);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b + 2 * index);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
