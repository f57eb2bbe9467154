/** @file The models that the GPU check measures, and what a step of them costs in floating-point operations. */
import { parseConfig, type ModelConfig } from '../../src/models/config.js';
import { parameterSpecs } from '../../src/models/parameters.js';

/** https://huggingface.co/Qwen/Qwen2.5-1.5B, config.json. */
const qwen = {
  model_type: 'qwen2',
  vocab_size: 151_936,
  hidden_size: 1536,
  intermediate_size: 8960,
  num_hidden_layers: 28,
  num_attention_heads: 12,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  max_position_embeddings: 131_072,
  tie_word_embeddings: true,
};
const tinyQwen = {
  ...qwen,
  vocab_size: 1000,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
};

/** Qwen2.5-1.5B, or with `tiny` a model of the same family that a CPU runs in a moment. */
export const benchConfig = (tiny: boolean): ModelConfig =>
  parseConfig(tiny ? tinyQwen : qwen, 'the model of bench/gpu');

/** Weights of the matrix products: those of the blocks, and the output head once. */
export function productWeights(config: ModelConfig): number {
  let count = config.vocabSize * config.hiddenSize;
  for (const [name, { shape }] of parameterSpecs(config)) {
    if (name.startsWith('layers.') && shape.length === 2) count += shape[0]! * shape[1]!;
  }
  return count;
}

/** Floating-point operations of a step over `traces` traces of `length` tokens: 6N a token and causal attention. */
export function stepFlops(config: ModelConfig, length: number, traces: number): number {
  const attention = 6 * config.attention.length * config.heads * config.headDim * length;
  return traces * length * (6 * productWeights(config) + attention);
}
