/** @file Decides whether SymPy would simplify an expression to zero, by evaluating it. For rllm's grader only. */

import { Random } from '../../../util/random.js';
import { contains, symbolsOf, type Node } from '../../algebra/tree.js';
import { BudgetExceeded, WorkBudget } from '../../algebra/workBudget.js';
import * as fixed from './fixedComplex.js';
import { computeNumbers, NotEvaluated } from './sympyFloats.js';
import { parseSympyText } from './sympyText.js';

/** Sets the number of random points at which an expression with letters must vanish. */
const POINTS = 8;
/** Limits the steps in which one expression is evaluated. */
export const STEPS = 4_000;
/** Sets the steps that a logarithm or an exponential function counts, which takes about 0.2 ms. */
export const SERIES = 20;
/** Limits whole exponents. Such a power takes few steps; beyond the limit its value is too large to compute with. */
const MAX_EXPONENT = 4_096n;

/**
 * Decides whether SymPy's `simplify(parse_expr(text))` is 0, as nearly as is possible without SymPy: the expression is 0
 * at random complex points to about 60 digits, that is, an identity of principal values everywhere in the plane, which
 * is what `simplify` finds in answers of this size. Expressions with factorials of letters are tried at whole numbers.
 * False if the text cannot be read, has no value, or exceeds the limits on length, size and work.
 * @param budget counts the steps of the evaluation
 */
export function simplifiesToZero(text: string, budget = new WorkBudget(STEPS)): boolean {
  const parsed = parseSympyText(text);
  if (parsed === undefined) return false;
  try {
    return vanishesEverywhere(computeNumbers(parsed), budget);
  } catch (error) {
    const isKnown =
      error instanceof NotEvaluated || error instanceof fixed.NoValue || error instanceof BudgetExceeded;
    if (isKnown) return false;
    throw error;
  }
}

function vanishesEverywhere(node: Node, budget: WorkBudget): boolean {
  if (node.kind === 'number') return node.value.n === 0n;
  const names = [...symbolsOf(node)];
  const whole = contains(
    node,
    (part) => part.kind === 'call' && part.name !== 'ln' && symbolsOf(part).size > 0,
  );
  const random = new Random(1);
  for (let point = 0; point < (names.length === 0 ? 1 : POINTS); point++) {
    const values = new Map(
      names.map((name, i) => [name, whole ? wholeNumber(point, i) : inQuadrant(point, i, random)]),
    );
    const terms = node.kind === 'sum' ? node.terms : [node];
    let total = fixed.fraction(0n, 1n);
    let largest = 0n;
    for (const term of terms) {
      const value = valueOf(term, values, budget);
      total = fixed.add(total, value);
      if (fixed.size(value) > largest) largest = fixed.size(value);
    }
    if (!fixed.vanishes(total, largest)) return false;
  }
  return true;
}

const wholeNumber = (point: number, letter: number): fixed.Complex =>
  fixed.fraction(BigInt(9 + ((3 * point + 5 * letter) % 11)), 1n);

/** Draws a number with parts between 0.3 and 1.8, with signs so that letters meet in all quadrants. */
function inQuadrant(point: number, letter: number, random: Random): fixed.Complex {
  const quadrant = (point * (letter + 1) + (point >> 2)) % 4;
  const [re, im] = [0.3 + 1.5 * random.nextFloat(), 0.3 + 1.5 * random.nextFloat()];
  return fixed.complex(quadrant === 1 || quadrant === 2 ? -re : re, quadrant >= 2 ? -im : im);
}

/** Computes the value of `node` where the letters have `values`. */
function valueOf(node: Node, values: ReadonlyMap<string, fixed.Complex>, budget: WorkBudget): fixed.Complex {
  budget.spend();
  const value = (part: Node): fixed.Complex => valueOf(part, values, budget);
  switch (node.kind) {
    case 'number':
      return fixed.fraction(node.value.n, node.value.d);
    case 'constant':
      return node.name === 'pi' ? fixed.PI : fixed.I;
    case 'symbol':
      return values.get(node.name)!;
    case 'sum':
      return node.terms.map(value).reduce(fixed.add);
    case 'product':
      return node.factors.map(value).reduce(fixed.multiply);
    case 'power':
      if (node.exponent.kind === 'number' && node.exponent.value.d === 1n) {
        return wholePower(value(node.base), node.exponent.value.n);
      }
      budget.spend(2 * SERIES);
      return fixed.power(value(node.base), value(node.exponent));
    case 'call':
      if (node.name !== 'ln') return factorial(value(node.args[0]!), node.name === 'factorial' ? 1 : 2);
      budget.spend(SERIES);
      return fixed.ln(value(node.args[0]!));
    default:
      throw new fixed.NoValue();
  }
}

function wholePower(base: fixed.Complex, exponent: bigint): fixed.Complex {
  if (exponent > MAX_EXPONENT || exponent < -MAX_EXPONENT) throw new fixed.NoValue();
  return fixed.integerPower(base, Number(exponent));
}

/** Computes n!, or n!! with steps of 2, of a whole number. */
function factorial(of: fixed.Complex, step: number): fixed.Complex {
  const n = fixed.smallInteger(of);
  if (n === undefined || n < 0) throw new fixed.NoValue();
  let product = 1n;
  for (let k = n; k > 1; k -= step) product *= BigInt(k);
  return fixed.fraction(product, 1n);
}
