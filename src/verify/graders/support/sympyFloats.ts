/** @file Computes the numeric parts of expressions as SymPy does, with binary decimals. For rllm's grader only. */

import { add, bitLength, divide, multiply, rational, type Rational } from '../../../util/rational.js';
import { call, number, power, product, sum, type Node, type NodeOf } from '../../algebra/tree.js';

/** SymPy would take too long, or there is no value (1/0). */
export class NotEvaluated extends Error {
  override name = 'NotEvaluated';
}

/** Limits the bits of numerator and denominator together. */
const MAX_BITS = 20_000;

/** A number as SymPy represents it: exact, or in binary with `bits` digits. */
interface Value {
  value: Rational;
  bits?: number;
}

/**
 * Computes the parts of an expression that are plain numbers, in SymPy's way: fractions exactly; with decimals in
 * binary, rounded after each step, so that `0.1+0.2-0.3` is not 0 and `2^0.5` is not the root of 2. Decimals that stay
 * beside letters and roots become the simplest fractions that round to them.
 * @throws NotEvaluated if SymPy has no value or a number would have more than 20,000 bits
 */
export function computeNumbers(node: Node): Node {
  const folded = fold(node);
  return 'value' in folded ? number(folded.value) : folded.node;
}

type Folded = Value | { node: Node };

function fold(node: Node): Folded {
  switch (node.kind) {
    case 'number':
      return node.written === 'decimal' ? decimal(node.value) : { value: node.value };
    case 'sum':
      return foldTerms(node.terms, { value: rational(0n) }, (a, b) => combine(a, b, add), sum);
    case 'product':
      return foldProduct(node);
    case 'power':
      return foldPower(fold(node.base), fold(node.exponent));
    case 'call':
      return foldCall(node);
    default:
      return { node };
  }
}

function foldTerms(
  parts: readonly Node[],
  neutral: Value,
  operate: (a: Value, b: Value) => Value,
  join: (...nodes: Node[]) => Node,
): Folded {
  let numeric = neutral;
  const others: Node[] = [];
  for (const part of parts) {
    const folded = fold(part);
    if ('value' in folded) numeric = operate(numeric, folded);
    else others.push(folded.node);
  }
  if (others.length === 0) return numeric;
  return { node: join(toNode(numeric), ...others) };
}

function foldProduct(node: NodeOf<'product'>): Folded {
  let numeric: Value = { value: rational(1n) };
  const others: Node[] = [];
  for (const factor of node.factors) {
    const divisor = isReciprocal(factor) ? fold(factor.base) : undefined;
    if (divisor !== undefined && 'value' in divisor) {
      if (divisor.value.n === 0n) throw new NotEvaluated();
      numeric = combine(numeric, divisor, divide);
      continue;
    }
    const folded = fold(factor);
    if ('value' in folded) numeric = combine(numeric, folded, multiply);
    else others.push(folded.node);
  }
  return others.length === 0 || numeric.value.n === 0n
    ? numeric
    : { node: product(toNode(numeric), ...others) };
}

function isReciprocal(node: Node): node is NodeOf<'power'> {
  return (
    node.kind === 'power' &&
    node.exponent.kind === 'number' &&
    node.exponent.value.n === -1n &&
    node.exponent.value.d === 1n
  );
}

function foldPower(base: Folded, exponent: Folded): Folded {
  if ('node' in exponent) {
    if ('value' in base && base.value.n === 1n && base.value.d === 1n) return base;
    return { node: power(nodeOf(base), exponent.node) };
  }
  const { n, d } = exponent.value;
  if (n === 0n) return { value: rational(1n) };
  if ('node' in base) {
    // For SymPy x^0.5 is not the square root of x and x^2.0 not its square.
    if (exponent.bits !== undefined) throw new NotEvaluated();
    return { node: power(base.node, number(exponent.value)) };
  }
  if (d === 1n) return wholePower(base, n, exponent.bits);
  if (base.value.n === 0n) {
    if (n < 0n) throw new NotEvaluated();
    return base;
  }
  if (base.bits === undefined && exponent.bits === undefined)
    return { node: power(nodeOf(base), number(exponent.value)) };
  return inBinary(toDouble(base.value) ** toDouble(exponent.value));
}

function wholePower(base: Value, exponent: bigint, exponentBits: number | undefined): Value {
  const size = exponent < 0n ? -exponent : exponent;
  if (exponent < 0n && base.value.n === 0n) throw new NotEvaluated();
  if (size > BigInt(MAX_BITS) || Number(size) * bitsOf(base.value) > MAX_BITS) throw new NotEvaluated();
  const value = rational(base.value.n ** size, base.value.d ** size);
  return rounded(exponent < 0n ? rational(value.d, value.n) : value, widest(base.bits, exponentBits));
}

function foldCall(node: NodeOf<'call'>): Folded {
  const of = fold(node.args[0]!);
  if ('node' in of) return { node: call(node.name, of.node) };
  if (node.name === 'ln') {
    if (of.value.n === 0n) throw new NotEvaluated();
    if (of.bits !== undefined) return inBinary(Math.log(toDouble(of.value)));
    return of.value.n === of.value.d ? { value: rational(0n) } : { node: call('ln', number(of.value)) };
  }
  const { n, d } = of.value;
  if (d !== 1n) return { node: call(node.name, number(of.value)) };
  if (n < 0n || n > 1_000n) throw new NotEvaluated();
  let value = 1n;
  for (let k = n; k > 1n; k -= node.name === 'factorial' ? 1n : 2n) value *= k;
  return rounded(rational(value), of.bits);
}

function combine(a: Value, b: Value, operate: (a: Rational, b: Rational) => Rational): Value {
  const bits = widest(a.bits, b.bits);
  const [x, y] = [rounded(a.value, bits), rounded(b.value, bits)];
  const value = operate(x.value, y.value);
  if (bitsOf(value) > MAX_BITS) throw new NotEvaluated();
  return rounded(value, bits);
}

/** Makes a decimal binary: 15 digits get 53 bits, more digits get bits for all of them and one more. */
function decimal(value: Rational): Value {
  let places = 0;
  let scale = 1n;
  while ((value.n * scale) % value.d !== 0n) {
    scale *= 10n;
    places++;
  }
  const written = ((value.n * scale) / value.d).toString().replace('-', '');
  const digits = Math.max(15, places === 0 ? written.replace(/0+$/, '').length : written.length);
  return rounded(value, Math.round((digits + 1) * 3.3219280948873626));
}

/** Rounds to the nearest number of `bits` binary digits, ties to even. Exact numbers stay. */
function rounded(value: Rational, bits: number | undefined): Value {
  if (bits === undefined) return { value };
  if (value.n === 0n) return { value, bits };
  const negative = value.n < 0n;
  const n = negative ? -value.n : value.n;
  // The shift makes the quotient have `bits` binary digits or one more.
  const shift = bits - (bitLength(n) - bitLength(value.d));
  const scaled = shift >= 0 ? n << BigInt(shift) : n;
  const divisor = shift >= 0 ? value.d : value.d << BigInt(-shift);
  const extra = bitLength(scaled / divisor) - bits;
  const unit = extra > 0 ? divisor << BigInt(extra) : divisor;
  let quotient = scaled / unit;
  const twice = 2n * (scaled % unit);
  if (twice > unit || (twice === unit && quotient % 2n === 1n)) quotient++;
  const back = extra - shift;
  const signed = negative ? -quotient : quotient;
  return {
    value: back >= 0 ? rational(signed << BigInt(back)) : rational(signed, 1n << BigInt(-back)),
    bits,
  };
}

function inBinary(value: number): Value {
  if (!Number.isFinite(value)) throw new NotEvaluated();
  let scale = 1n;
  for (; !Number.isInteger(value); value *= 2) scale *= 2n;
  return { value: rational(BigInt(value), scale), bits: 53 };
}

const nodeOf = (folded: Folded): Node => ('value' in folded ? toNode(folded) : folded.node);

function toNode({ value, bits }: Value): Node {
  return number(bits === undefined || value.d === 1n ? value : simplest(value, bits));
}

/** Finds the first convergent of the value's continued fraction that rounds to it: 1/10 for the double next to 0.1. */
function simplest(value: Rational, bits: number): Rational {
  const sign = value.n < 0n ? -1n : 1n;
  const exact = rational(value.n * sign, value.d);
  let [n, d] = [exact.n, exact.d];
  let [p0, q0, p1, q1] = [0n, 1n, 1n, 0n];
  while (d !== 0n) {
    const whole = n / d;
    [p0, p1] = [p1, whole * p1 + p0];
    [q0, q1] = [q1, whole * q1 + q0];
    const near = rounded(rational(p1, q1), bits).value;
    if (near.n === exact.n && near.d === exact.d) break;
    [n, d] = [d, n - whole * d];
  }
  return rational(sign * p1, q1);
}

const widest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b);
const bitsOf = (value: Rational): number => bitLength(value.n) + bitLength(value.d);

/** Gives the nearest double of a number in the range of doubles. */
function toDouble(value: Rational): number {
  const { value: near } = rounded(value, 53);
  return Number(near.n) / Number(near.d);
}
