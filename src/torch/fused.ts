/**
 * @file Chooses between our fused kernels and the same computed from libtorch's operators. The composed forms are the
 * reference: they run on every device and in every dtype, and the tests compare the kernels with them.
 */
import { native } from './native.js';
import * as ops from './ops.js';
import type { Tensor } from './tensor.js';

/** `REDISTILL_KERNELS=off` leaves the composed forms everywhere. */
let isOff = process.env.REDISTILL_KERNELS === 'off';

/** Tells whether the composed forms are wanted everywhere. */
export const kernelsAreOff = (): boolean => isOff;

/** Runs `work` with the composed forms alone, for comparisons. */
export function withoutKernels<T>(work: () => T): T {
  const before = isOff;
  isOff = true;
  try {
    return work();
  } finally {
    isOff = before;
  }
}

type Kind = Pick<Tensor, 'device' | 'dtype'>;

const isOnGpu = ({ device }: Kind): boolean => device.startsWith('cuda');

/** Tells whether there are kernels for such a tensor: bf16 on the CPU or a GPU. */
export const hasKernels = (x: Kind): boolean =>
  !isOff && x.dtype === 'bf16' && (x.device === 'cpu' || isOnGpu(x));

/** Tells whether libtorch multiplies such narrow matrices into wide ones, which are then never rounded. */
export const hasWideProducts = (x: Kind): boolean => hasKernels(x) && isOnGpu(x);

/** Elements that a thread of a GPU's kernel moves at a time: 16 bytes. */
const VECTOR = 8;

/** Tells whether there are kernels for such rows of two halves. */
const hasHalvesKernels = (x: Tensor): boolean =>
  hasKernels(x) && (x.device === 'cpu' || x.size(-1) % (2 * VECTOR) === 0);

/**
 * Applies a gated linear unit: [tokens, 2 · width], the gate before what it lets through, → [tokens, width].
 * SwiGLU with `silu`, GeGLU (tanh) with `gelu_tanh` (Shazeer 2020, arXiv:2002.05202).
 */
export function gatedLinearUnit(gateUp: Tensor, activation: 'silu' | 'gelu_tanh'): Tensor {
  if (hasHalvesKernels(gateUp)) return ops.glu(gateUp, activation === 'gelu_tanh');
  const [gate, up] = ops.chunk(gateUp, 2, -1) as [Tensor, Tensor];
  return ops.mul(activation === 'silu' ? ops.silu(gate) : ops.gelu(gate, { approximate: 'tanh' }), up);
}

/**
 * Rotates [tokens, heads, headDim], pairing dimension i with i + headDim/2 as Hugging Face models do.
 * @param cos [tokens, 1, headDim/2], as `sin`, in the dtype of x
 */
export function rotateHalves(x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  if (hasHalvesKernels(x)) return ops.rotate(x, cos, sin, false);
  const [a, b] = ops.chunk(x, 2, -1) as [Tensor, Tensor];
  return ops.cat([ops.sub(ops.mul(a, cos), ops.mul(b, sin)), ops.add(ops.mul(b, cos), ops.mul(a, sin))], -1);
}

/** Applies RMSNorm over the last of two or three dimensions; undefined where there is no kernel for it. */
export function rmsNormKernel(x: Tensor, weight: Tensor, eps: number, offset: 0 | 1): Tensor | undefined {
  if (!hasKernels(x)) return undefined;
  if (x.device === 'cpu') return ops.rmsNormRows(x, weight, eps, offset);
  return offset === 0 ? ops.fusedRmsNorm(x, [x.size(-1)], weight, eps)[0] : undefined;
}

/** Tells whether `ops.addRmsNorm_` and `ops.addRmsNormBackward_` take rows like these. */
export const hasAddRmsNorm = (x: Kind): boolean => hasKernels(x) && x.device === 'cpu';

/** Tells whether `ops.rmsNormBackward_` takes rows like these. */
export const hasRmsNormBackward = (x: Tensor): boolean =>
  hasKernels(x) && (x.device === 'cpu' || x.size(-1) % 2 === 0);

/**
 * Tells what logits `ops.softmaxGrad_` takes, which writes a narrow gradient: wide ones on a GPU; on the CPU narrow ones,
 * which the gradient may replace and `ops.targetLogps` takes as well.
 */
export function softmaxKernel(x: Kind, vocab: number): 'wide' | 'narrow' | undefined {
  if (!hasKernels(x)) return undefined;
  if (x.device === 'cpu') return 'narrow';
  return vocab % 4 === 0 ? 'wide' : undefined;
}

/** Tells whether there is a kernel that updates such parameters and, where there are any, their copies. */
export const hasAdamW = (param: Kind, copy: Kind | undefined): boolean =>
  !isOff && param.device === 'cpu' && param.dtype === 'f32' && (copy === undefined || hasKernels(copy));

let multiplies: boolean | undefined;

/** Tells whether the processor has products of bf16 values that kernels are made of: AVX-512's, AMX's, or float32's of AVX2. */
export const hasBf16Products = (): boolean => (multiplies ??= ops.hasProducts());

/** Tells whether there are kernels made of such products. */
const hasProducts = ({ device, dtype }: Kind): boolean =>
  !isOff && device === 'cpu' && dtype === 'bf16' && hasBf16Products();

/** Tells whether `attendPack` runs: such a processor, usual head sizes. */
export const hasPackAttention = (x: Kind, headDim: number): boolean => hasProducts(x) && headDim % 16 === 0;

/** Tells whether there are kernels for the products with this weight, [out, in]. */
export const hasLinear = (weight: Tensor): boolean =>
  hasProducts(weight) && weight.shape.every((size) => size % 16 === 0);

/**
 * Multiplies by a weight, [out, in], and adds its bias: [tokens, in] → [tokens, out].
 * @param sum f32[out, in]: where there is a kernel, backward adds the weight's gradient to it and gives autograd none
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor, sum?: Tensor): Tensor {
  return hasLinear(weight)
    ? ops.linearRows(x, weight, bias ?? null, sum ?? null)
    : ops.linear(x, weight, bias);
}

/**
 * Causal attention within each sequence of a pack: q [tokens, heads, headDim] → the same; k, v: [tokens, kvHeads, headDim].
 * @param window how many keys a query sees, its own among them; all that come before it if absent
 */
export function attendPack(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  lengths: readonly number[],
  scale: number,
  window = 0,
): Tensor {
  return ops.attention(q, k, v, lengths, scale, window)[0];
}

/** GPUs for which libtorch has flash attention: compute capability 8.0 (Ampere) and later. */
const AMPERE = 80;

/** Tells whether libtorch has flash attention for this: half precision, usual head sizes, a GPU that is not too old. */
export function hasFlashAttention({ device, dtype }: Kind, headDim: number): boolean {
  const fits = (dtype === 'bf16' || dtype === 'f16') && headDim % 8 === 0 && headDim <= 256;
  return fits && device.startsWith('cuda') && native.capability(device) >= AMPERE;
}

/** GPUs on which cuDNN's attention is faster than flash attention: compute capability 9.0 (Hopper) and later. */
const HOPPER = 90;

/**
 * The tokens from which a sequence is given to cuDNN. One call a sequence is slower than flash attention of all at 1,024
 * tokens and faster at 8,192 (docs/decisions.md); between them nothing was measured.
 */
const LONG = 2048;

/** cuDNN prepares each new length for some 0.2 s, so that lengths are rounded up to multiples of this. */
const LENGTH_STEP = 256;

/**
 * Tells which sequences of a pack `attendLong` computes faster than varlen flash attention. None where results are to be
 * deterministic: cuDNN's backward adds in any order.
 */
export function longSequences(x: Kind, headDim: number): (length: number) => boolean {
  const has =
    hasWideProducts(x) &&
    !native.isDeterministic() &&
    headDim % 8 === 0 &&
    headDim <= 128 &&
    native.capability(x.device) >= HOPPER;
  return (length) => has && length >= LONG;
}

/** Causal attention of one long sequence by cuDNN. q: [length, heads, headDim] → the same; k, v: [length, kvHeads, headDim] */
export function attendLong(q: Tensor, k: Tensor, v: Tensor, scale: number): Tensor {
  const length = q.size(0);
  const more = (LENGTH_STEP - (length % LENGTH_STEP)) % LENGTH_STEP;
  // What is added stands after every query that counts, which therefore does not see it.
  const [queries, keys, values] = [q, k, v].map((x) => {
    const padded = more === 0 ? x : ops.constantPadNd(x, [0, 0, 0, 0, 0, more]);
    return ops.transpose(ops.unsqueeze(padded, 0), 1, 2);
  }) as [Tensor, Tensor, Tensor];
  const out = ops.cudnnAttention(queries, keys, values, null, true, 0, true, false, { scale });
  return ops.narrow(ops.squeeze(ops.transpose(out, 1, 2), 0), 0, 0, length);
}
