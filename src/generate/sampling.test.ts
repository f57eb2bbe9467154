import { describe, expect, it } from 'vitest';
import { fromArray, indices, toFloat64Array } from '../torch/data.js';
import { withoutKernels } from '../torch/fused.js';
import * as ops from '../torch/ops.js';
import { liveTensors, scope, type Tensor } from '../torch/tensor.js';
import { Random } from '../util/random.js';
import { checkSampling, chooseTokens as chooseEach, cumulate, type SamplingOptions } from './sampling.js';

/** Draws of all rows in one way. */
const chooseTokens = (logits: Tensor, options: SamplingOptions, uniforms: Float64Array) =>
  chooseEach(logits, Array<SamplingOptions>(uniforms.length).fill(options), uniforms);

/** Tokens chosen from one row of logits at each of the uniform numbers. */
function choose(
  logits: readonly number[],
  temperature: number,
  topP: number,
  uniforms: Float64Array,
): number[] {
  const rows = Float32Array.from(
    { length: logits.length * uniforms.length },
    (_, i) => logits[i % logits.length]!,
  );
  using tensor = fromArray(rows, [uniforms.length, logits.length]);
  return [...chooseTokens(tensor, { temperature, topP }, uniforms)];
}

function softmax(logits: readonly number[], temperature: number): number[] {
  const powers = logits.map((logit) => Math.exp(logit / temperature));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}

/** Evenly spread, so that the share of a token is its probability within 1 / count. */
const grid = (count: number) => Float64Array.from({ length: count }, (_, i) => (i + 0.5) / count);

function shares(tokens: readonly number[], vocab: number): number[] {
  const counts = Array<number>(vocab).fill(0);
  for (const token of tokens) counts[token]!++;
  return counts.map((count) => count / tokens.length);
}

/** The smallest set of most probable tokens that holds topP, renormalised; ties at its edge stay in. */
function nucleusOf(probabilities: readonly number[], topP: number): number[] {
  const sorted = [...probabilities].sort((a, b) => b - a);
  let sum = 0;
  const last = sorted.find((probability) => (sum += probability) >= topP)!;
  const kept = probabilities.map((probability) => (probability >= last ? probability : 0));
  const total = kept.reduce((a, b) => a + b);
  return kept.map((probability) => probability / total);
}

const logits = [0.3, -1, 2, 1.1, -3, 0, 2.2];

describe('chooseTokens', () => {
  it('takes the most probable token at temperature 0', () => {
    expect(choose(logits, 0, 1, grid(3))).toEqual([6, 6, 6]);
  });

  it.each([0.3, 1, 2.5])('follows the distribution at temperature %d', (temperature) => {
    const expected = softmax(logits, temperature);
    shares(choose(logits, temperature, 1, grid(4000)), logits.length).forEach((share, token) => {
      expect(Math.abs(share - expected[token]!)).toBeLessThan(1.5 / 4000);
    });
  });

  it('follows it with random numbers too (χ² with 6 degrees of freedom)', () => {
    const random = new Random(7);
    const count = 20_000;
    const uniforms = Float64Array.from({ length: count }, () => random.nextFloat());
    const expected = softmax(logits, 1);
    const chiSquare = shares(choose(logits, 1, 1, uniforms), logits.length).reduce(
      (sum, share, token) => sum + (count * (share - expected[token]!) ** 2) / expected[token]!,
      0,
    );
    expect(chiSquare).toBeLessThan(22.46); // 99.9 %
  });

  it.each([0.05, 0.5, 0.8, 0.95, 0.999])('keeps to the nucleus of top-p %d', (topP) => {
    const expected = nucleusOf(softmax(logits, 1), topP);
    shares(choose(logits, 1, topP, grid(4000)), logits.length).forEach((share, token) => {
      if (expected[token] === 0) expect(share).toBe(0);
      expect(Math.abs(share - expected[token]!)).toBeLessThan(1.5 / 4000);
    });
  });

  it('finds nuclei of any size in one batch of a large vocabulary', () => {
    const vocab = 3000;
    const sharp = Array.from({ length: vocab }, (_, i) => (i === 1234 ? 12 : Math.sin(i)));
    const middle = Array.from({ length: vocab }, (_, i) => -((i * 7919) % vocab) / 40);
    const flat = Array.from({ length: vocab }, (_, i) => Math.sin(i) / 10);
    const spread = [sharp, middle, flat];
    const uniforms = Float64Array.from({ length: 300 }, (_, i) => ((i % 100) + 0.5) / 100);
    const rows = spread.flatMap((row) => Array.from({ length: 100 }, () => row));
    using tensor = fromArray(Float32Array.from(rows.flat()), [300, vocab]);
    const tokens = chooseTokens(tensor, { temperature: 1, topP: 0.9 }, uniforms);
    spread.forEach((row, kind) => {
      const probabilities = nucleusOf(softmax(row, 1), 0.9);
      for (let i = 0; i < 100; i++) {
        // The reference inverts the same cumulative distribution, in float64.
        const token = tokens[kind * 100 + i]!;
        const below = probabilities.slice(0, token).reduce((a, b) => a + b, 0);
        expect(probabilities[token]).toBeGreaterThan(0);
        expect(uniforms[i]).toBeGreaterThan(below - 1e-5);
        expect(uniforms[i]).toBeLessThan(below + probabilities[token]! + 1e-5);
      }
    });
  });

  it('never takes an impossible token at the ends of the interval', () => {
    const ends = Float64Array.of(0, 1 - 2 ** -53);
    expect(choose([-Infinity, 1, -Infinity, 1, -Infinity], 1, 1, ends)).toEqual([1, 3]);
    expect(choose([-Infinity, 1, -Infinity, 1, -Infinity], 1, 0.9, ends)).toEqual([1, 3]);
  });

  it('leaves nothing behind and refuses logits that are not finite', () => {
    const before = liveTensors();
    expect(() => choose([1, NaN], 0, 1, grid(1))).toThrow('not finite');
    expect(() => choose([1, Infinity], 1, 0.5, grid(1))).toThrow('not finite');
    choose(logits, 0.7, 0.9, grid(10));
    expect(liveTensors()).toBe(before);
  });
});

/** What min-p, top-k and top-p keep, one after the other, by sorting; renormalised. */
function keptOf(probabilities: readonly number[], { topP, topK = 0, minP = 0 }: SamplingOptions): number[] {
  const atLeast = (values: readonly number[], least: number) => values.map((x) => (x >= least ? x : 0));
  const largest = Math.max(...probabilities);
  let kept = atLeast(probabilities, minP * largest);
  if (topK > 0) kept = atLeast(kept, kept.toSorted((a, b) => b - a)[Math.min(topK, kept.length) - 1]!);
  const total = kept.reduce((a, b) => a + b, 0);
  return nucleusOf(
    kept.map((x) => x / total),
    topP,
  );
}

describe('rows that are sampled in ways of their own', () => {
  const ways: SamplingOptions[] = [
    { temperature: 1, topP: 1, topK: 3 },
    { temperature: 1, topP: 1, minP: 0.2 },
    { temperature: 0.7, topP: 0.8, topK: 4 },
    { temperature: 2, topP: 0.9, minP: 0.05 },
    { temperature: 1.5, topP: 0.7, topK: 5, minP: 0.1 },
    { temperature: 1, topP: 0.6 },
    { temperature: 0, topP: 1, topK: 2 },
    { temperature: 1, topP: 1, topK: 1 },
    { temperature: 1, topP: 1, topK: 100 },
    { temperature: 1, topP: 1 },
  ];
  const count = 1000;

  it.each([
    ['the kernel', <T>(body: () => T) => body()],
    ['operators', withoutKernels],
  ])('follow their distributions side by side, by %s', (_, by) => {
    const options = ways.flatMap((way) => Array<SamplingOptions>(count).fill(way));
    const rows = Float32Array.from(options.flatMap(() => logits));
    using tensor = fromArray(rows, [options.length, logits.length]);
    const uniforms = Float64Array.from(options, (_, i) => ((i % count) + 0.5) / count);
    const tokens = by(() => chooseEach(tensor, options, uniforms));
    ways.forEach((way, w) => {
      const expected =
        way.temperature === 0
          ? logits.map((_, i) => Number(i === 6))
          : keptOf(softmax(logits, way.temperature), way);
      const seen = shares([...tokens.subarray(w * count, (w + 1) * count)], logits.length);
      seen.forEach((share, token) => {
        if (expected[token] === 0) expect(share).toBe(0);
        expect(Math.abs(share - expected[token]!)).toBeLessThan(1.5 / count);
      });
    });
  });

  it('keeps tokens that are as probable as the last of the top-k', () => {
    const tied = [1, 2, 2, 2, 0];
    using tensor = fromArray(
      Float32Array.from(grid(300), (_, i) => tied[i % 5]!),
      [60, 5],
    );
    for (const by of [<T>(body: () => T) => body(), withoutKernels])
      expect(new Set(by(() => chooseTokens(tensor, { temperature: 1, topP: 1, topK: 2 }, grid(60))))).toEqual(
        new Set([1, 2, 3]),
      );
  });
});

describe('a vocabulary of 151,936', () => {
  const vocab = 151_936;
  /** Logits with a standard deviation of 3, and a token that takes a share of the whole. */
  function logitsWith(share: number): Float32Array {
    const random = new Random(3);
    const normal = () =>
      Math.sqrt(-2 * Math.log(1 - random.nextFloat())) * Math.cos(2 * Math.PI * random.nextFloat());
    const row = Float32Array.from({ length: vocab }, () => 3 * normal());
    const rest = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
    if (share > 0) row[100_000] = Math.log((share / (1 - share)) * rest);
    return row;
  }

  /** How many of the 2⁵³ numbers of a draw give each token: the steps at which k · 2⁻⁵³ · total passes the sums. */
  function draws(row: Float32Array): { counts: Float64Array; first: Float64Array } {
    const { sums, total } = scope(() => {
      const { cumulative } = cumulate(ops.softmax(fromArray(row, [1, vocab]), -1));
      const sums = toFloat64Array(cumulative).slice();
      return { sums, total: sums.at(-1)! };
    });
    /** The smallest k whose target is at least the sum. */
    const reaching = (sum: number): number => {
      let k = Math.min(2 ** 53, Math.max(0, Math.round((sum / total) * 2 ** 53)));
      while (k > 0 && (k - 1) * 2 ** -53 * total >= sum) k--;
      while (k < 2 ** 53 && k * 2 ** -53 * total < sum) k++;
      return k;
    };
    const ends = Float64Array.from(sums, reaching);
    const first = Float64Array.from(ends, (_, token) => (token === 0 ? 0 : ends[token - 1]!));
    return { counts: ends.map((end, token) => end - first[token]!), first };
  }

  /** The rarest token, the first, the last, and those about the one that takes a share. */
  function rareAndOthers(row: Float32Array): number[] {
    const rarest = row.reduce((least, logit, token) => (logit < row[least]! ? token : least), 0);
    return [0, 1, rarest, 99_999, 100_000, 100_001, vocab - 1];
  }

  it.each([0, 0.99, 0.999])('can be drawn as a whole beside a token of %d', (share) => {
    const row = logitsWith(share);
    const { counts, first } = draws(row);
    const powers = Float64Array.from(row, Math.exp);
    const whole = powers.reduce((a, b) => a + b, 0);
    let [undrawable, variation] = [0, 0];
    powers.forEach((power, token) => {
      if (counts[token] === 0) undrawable += power / whole;
      variation += Math.abs(counts[token]! / 2 ** 53 - power / whole) / 2;
    });
    expect(undrawable).toBeLessThan(1e-15);
    expect(variation).toBeLessThan(1e-6); // the softmax is float32's

    // The sampler itself gives each of these its token at the first and the last number of its interval.
    const tokens = rareAndOthers(row).filter((token) => counts[token]! > 0);
    expect(tokens).toHaveLength(7);
    const ends = tokens.flatMap((token) => [first[token]!, first[token]! + counts[token]! - 1]);
    using logits = fromArray(row, [1, vocab]);
    using rows = ops.indexSelect(logits, 0, indices(ends.map(() => 0)));
    const chosen = withoutKernels(() =>
      chooseTokens(
        rows,
        { temperature: 1, topP: 1 },
        Float64Array.from(ends, (k) => k * 2 ** -53),
      ),
    );
    expect([...chosen]).toEqual(tokens.flatMap((token) => [token, token]));
  });

  it.each([0, 0.99, 0.999])('can be drawn as a whole by the kernel beside a token of %d', (share) => {
    const row = logitsWith(share);
    const powers = Float64Array.from(row, Math.exp);
    const whole = powers.reduce((a, b) => a + b, 0);
    using logits = fromArray(row, [1, vocab]);
    const drawn = (k: number) =>
      chooseTokens(logits, { temperature: 1, topP: 1 }, Float64Array.of(k * 2 ** -53))[0]!;
    /** The first of the 2⁵³ numbers of a draw that gives this token or a later one. */
    const firstOf = (token: number): number => {
      let [low, high] = [-1, 2 ** 53];
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (drawn(middle) >= token) high = middle;
        else low = middle;
      }
      return high;
    };
    for (const token of rareAndOthers(row)) {
      const [first, next] = [firstOf(token), token === vocab - 1 ? 2 ** 53 : firstOf(token + 1)];
      const expected = powers[token]! / whole;
      expect(Math.abs((next - first) * 2 ** -53 - expected)).toBeLessThan(1e-5 * expected + 2e-15);
      expect([drawn(first), drawn(next - 1)]).toEqual([token, token]);
    }
  });

  it('gives a row the same token alone and among others, whatever part of the rows it is computed with', () => {
    const random = new Random(5);
    const row = logitsWith(0.9);
    // 55 rows make a part, so these are two parts.
    const uniforms = Float64Array.from({ length: 60 }, () => random.nextFloat());
    using logits = fromArray(row, [1, vocab]);
    using rows = ops.indexSelect(logits, 0, indices(new Int32Array(60)));
    const options = { temperature: 1, topP: 1 };
    const alone = Array.from(uniforms, (u) => chooseTokens(logits, options, Float64Array.of(u))[0]!);
    expect([...chooseTokens(rows, options, uniforms)]).toEqual(alone);
    expect(new Set(alone).size).toBeGreaterThan(3);
  });
});

describe('checkSampling', () => {
  it.each([
    [-1, 1, 'temperature'],
    [1e-5, 1, 'temperature'],
    [NaN, 1, 'temperature'],
    [1, 0, 'top-p'],
    [1, 1.1, 'top-p'],
    [1, NaN, 'top-p'],
  ])('refuses temperature %d, top-p %d', (temperature, topP, message) => {
    expect(() => {
      checkSampling({ temperature, topP });
    }).toThrow(message);
  });

  it.each([
    [{ topK: -1 }, 'top-k'],
    [{ topK: 1.5 }, 'top-k'],
    [{ minP: -0.1 }, 'min-p'],
    [{ minP: 1.1 }, 'min-p'],
    [{ minP: NaN }, 'min-p'],
  ])('refuses %o', (options, message) => {
    expect(() => {
      checkSampling({ temperature: 1, topP: 1, ...options });
    }).toThrow(message);
  });
});
