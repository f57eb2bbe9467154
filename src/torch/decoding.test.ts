import { describe, expect, it } from 'vitest';
import { describeProducts } from '../../test/support/factors.js';
import { Random } from '../util/random.js';
import { fromArray, indices, toFloat64Array, toInt32Array } from './data.js';
import { hasSlotAttention, linearOfFew } from './decoding.js';
import type { Dtype } from './dtype.js';
import { withoutKernels } from './fused.js';
import * as ops from './ops.js';
import { seed } from './runtime.js';
import { scope, type Tensor } from './tensor.js';

const random = new Random(3);
const among = <T>(all: readonly T[]): T => all[random.nextInt(all.length)]!;
const size = (values: Float64Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
const distance = (a: Float64Array, b: Float64Array) => size(a.map((x, i) => x - b[i]!));
/** Normal values that bf16 has, in a dtype. */
const draw = (shape: readonly number[], dtype: Dtype, scale = 1) =>
  ops.toDtype(ops.toDtype(ops.mulScalar(ops.randn(shape, { dtype: 'f64' }), scale), 'bf16'), dtype);
/** Ours against libtorch's, by their distances from float64, over many cases. */
const meanLogRatio = (ratios: readonly number[]) =>
  ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length;

const products = [
  { rows: 1, inputs: 32, outputs: 32, bias: false },
  { rows: 16, inputs: 576, outputs: 960, bias: false },
  { rows: 64, inputs: 1536, outputs: 576, bias: true },
  { rows: 128, inputs: 64, outputs: 4096, bias: true },
  ...Array.from({ length: 20 }, () => ({
    rows: 1 + random.nextInt(among([3, 40, 128])),
    inputs: 32 * (1 + random.nextInt(30)),
    outputs: 32 * (1 + random.nextInt(40)),
    bias: among([true, false]),
  })),
];

describeProducts('a product of few rows', () => {
  const product = (
    linear: typeof linearOfFew,
    dtype: Dtype,
    { rows, inputs, outputs, bias }: (typeof products)[0],
  ) =>
    scope(() => {
      seed(1);
      const [x, weight, b] = [
        draw([rows, inputs], dtype),
        draw([outputs, inputs], dtype),
        draw([outputs], dtype),
      ];
      return toFloat64Array(linear(x, weight, bias ? b : undefined));
    });

  const ratios: number[] = [];
  it.each(products)(
    'of $rows rows, $inputs by $outputs, bias $bias, is as near to f64 as libtorch’s',
    (given) => {
      const exact = product(ops.linear, 'f64', given);
      const theirs = distance(product(ops.linear, 'bf16', given), exact);
      const own = distance(product(linearOfFew, 'bf16', given), exact);
      expect(own).toBeLessThanOrEqual(1.1 * theirs);
      ratios.push(own / theirs);
    },
  );

  it('is no further from f64 over all cases', () => {
    expect(ratios).toHaveLength(products.length);
    expect(meanLogRatio(ratios)).toBeLessThanOrEqual(1e-3);
  });

  it('takes parts of longer rows, and leaves to libtorch what the kernel does not take', () => {
    scope(() => {
      const given = draw([40, 96], 'bf16');
      const weight = draw([64, 64], 'bf16');
      const part = ops.narrow(given, 1, 32, 64);
      expect(toFloat64Array(linearOfFew(part, weight))).toEqual(
        toFloat64Array(linearOfFew(ops.contiguous(part), weight)),
      );
      for (const [rows, inputs, outputs] of [
        [3, 33, 64],
        [3, 64, 33],
        [129, 64, 64],
      ] as const) {
        const [x, w] = [draw([rows, inputs], 'bf16'), draw([outputs, inputs], 'bf16')];
        expect(toFloat64Array(linearOfFew(x, w))).toEqual(toFloat64Array(ops.linear(x, w)));
      }
    });
  });

  it('refuses what it cannot compute in a sentence', () => {
    scope(() => {
      const x = draw([2, 64], 'bf16');
      expect(() => ops.fewRows(x, draw([32, 32], 'bf16'), null)).toThrow('needs bf16[rows, in]');
      expect(() => ops.fewRows(x, ops.t(draw([64, 32], 'bf16')), null)).toThrow('contiguous');
      expect(() => ops.fewRows(x, draw([31, 64], 'bf16'), null)).toThrow('multiples of 32');
      expect(() => ops.fewRows(x, draw([32, 64], 'bf16'), draw([3], 'bf16'))).toThrow('bias');
      expect(() => ops.fewRows(draw([2, 64], 'f32'), draw([32, 64], 'f32'), null)).toThrow('bf16');
    });
  });
});

interface Slots {
  counts: number[];
  heads: number;
  kvHeads: number;
  headDim: number;
  /** 0 for none. */
  window: number;
  /** Of queries and keys: large ones make a sharp softmax. */
  spread: number;
}

describe('attention to slots', () => {
  const capacity = 150;
  type Attention = (q: Tensor, keys: Tensor, values: Tensor, given: Slots) => Tensor;
  const kernel: Attention = (q, keys, values, { counts, headDim, window }) =>
    ops.attendSlots(
      q,
      keys,
      values,
      indices(counts.map((_, row) => row * capacity)),
      indices(counts),
      headDim ** -0.5,
      window,
    );
  /** One query after the other. */
  const plain: Attention = (q, keys, values, { counts, headDim, heads, window }) =>
    ops.cat(
      counts.map((count, row) => {
        const hidden = window === 0 ? 0 : Math.max(0, count - window);
        const part = (x: Tensor) =>
          ops.unsqueeze(ops.transpose(ops.narrow(x, 0, row * capacity + hidden, count - hidden), 0, 1), 0);
        const query = ops.unsqueeze(ops.transpose(ops.narrow(q, 0, row, 1), 0, 1), 0);
        const options = { scale: headDim ** -0.5, enableGqa: true };
        const out = ops.scaledDotProductAttention(query, part(keys), part(values), null, 0, false, options);
        return ops.reshape(out, [1, heads * headDim]);
      }),
    );
  const run = (attention: Attention, dtype: Dtype, given: Slots): Float64Array =>
    scope(() => {
      seed(2);
      const { counts, heads, kvHeads, headDim, spread } = given;
      const keys = draw([counts.length * capacity, kvHeads, headDim], dtype, spread);
      const values = draw([counts.length * capacity, kvHeads, headDim], dtype);
      // Queries as a projection makes them: parts of longer rows.
      const q = ops.narrow(draw([counts.length, heads + kvHeads, headDim], dtype, spread), 1, 0, heads);
      return toFloat64Array(attention(q, keys, values, given));
    });

  const cases: Slots[] = [
    { counts: [1], heads: 1, kvHeads: 1, headDim: 16, window: 0, spread: 1 },
    { counts: [150, 1, 16, 17, 64], heads: 9, kvHeads: 3, headDim: 64, window: 0, spread: 1 },
    { counts: [33, 150], heads: 11, kvHeads: 1, headDim: 48, window: 20, spread: 1 },
    ...Array.from({ length: 24 }, () => {
      const kvHeads = among([1, 2, 3]);
      return {
        counts: Array.from({ length: 1 + random.nextInt(9) }, () => 1 + random.nextInt(capacity)),
        heads: kvHeads * among([1, 2, 3, 4, 5, 6, 7, 8, 16]),
        kvHeads,
        headDim: among([12, 16, 48, 64, 72, 80, 128, 256]),
        window: among([0, 0, 1, 31, 64]),
        spread: among([0.3, 1, 4]),
      };
    }),
  ];

  const ratios: number[] = [];
  it.each(cases)(
    'is right: $counts, $heads/$kvHeads heads of $headDim, window $window, spread $spread',
    (given) => {
      const exact = run(plain, 'f64', given);
      expect(distance(run(kernel, 'f32', given), exact)).toBeLessThan(1e-5 * size(exact));
      const [own, theirs] = [run(kernel, 'bf16', given), run(plain, 'bf16', given)].map((x) =>
        distance(x, exact),
      );
      expect(own).toBeLessThanOrEqual(1.15 * theirs! + 1e-4);
      if (theirs! > 1e-6) ratios.push(own! / theirs!);
    },
  );

  it('is no further from f64 than libtorch’s over all cases', () => {
    expect(ratios.length).toBeGreaterThan(20);
    expect(meanLogRatio(ratios)).toBeLessThanOrEqual(1e-3);
  });

  it('does not depend on the other rows, nor on where keys lie', () => {
    const given = { counts: [77, 150, 5], heads: 6, kvHeads: 2, headDim: 64, window: 0, spread: 1 };
    scope(() => {
      const [q, keys, values] = [
        draw([3, 6, 64], 'f32'),
        draw([3 * capacity, 2, 64], 'f32'),
        draw([3 * capacity, 2, 64], 'f32'),
      ];
      const all = toFloat64Array(kernel(q, keys, values, given));
      given.counts.forEach((count, row) => {
        const one = (x: Tensor) => ops.narrow(x, 0, row * capacity + 1, count - 1);
        const first = (x: Tensor) => ops.narrow(x, 0, row * capacity, 1);
        const moved = (x: Tensor) => ops.cat([ops.zeros([13, 2, 64], { dtype: 'f32' }), first(x), one(x)]);
        const alone = ops.attendSlots(
          ops.narrow(q, 0, row, 1),
          moved(keys),
          moved(values),
          indices([13]),
          indices([count]),
          64 ** -0.5,
          0,
        );
        expect(toFloat64Array(alone)).toEqual(all.subarray(row * 384, (row + 1) * 384));
      });
    });
  });

  it('keeps what is not a number, and refuses places that there are not', () => {
    scope(() => {
      const x = ops.full([4, 1, 16], NaN, { dtype: 'bf16' });
      const call = (starts: number[], counts: number[]) =>
        ops.attendSlots(ops.narrow(x, 0, 0, 1), x, x, indices(starts), indices(counts), 1, 0);
      expect(toFloat64Array(call([0], [4])).every(Number.isNaN)).toBe(true);
      expect(() => call([1], [4])).toThrow('sees 4 keys from place 1 of 4');
      expect(() => call([-1], [2])).toThrow('from place -1');
      expect(() => call([0], [0])).toThrow('sees 0 keys');
      expect(() => call([0, 0], [1, 1])).toThrow('a start and a count');
    });
  });

  it('is not for f64, nor where kernels are not wanted', () => {
    expect(hasSlotAttention({ device: 'cpu', dtype: 'f64' })).toBe(false);
    expect(withoutKernels(() => hasSlotAttention({ device: 'cpu', dtype: 'bf16' }))).toBe(false);
  });
});

describe('choosing tokens', () => {
  /** The tokens of the nucleus and the borders of their shares, by sorting, in float64. */
  function shares(logits: Float64Array, temperature: number, topP: number) {
    const largest = logits.reduce((a, b) => Math.max(a, b));
    const all = logits.map((x) => Math.exp((x - largest) / temperature));
    const total = all.reduce((a, b) => a + b, 0);
    let before = 0;
    let threshold = 0;
    if (topP < 1)
      for (const p of all.toSorted((a, b) => b - a)) {
        if (before >= topP * total) break;
        before += p;
        threshold = p;
      }
    const kept = all.map((p) => (p >= threshold ? p : 0));
    const mass = kept.reduce((a, b) => a + b, 0);
    let sum = 0;
    return kept.map((p) => (sum += p / mass));
  }

  /** Temperature and top-p of every row, without top-k and min-p. */
  const ways = (rows: number, temperature: number, topP: number) =>
    fromArray(
      Float64Array.from({ length: 4 * rows }, (_, i) => [temperature, topP, 0, 0][i % 4]!),
      [rows, 4],
    );

  it.each(
    [1, 7, 512, 513, 5000].flatMap((vocab) =>
      [0.3, 0.8, 1.5].flatMap((temperature) => [0.1, 0.95, 1].map((topP) => ({ vocab, temperature, topP }))),
    ),
  )(
    'inverts the distribution: $vocab tokens, temperature $temperature, top-p $topP',
    ({ vocab, temperature, topP }) => {
      scope(() => {
        seed(4);
        const logits = draw([40, vocab], 'f32', 3);
        const uniforms = Float64Array.from({ length: 40 }, () => random.nextFloat());
        const tokens = toInt32Array(ops.choose(logits, fromArray(uniforms), ways(40, temperature, topP)));
        const values = toFloat64Array(logits);
        expect(
          toInt32Array(
            ops.choose(ops.toDtype(logits, 'bf16'), fromArray(uniforms), ways(40, temperature, topP)),
          ),
        ).toEqual(tokens);
        tokens.forEach((token, row) => {
          const borders = shares(values.subarray(row * vocab, (row + 1) * vocab), temperature, topP);
          const [low, high] = [borders[token - 1] ?? 0, borders[token]!];
          expect(high).toBeGreaterThan(low);
          expect(uniforms[row]!).toBeGreaterThanOrEqual(low - 2e-6);
          expect(uniforms[row]!).toBeLessThan(high + 2e-6);
        });
      });
    },
  );

  it('takes the first of the largest at temperature 0, and draws from both ends', () => {
    scope(() => {
      const row = (...values: number[]) => fromArray(Float32Array.from(values), [1, values.length]);
      const choose = (logits: Tensor, u: number, temperature: number, topP = 1) =>
        ops.choose(logits, fromArray(Float64Array.of(u)), ways(1, temperature, topP)).item();
      expect(choose(row(1, 5, 2, 5), 0.5, 0)).toBe(1);
      const last = 1 - 2 ** -53;
      for (const topP of [0.99, 1]) {
        expect(choose(row(-Infinity, 0, -Infinity, 0, -Infinity), 0, 1, topP)).toBe(1);
        expect(choose(row(-Infinity, 0, -Infinity, 0, -Infinity), last, 1, topP)).toBe(3);
      }
      // Equal to the last of the nucleus: they stay.
      expect(choose(row(0, 1, 0, 0), last, 1, 0.6)).toBe(3);
      // A token of 1e-13 after one that is nearly all: no sum in f32 would show it.
      expect(choose(row(30, 0), last, 1)).toBe(1);
      for (const bad of [NaN, Infinity])
        for (const temperature of [0, 1]) expect(choose(row(0, bad, 1), 0.5, temperature)).toBe(-1);
      expect(choose(row(-Infinity, -Infinity), 0.5, 1)).toBe(-1);
    });
  });
});
