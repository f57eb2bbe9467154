/** @file Causal attention of one sequence, made of libtorch's operators: on every device, in memory linear in its length. */
import { noGrad } from '../torch/autograd.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';

/** A window, and which keys the queries of a block see among those of the block before and of their own. */
export interface Band {
  /** Keys that a query sees, its own among them. */
  window: number;
  /** bool[window, 2 · window] */
  mask: Tensor;
}

/** Makes the band of a window: query i of a block, at place window + i, sees the keys j with i < j ≤ window + i. */
export function bandOf(window: number, device: string): Band {
  const mask = scope(() =>
    noGrad(() => {
      const query = ops.unsqueeze(ops.arange(0, window, 1, { dtype: 'i64', device }), 1);
      const distance = ops.sub(ops.arange(0, 2 * window, 1, { dtype: 'i64', device }), query);
      return ops.logicalAnd(ops.gtScalar(distance, 0), ops.leScalar(distance, window));
    }),
  );
  return { window, mask };
}

/**
 * Computes causal attention of a sequence: q [tokens, heads, headDim] → the same; k, v: [tokens, kvHeads, headDim].
 * @param band the window, where there is one: then time and memory are those of tokens · window
 */
export function attendSequence(q: Tensor, k: Tensor, v: Tensor, scale: number, band?: Band): Tensor {
  const length = q.size(0);
  if (band === undefined || length <= band.window)
    return attendFrom(q, k, v, scale, [0, length], [0, length]);
  const { window, mask } = band;
  const whole = Math.floor(length / window) * window;
  const outputs = [attendFrom(q, k, v, scale, [0, window], [0, window])];
  if (whole > window) {
    const blocks = (x: Tensor, from: number) =>
      ops.reshape(ops.narrow(x, 0, from, whole - window), [-1, window, x.size(1), x.size(2)]);
    const seen = (x: Tensor) => ops.cat([blocks(x, 0), blocks(x, window)], 1);
    const out = attend(blocks(q, window), seen(k), seen(v), scale, mask);
    outputs.push(ops.reshape(out, [-1, q.size(1), q.size(2)]));
  }
  const rest = length - whole;
  if (rest > 0) {
    const own = ops.narrow(ops.narrow(mask, 0, 0, rest), 1, 0, window + rest);
    outputs.push(attendFrom(q, k, v, scale, [whole, rest], [whole - window, window + rest], own));
  }
  return ops.cat(outputs, 0);
}

/** Computes the queries of one range with the keys of another; ranges are [start, count]. Without a mask, causally. */
function attendFrom(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  queries: readonly [number, number],
  keys: readonly [number, number],
  mask?: Tensor,
): Tensor {
  const range = (x: Tensor, [start, count]: readonly [number, number]) =>
    ops.unsqueeze(count === x.size(0) ? x : ops.narrow(x, 0, start, count), 0);
  return ops.squeeze(attend(range(q, queries), range(k, keys), range(v, keys), scale, mask), 0);
}

/** Head sizes of which a GPU's kernel needs multiples. */
const ALIGNMENT = 8;

/** Computes attention for each of several blocks: [blocks, tokens, heads, headDim]. Without a mask, causally. */
function attend(q: Tensor, k: Tensor, v: Tensor, scale: number, mask?: Tensor): Tensor {
  // The only kernel of a GPU for float32 takes as many heads of keys as of queries; without it every product is kept.
  const isOnCpu = q.device === 'cpu';
  const inputs = isOnCpu ? [q, k, v] : widened(q, k, v);
  const [queries, keys, values] = inputs.map((x) => ops.transpose(x, 1, 2)) as [Tensor, Tensor, Tensor];
  const out = ops.scaledDotProductAttention(queries, keys, values, mask ?? null, 0, mask === undefined, {
    scale,
    enableGqa: isOnCpu,
  });
  const result = ops.transpose(out, 1, 2);
  return result.size(3) === q.size(3) ? result : ops.narrow(result, 3, 0, q.size(3));
}

/** Gives every head of queries keys and values of its own, and all a size that is a multiple of the alignment. */
export function widened(q: Tensor, k: Tensor, v: Tensor): Tensor[] {
  const [group, more] = [q.size(2) / k.size(2), (ALIGNMENT - (q.size(3) % ALIGNMENT)) % ALIGNMENT];
  return [q, k, v].map((x, i) => {
    const repeated = i > 0 && group > 1 ? ops.repeatInterleave(x, group, 2) : x;
    return more > 0 ? ops.constantPadNd(repeated, [0, more]) : repeated;
  });
}
