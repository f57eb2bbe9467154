/** @file Makes config.json and generation_config.json from the metadata of a GGUF file. */
import { basename } from 'node:path';
import { UserError } from '../../util/errors.js';
import { type GgufFile, readGgufTensor } from './file.js';
import { ROPE_FACTORS } from './architectures.js';
import { MODEL_KEYS, tokenIdKey, type NamedToken } from './keys.js';
import { architectureOf } from './tensorNames.js';

/** Limits far above any model and far below what would make a loop seem to hang. */
const MAX_SIZE = 1 << 24;
const MAX_BLOCKS = 1000;

/** RoPE scaling with which Llama 3.1 to 3.3 were trained; a file has only the factors that follow from it. */
export const LLAMA3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

export interface ModelShape {
  hidden: number;
  feedForward: number;
  blocks: number;
  queryHeads: number;
  keyHeads: number;
  headDim: number;
  vocabulary: number;
}

/** Reads the sizes of the model and checks them against the weights in the file. */
export function readShape(gguf: GgufFile): ModelShape {
  // The architecture is checked first, because its name is part of the keys below.
  architectureOf(gguf);
  const { metadata } = gguf;
  const own = (key: keyof typeof MODEL_KEYS): string => metadata.own(MODEL_KEYS[key]);
  const hidden = metadata.count(own('hidden'), MAX_SIZE);
  const queryHeads = metadata.count(own('queryHeads'), MAX_SIZE);
  const rotated = metadata.number(own('ropeDimensions'), hidden / queryHeads);
  const shape: ModelShape = {
    hidden,
    feedForward: metadata.count(own('feedForward'), MAX_SIZE),
    blocks: metadata.count(own('blocks'), MAX_BLOCKS),
    queryHeads,
    keyHeads: metadata.count(own('keyHeads'), MAX_SIZE, queryHeads),
    headDim: metadata.count(own('headDim'), MAX_SIZE, rotated),
    vocabulary: gguf.tensors.get('token_embd.weight')?.shape[0] ?? 0,
  };
  checkSizes(gguf, shape);
  return shape;
}

function checkSizes(gguf: GgufFile, shape: ModelShape): void {
  const queries = shape.queryHeads * shape.headDim;
  const keys = shape.keyHeads * shape.headDim;
  const check = (name: string, rows: number, columns: number): void => {
    const actual = gguf.tensors.get(name)?.shape.join(' × ');
    if (actual === `${rows} × ${columns}`) return;
    throw new UserError(
      `${basename(gguf.path)}: ${name} should be ${rows} × ${columns} by the file's metadata but is ${actual ?? 'missing'}`,
    );
  };
  check('token_embd.weight', shape.vocabulary, shape.hidden);
  for (let block = 0; block < shape.blocks; block++) {
    check(`blk.${block}.attn_q.weight`, queries, shape.hidden);
    check(`blk.${block}.attn_k.weight`, keys, shape.hidden);
    check(`blk.${block}.attn_v.weight`, keys, shape.hidden);
    check(`blk.${block}.attn_output.weight`, shape.hidden, queries);
    check(`blk.${block}.ffn_gate.weight`, shape.feedForward, shape.hidden);
    check(`blk.${block}.ffn_up.weight`, shape.feedForward, shape.hidden);
    check(`blk.${block}.ffn_down.weight`, shape.hidden, shape.feedForward);
  }
}

/**
 * Makes the contents of config.json, under published names, which old and new releases of transformers read.
 * @param factors the file's frequency factors, if it has them
 */
export function makeConfig(
  gguf: GgufFile,
  shape: ModelShape,
  factors: Float32Array | undefined = ropeFactors(gguf),
): Record<string, unknown> {
  const { metadata } = gguf;
  const architecture = architectureOf(gguf);
  const own = (key: keyof typeof MODEL_KEYS): string => metadata.own(MODEL_KEYS[key]);
  if (metadata.number(own('experts'), 0) > 0) {
    throw new UserError(`${basename(gguf.path)} is a mixture of experts; take a dense model`);
  }
  const gemma = architecture.modelType === 'gemma3_text';
  const id = (name: NamedToken): number | null =>
    metadata.tokenId(tokenIdKey(name), shape.vocabulary) ?? null;
  return {
    architectures: [architecture.className],
    model_type: architecture.modelType,
    vocab_size: shape.vocabulary,
    hidden_size: shape.hidden,
    intermediate_size: shape.feedForward,
    num_hidden_layers: shape.blocks,
    num_attention_heads: shape.queryHeads,
    num_key_value_heads: shape.keyHeads,
    head_dim: shape.headDim,
    max_position_embeddings: metadata.count(own('context'), 1 << 30),
    rms_norm_eps: shortest(metadata.number(own('normEps'))),
    rope_theta: shortest(metadata.number(own('ropeTheta'), gemma ? 1e6 : 1e4)),
    ...ropeScaling(gguf, shape, factors),
    ...(gemma ? gemmaConfig(gguf, shape) : { hidden_act: 'silu', attention_bias: false }),
    ...(architecture.modelType === 'llama' && { mlp_bias: false }),
    tie_word_embeddings: !gguf.tensors.has('output.weight'),
    bos_token_id: id('bos'),
    eos_token_id: id('eos'),
    pad_token_id: id('padding'),
    torch_dtype: 'float32',
  };
}

/** Adds what a Gemma 3 file leaves to the program; llama.cpp has the same constants in its source. */
function gemmaConfig(gguf: GgufFile, shape: ModelShape): Record<string, unknown> {
  const window = gguf.metadata.count(gguf.metadata.own(MODEL_KEYS.window), 1 << 30);
  return {
    hidden_activation: 'gelu_pytorch_tanh',
    attention_bias: false,
    attn_logit_softcapping: null,
    final_logit_softcapping: null,
    // Only the 27 B model (62 blocks) scales by something other than its head's size.
    query_pre_attn_scalar: shape.blocks === 62 ? shape.hidden / shape.queryHeads : shape.headDim,
    rope_local_base_freq: 1e4,
    sliding_window: window,
    sliding_window_pattern: 6,
    layer_types: Array.from({ length: shape.blocks }, (_, layer) =>
      (layer + 1) % 6 === 0 ? 'full_attention' : 'sliding_attention',
    ),
  };
}

function ropeFactors({ tensors }: GgufFile): Float32Array | undefined {
  const tensor = tensors.get(ROPE_FACTORS);
  return tensor && readGgufTensor(tensor);
}

function ropeScaling(
  gguf: GgufFile,
  shape: ModelShape,
  factors: Float32Array | undefined,
): { rope_scaling?: Record<string, unknown> } {
  const { metadata } = gguf;
  if (factors) return { rope_scaling: llama3Scaling(gguf, shape, factors) };
  const type = metadata.string(metadata.own(MODEL_KEYS.ropeScaling), 'none');
  if (type === 'none') return {};
  if (type === 'linear') {
    const factor = shortest(metadata.number(metadata.own(MODEL_KEYS.ropeFactor)));
    return { rope_scaling: { rope_type: 'linear', factor } };
  }
  throw new UserError(
    `${basename(gguf.path)} scales its positions by "${type}", which is not supported; take the model without it`,
  );
}

/**
 * Derives Llama 3's scaling from the factors by which it divides each frequency: the last one is the factor itself, and
 * all of them must follow from it and the constants of the published models.
 */
function llama3Scaling(gguf: GgufFile, shape: ModelShape, factors: Float32Array): Record<string, unknown> {
  const theta = gguf.metadata.number(gguf.metadata.own(MODEL_KEYS.ropeTheta), 1e4);
  const factor = shortest(factors.at(-1)!);
  const expected = llama3Factors(theta, shape.headDim, factor);
  const fits = factors.every((actual, index) => Math.abs(actual / expected[index]! - 1) < 1e-4);
  if (!fits || factors.length !== expected.length) {
    throw new UserError(
      `${basename(gguf.path)} has frequency factors that are not Llama 3's; take the model in Hugging Face's format`,
    );
  }
  return { rope_type: 'llama3', factor, ...LLAMA3 };
}

/** The factors by which Llama 3's scaling divides the frequencies. */
export function llama3Factors(theta: number, headDim: number, factor: number): Float32Array {
  const { low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: length } = LLAMA3;
  return Float32Array.from({ length: headDim / 2 }, (_, index) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * index) / headDim);
    const smooth = Math.min(1, Math.max(0, (length / wavelength - low) / (high - low)));
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** Makes the contents of generation_config.json: sampling ends at the end of text and at the end of a turn. */
export function makeGenerationConfig(gguf: GgufFile, shape: ModelShape): Record<string, unknown> {
  const id = (name: NamedToken): number | undefined =>
    gguf.metadata.tokenId(tokenIdKey(name), shape.vocabulary);
  const ends = [...new Set([id('eos'), id('eot'), id('eom')])].filter((token) => token !== undefined);
  return {
    bos_token_id: id('bos'),
    eos_token_id: ends.length === 1 ? ends[0] : ends,
    pad_token_id: id('padding'),
  };
}

/** Rounds a float32 number to the fewest digits that still give it: 9.999999747378752e-6 becomes 1e-5. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === Math.fround(value)) return candidate;
  }
  return value;
}
