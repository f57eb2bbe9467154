import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rational } from '../../util/rational.js';
import { BigFloats, ZERO, order, toDouble, toRational, type BigFloat } from './bigFloat.js';

interface Row {
  name: string;
  args: string[];
  value: string;
}

const path = join(import.meta.dirname, '../../../test/fixtures/bigfloat.json');
const rows = JSON.parse(readFileSync(path, 'utf8')) as Row[];

const fraction = (text: string) => {
  const [n, d] = text.split('/').map(BigInt) as [bigint, bigint];
  return rational(n, d);
};

/** `-1.25e-3` as a fraction. */
function decimal(text: string) {
  const [, sign, whole, decimals = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e([-+]?\d+))?$/.exec(
    text,
  )!;
  const power = Number(exponent) - decimals.length;
  const digits = BigInt(sign! + whole! + decimals);
  return power < 0 ? rational(digits, 10n ** BigInt(-power)) : rational(digits * 10n ** BigInt(power));
}

const FUNCTIONS: Record<string, (numbers: BigFloats, args: BigFloat[]) => BigFloat | undefined> = {
  pi: (numbers) => numbers.pi(),
  exp: (numbers, [a]) => numbers.exp(a!),
  ln: (numbers, [a]) => numbers.ln(a!),
  sqrt: (numbers, [a]) => numbers.sqrt(a!),
  sin: (numbers, [a]) => numbers.sinCos(a!)?.[0],
  cos: (numbers, [a]) => numbers.sinCos(a!)?.[1],
  atan2: (numbers, [y, x]) => numbers.atan2(y!, x!),
};

describe.each([208, 304])('numbers of %i bits', (bits) => {
  const numbers = new BigFloats(bits);

  it.each(rows)('$name($args) is mpmath’s to all but the last bits', ({ name, args, value }) => {
    const result = FUNCTIONS[name]!(
      numbers,
      args.map((arg) => numbers.from(fraction(arg))),
    )!;
    const expected = new BigFloats(360).from(decimal(value));
    const error = order(new BigFloats(360).subtract(result, expected));
    const size = name === 'exp' || name === 'sqrt' ? order(expected) : Math.max(0, order(expected));
    // An argument is rounded too, and a large one passes that on.
    const lost = Math.max(0, ...args.map((arg) => order(numbers.from(fraction(arg)))));
    expect(error - size).toBeLessThan(8 + lost - bits);
  });

  it('has no value where there is none', () => {
    const one = numbers.from(rational(1n));
    expect(numbers.divide(one, ZERO)).toBeUndefined();
    expect(numbers.sqrt(numbers.from(rational(-1n)))).toBeUndefined();
    expect(numbers.ln(ZERO)).toBeUndefined();
    expect(numbers.atan2(ZERO, ZERO)).toBeUndefined();
    expect(numbers.exp(numbers.from(rational(1n << 60n)))).toBeUndefined();
    expect(numbers.sinCos(numbers.from(rational(1n << 60n)))).toBeUndefined();
  });

  it('goes to fractions and doubles and back', () => {
    const third = numbers.from(rational(1n, 3n));
    expect(toDouble(third)).toBe(1 / 3);
    const back = toRational(third)!;
    expect(numbers.from(back)).toEqual(third);
    expect(toRational({ m: 1n, e: 30_000 })).toBeUndefined();
  });
});
