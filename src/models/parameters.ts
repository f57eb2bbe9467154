import type { ModelConfig } from './config.js';

/** A slice of rows of one of our parameters, under the name that Hugging Face gives it. */
export interface ParameterPart {
  name: string;
  rows: number;
}

/**
 * One tensor of the model. Projections that read the same input are one matrix (one larger product instead of three or
 * two small ones); its parts are consecutive rows, so files hold them under their usual names without a copy.
 */
export interface ParameterSpec {
  shape: readonly number[];
  parts: readonly ParameterPart[];
}

const whole = (name: string, shape: readonly number[]): ParameterSpec => ({
  shape,
  parts: [{ name, rows: shape[0]! }],
});

/** The parameters of layer `i` by role. */
export function layerSpecs(config: ModelConfig, i: number): Record<string, ParameterSpec> {
  const { hiddenSize, headDim, heads, kvHeads, intermediateSize } = config;
  const prefix = `model.layers.${i}`;
  const joined = (
    suffix: string,
    columns: readonly number[],
    parts: readonly [string, number][],
  ): ParameterSpec => ({
    shape: [parts.reduce((sum, [, rows]) => sum + rows, 0), ...columns],
    parts: parts.map(([name, rows]) => ({ name: `${prefix}.${name}.${suffix}`, rows })),
  });
  const qkv: [string, number][] = [
    ['self_attn.q_proj', heads * headDim],
    ['self_attn.k_proj', kvHeads * headDim],
    ['self_attn.v_proj', kvHeads * headDim],
  ];
  const gateUp: [string, number][] = [
    ['mlp.gate_proj', intermediateSize],
    ['mlp.up_proj', intermediateSize],
  ];
  const norm = (name: string, size = hiddenSize) => whole(`${prefix}.${name}.weight`, [size]);
  return {
    inputNorm: norm('input_layernorm'),
    qkv: joined('weight', [hiddenSize], qkv),
    ...(config.qkvBias && { qkvBias: joined('bias', [], qkv) }),
    ...(config.qkNorm && {
      queryNorm: norm('self_attn.q_norm', headDim),
      keyNorm: norm('self_attn.k_norm', headDim),
    }),
    output: whole(`${prefix}.self_attn.o_proj.weight`, [hiddenSize, heads * headDim]),
    ...(config.outputBias && { outputBias: whole(`${prefix}.self_attn.o_proj.bias`, [hiddenSize]) }),
    ...(config.sandwichNorms
      ? {
          postAttentionNorm: norm('post_attention_layernorm'),
          mlpNorm: norm('pre_feedforward_layernorm'),
          postMlpNorm: norm('post_feedforward_layernorm'),
        }
      : { mlpNorm: norm('post_attention_layernorm') }),
    gateUp: joined('weight', [hiddenSize], gateUp),
    ...(config.mlpBias && { gateUpBias: joined('bias', [], gateUp) }),
    down: whole(`${prefix}.mlp.down_proj.weight`, [hiddenSize, intermediateSize]),
    ...(config.mlpBias && { downBias: whole(`${prefix}.mlp.down_proj.bias`, [hiddenSize]) }),
  };
}

/** The parameters outside the layers. A tied head has none of its own. */
export function outerSpecs(config: ModelConfig): Record<string, ParameterSpec> {
  return {
    embedding: whole('model.embed_tokens.weight', [config.vocabSize, config.hiddenSize]),
    finalNorm: whole('model.norm.weight', [config.hiddenSize]),
    ...(!config.tied && { head: whole('lm_head.weight', [config.vocabSize, config.hiddenSize]) }),
  };
}

/** Every parameter, keyed `embedding`, `layers.0.qkv`, …, in a fixed order. */
export function parameterSpecs(config: ModelConfig): Map<string, ParameterSpec> {
  const specs = new Map<string, ParameterSpec>();
  const { embedding, ...rest } = outerSpecs(config);
  specs.set('embedding', embedding!);
  for (let i = 0; i < config.attention.length; i++) {
    for (const [role, spec] of Object.entries(layerSpecs(config, i))) specs.set(`layers.${i}.${role}`, spec);
  }
  for (const [role, spec] of Object.entries(rest)) specs.set(role, spec);
  return specs;
}

/** Number of weights. */
export function parameterCount(config: ModelConfig): number {
  let count = 0;
  for (const { shape } of parameterSpecs(config).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}
