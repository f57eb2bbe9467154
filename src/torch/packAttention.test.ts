import { expect, it } from 'vitest';
import { describeProducts } from '../../test/support/factors.js';
import { Random } from '../util/random.js';
import { backward } from './autograd.js';
import { toFloat64Array } from './data.js';
import type { Dtype } from './dtype.js';
import { attendPack } from './fused.js';
import * as ops from './ops.js';
import { seed } from './runtime.js';
import { scope, type Tensor } from './tensor.js';

interface Case {
  lengths: number[];
  heads: number;
  kvHeads: number;
  headDim: number;
  /** 0 for none. */
  window: number;
  /** Standard deviation of queries and keys: large ones make a sharp softmax. */
  spread: number;
}
type Attention = (q: Tensor, k: Tensor, v: Tensor, given: Case) => Tensor;

const scaleOf = ({ headDim }: Case) => headDim ** -0.5;
const kernel: Attention = (q, k, v, given) =>
  attendPack(q, k, v, given.lengths, scaleOf(given), given.window);

/** Scores, mask, softmax and sum, sequence by sequence. */
const plain: Attention = (q, k, v, given) => {
  const parts = [q, k, v].map((x) => ops.splitWithSizes(x, given.lengths));
  const outputs = given.lengths.map((length, s) => {
    const [a, b, c] = parts.map((part) => ops.transpose(part[s]!, 0, 1)) as [Tensor, Tensor, Tensor];
    const at = ops.arange(0, length, 1, { dtype: 'i64' });
    const distance = ops.sub(ops.unsqueeze(at, 1), ops.unsqueeze(at, 0));
    const window = given.window === 0 ? length : given.window;
    const seen = ops.logicalAnd(ops.gtScalar(distance, -1), ops.ltScalar(distance, window));
    const out = ops.scaledDotProductAttention(
      ...([a, b, c].map((x) => ops.unsqueeze(x, 0)) as [Tensor, Tensor, Tensor]),
      seen,
      0,
      false,
      { scale: scaleOf(given), enableGqa: true },
    );
    return ops.transpose(ops.squeeze(out, 0), 0, 1);
  });
  return ops.cat(outputs, 0);
};

/** Gives the output and the gradients of q, k and v, which lie in one tensor as a projection makes them. */
function run(
  attention: Attention,
  dtype: Dtype,
  given: Case,
): Record<'out' | 'dq' | 'dk' | 'dv', Float64Array> {
  return scope(() => {
    seed(11);
    const tokens = given.lengths.reduce((a, b) => a + b, 0);
    const { heads, kvHeads, headDim, spread } = given;
    const draw = (count: number, factor = 1) =>
      ops.toDtype(
        ops.toDtype(ops.mulScalar(ops.randn([tokens, count, headDim], { dtype: 'f64' }), factor), 'bf16'),
        dtype,
      );
    const projected = ops.cat([draw(heads + kvHeads, spread), draw(kvHeads)], 1);
    projected.requiresGrad = true;
    const [q, k, v] = ops.splitWithSizes(projected, [heads, kvHeads, kvHeads], 1) as [Tensor, Tensor, Tensor];
    const out = attention(q, k, v, given);
    backward([out], [draw(heads)]);
    const [dq, dk, dv] = ops
      .splitWithSizes(projected.grad!, [heads, kvHeads, kvHeads], 1)
      .map((part) => toFloat64Array(ops.contiguous(part))) as [Float64Array, Float64Array, Float64Array];
    return { out: toFloat64Array(ops.contiguous(out)), dq, dk, dv };
  });
}

/** The length of the difference. */
const distance = (a: Float64Array, b: Float64Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0));
const size = (a: Float64Array) => distance(a, new Float64Array(a.length));

const random = new Random(5);
const among = <T>(all: readonly T[]): T => all[random.nextInt(all.length)]!;
const cases: Case[] = [
  { lengths: [1], heads: 1, kvHeads: 1, headDim: 16, window: 0, spread: 1 },
  { lengths: [64, 128, 65, 63, 1], heads: 9, kvHeads: 3, headDim: 64, window: 0, spread: 1 },
  { lengths: [700], heads: 4, kvHeads: 1, headDim: 256, window: 128, spread: 1 },
  { lengths: [150, 20], heads: 2, kvHeads: 2, headDim: 32, window: 1, spread: 1 },
  { lengths: [200], heads: 2, kvHeads: 1, headDim: 128, window: 0, spread: 9 },
  ...Array.from({ length: 24 }, () => {
    const kvHeads = among([1, 2, 3]);
    return {
      lengths: Array.from({ length: 1 + random.nextInt(6) }, () => 1 + random.nextInt(among([10, 70, 300]))),
      heads: kvHeads * among([1, 2, 3, 7]),
      kvHeads,
      headDim: among([16, 48, 64, 80, 96, 128]),
      window: among([0, 0, 2, 63, 64, 65, 100]),
      spread: among([0.3, 1, 4]),
    };
  }),
];

describeProducts('attention over a pack', () => {
  /** Of each part in each case: our distance from f64, divided by that of libtorch's attention in bf16. */
  const ratios: number[] = [];

  it.each(cases)(
    'is as near to f64 as libtorch’s: $lengths, $heads/$kvHeads heads of $headDim, window $window, spread $spread',
    (given) => {
      const [truth, composed, ours] = [
        run(plain, 'f64', given),
        run(plain, 'bf16', given),
        run(kernel, 'bf16', given),
      ];
      for (const part of ['out', 'dq', 'dk', 'dv'] as const) {
        const [own, theirs] = [distance(ours[part], truth[part]), distance(composed[part], truth[part])];
        // Both round the same values and differ by chance; what is exact with both is left out.
        if (theirs > 1e-6 * size(truth[part])) ratios.push(own / theirs);
        expect(own, part).toBeLessThanOrEqual(1.15 * theirs + 1e-4);
      }
    },
  );

  it('is no further from f64 than libtorch’s over all cases', () => {
    expect(ratios.length).toBeGreaterThan(90);
    expect(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length).toBeLessThanOrEqual(0);
  });

  it('gives the same bits every time', () => {
    const given = { lengths: [300, 20, 77], heads: 6, kvHeads: 2, headDim: 64, window: 0, spread: 1 };
    const first = run(kernel, 'bf16', given);
    for (let again = 0; again < 5; again++) expect(run(kernel, 'bf16', given)).toEqual(first);
  });

  it('keeps what is not a number', () => {
    scope(() => {
      const q = ops.full([70, 1, 16], NaN, { dtype: 'bf16' });
      expect(toFloat64Array(attendPack(q, q, q, [70], 1)).every(Number.isNaN)).toBe(true);
    });
  });

  it.each([
    [[3, 3], 'add up to the tokens'],
    [[-2, 9], 'sequences with tokens'],
    [[], 'add up to the tokens'],
  ])('refuses the lengths %j', (lengths, message) => {
    scope(() => {
      const x = ops.zeros([7, 2, 16], { dtype: 'bf16' });
      expect(() => attendPack(x, x, x, lengths, 1)).toThrow(message);
    });
  });
});
