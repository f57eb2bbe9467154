/** @file Predicts from shapes what training takes in memory and how much it computes. Has no tensors. */
import type { ModelConfig } from '../models/config.js';
import { readRows, rowsOfChunk } from '../models/head.js';
import { adapterCount, adapterShapes, type LoraConfig } from '../models/loraShapes.js';
import { parameterCount, parameterSpecs } from '../models/parameters.js';
import { hasKernels, softmaxKernel } from '../torch/fused.js';
import type { ComputeDtype } from '../util/computeDtype.js';
import type { MomentKind } from '../util/momentKinds.js';

/** What the memory of a run follows from beside its rows. */
export interface TrainedShapes {
  config: ModelConfig;
  dtype: ComputeDtype;
  device: string;
  recompute: boolean;
  /** The adapters, where they alone are trained. */
  adapters?: LoraConfig | undefined;
  /** How many ranks divide masters and moments among them. Default: 1. */
  world?: number;
  /** In what the moments are kept; default: float32. */
  moments?: MomentKind;
  /** Whether the host's memory has masters and moments, which are not counted then. */
  offload?: boolean;
}

/** Sequences that go through the model together, or whose activations are kept together. */
export interface TokenLoad {
  tokens: number;
  /** Those of responses among them. */
  responses: number;
  /** Pairs of a token and one that it sees. */
  seen: number;
}

const bytesOf = (dtype: ComputeDtype): number => (dtype === 'bf16' ? 2 : 4);

/** Bytes of a number of a moment: with 8 bits a share of a block's scale. Vectors, which are few, have float32. */
export const momentBytes = (moments: MomentKind): number => (moments === '8bit' ? 1 + 4 / 256 : 4);

/** Counts the weights that are trained. */
export const trainedCount = ({ config, adapters }: Pick<TrainedShapes, 'config' | 'adapters'>): number =>
  adapters ? adapterCount(config, adapters) : parameterCount(config);

type WeightShapes = Pick<TrainedShapes, 'config' | 'dtype' | 'adapters' | 'world' | 'moments' | 'offload'>;

/** Bytes on a rank's device of masters, gradients and both moments, of the copy that computes, and of what is frozen. */
export function weightBytes(shapes: WeightShapes): number {
  const { config, dtype, adapters, world = 1, moments = 'f32', offload = false } = shapes;
  const whole = 4 + bytesOf(dtype);
  const divided = 2 * momentBytes(moments) + (dtype === 'bf16' ? 4 : 0); // in float32 the masters are what computes
  const frozen = adapters ? parameterCount(config) * bytesOf(dtype) : 0;
  return trainedCount(shapes) * (whole + (offload ? 0 : divided / world)) + frozen;
}

/** Bytes of activations that are kept together until their backward pass, and of that pass. */
export function activationBytes(shapes: TrainedShapes, { tokens, responses }: TokenLoad): number {
  const { config, dtype, recompute } = shapes;
  const { hiddenSize: hidden, intermediateSize: width } = config;
  const layers = config.attention.length;
  const graphs = graphNumbers(shapes);
  const kept = recompute ? Math.max(...graphs) : layers * graphs.reduce((a, b) => a + b, 0);
  // The stream before each branch is kept; gradients of gate, of what it lets through, of their product and of the stream pass.
  const ofToken = 2 * layers * hidden + kept + 3 * width + 2 * hidden + adapterNumbers(shapes);
  return (tokens * ofToken + responses * 4 * hidden) * bytesOf(dtype);
}

/**
 * How many numbers of a token the graphs of adapters keep: what A gives, before and after it is scaled, and with DoRA what is
 * multiplied by the gains. Where branches are computed again, it is that of one layer.
 */
function adapterNumbers({ config, adapters, recompute }: TrainedShapes): number {
  if (!adapters) return 0;
  let numbers = 0;
  for (const [name, [rows]] of adapterShapes(config, adapters)) {
    if (name.endsWith('lora_A.weight')) numbers += 2 * rows!;
    if (name.endsWith('magnitude_vector')) numbers += rows!;
  }
  return recompute ? numbers / config.attention.length : numbers;
}

/** How many numbers of a token the graphs of a layer's two branches keep. */
function graphNumbers({ config, dtype, device }: TrainedShapes): [attention: number, mlp: number] {
  const { hiddenSize: hidden, intermediateSize: width, heads, kvHeads, headDim } = config;
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  const kernels = hasKernels({ dtype, device });
  // The normed stream, the projections, rotated queries and keys, and attention's result with a float32 sum a head.
  let attention = hidden + 3 * queries + 3 * keys + 2 * heads;
  // Without kernels attention has copies of its own, each key for every query that shares it.
  if (!kernels) attention += 3 * queries;
  if (config.qkNorm) attention += queries + keys;
  // The normed stream, the gate and what it lets through, their product, and the gate's activation where no kernel has it.
  const mlp = hidden + (kernels ? 3 : 4) * width;
  const after = config.sandwichNorms ? hidden : 0;
  return [attention + after, mlp + after];
}

/**
 * Bytes of the head's buffers where at most so many responses' tokens go through it together.
 * @param isRead whether columns of token ids are read
 */
export function headBytes(
  { config: { vocabSize }, dtype, device }: TrainedShapes,
  responses: number,
  isRead = false,
): number {
  const kernel = softmaxKernel({ dtype, device }, vocabSize);
  const bytes = kernel === 'narrow' ? 2 : 4;
  const rows = rowsOfChunk(vocabSize, device, bytes);
  if (kernel === 'narrow' && isRead) return Math.min(responses, readRows(rows)) * vocabSize * (bytes + 4);
  const logits = Math.min(responses, rows) * vocabSize;
  return logits * (dtype === 'bf16' && kernel !== 'narrow' ? bytes + 2 : bytes);
}

/** Counts the operations of forward and backward passes: products of layers and head, and attention. */
export function operations(config: ModelConfig, { tokens, responses, seen }: TokenLoad): number {
  const { heads, headDim, hiddenSize, vocabSize, attention } = config;
  const ofToken = [...parameterSpecs(config)].reduce(
    (sum, [name, { shape }]) =>
      sum + (name.startsWith('layers.') && shape.length === 2 ? 6 * shape[0]! * shape[1]! : 0),
    0,
  );
  return (
    tokens * ofToken + responses * 6 * hiddenSize * vocabSize + seen * 12 * heads * headDim * attention.length
  );
}
