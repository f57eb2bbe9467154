import { describe, expect, it } from 'vitest';
import { fromArray } from '../torch/data.js';
import { liveTensors } from '../torch/tensor.js';
import { Random } from '../util/random.js';
import { checkSampling, chooseTokens, drawUniform } from './sampling.js';

/** Tokens chosen from one row of logits at each of the uniform numbers. */
function choose(
  logits: readonly number[],
  temperature: number,
  topP: number,
  uniforms: Float32Array,
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
const grid = (count: number) => Float32Array.from({ length: count }, (_, i) => (i + 0.5) / count);

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
    const uniforms = Float32Array.from({ length: count }, () => drawUniform(random));
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
    const uniforms = Float32Array.from({ length: 300 }, (_, i) => ((i % 100) + 0.5) / 100);
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
    const ends = Float32Array.of(0, 1 - 2 ** -23);
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
});
