/** @file Lists the parameters of a model: names, shapes, and how files name their parts. Has no tensors. */
import type { ModelConfig } from './config.js';

/** Consecutive rows of one of our parameters, under the name that Hugging Face gives them. */
export interface ParameterPart {
  name: string;
  rows: number;
}

/**
 * Describes one tensor of the model. Projections that read the same input are one matrix (one larger product instead of
 * three or two small ones); its parts are consecutive rows, so that files hold them under their usual names without a
 * copy.
 */
export interface ParameterSpec {
  shape: readonly number[];
  parts: readonly ParameterPart[];
}

const whole = (name: string, shape: readonly number[]): ParameterSpec => ({
  shape,
  parts: [{ name, rows: shape[0]! }],
});

/** One value for each parameter of a layer's attention, by role; a role that the model lacks is absent. */
export interface AttentionRoles<T> {
  inputNorm: T;
  qkv: T;
  qkvBias?: T;
  queryNorm?: T;
  keyNorm?: T;
  output: T;
  outputBias?: T;
  postAttentionNorm?: T;
}

/** One value for each parameter of a layer's MLP, by role; a role that the model lacks is absent. */
export interface MlpRoles<T> {
  mlpNorm: T;
  postMlpNorm?: T;
  gateUp: T;
  gateUpBias?: T;
  down: T;
  downBias?: T;
}

/** Describes the parameters of layer `i` by role, those of each residual branch together. */
export function layerSpecs(
  config: ModelConfig,
  i: number,
): { attention: AttentionRoles<ParameterSpec>; mlp: MlpRoles<ParameterSpec> } {
  const { hiddenSize, headDim, heads, kvHeads, intermediateSize, sandwichNorms } = config;
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
    attention: {
      inputNorm: norm('input_layernorm'),
      qkv: joined('weight', [hiddenSize], qkv),
      ...(config.qkvBias && { qkvBias: joined('bias', [], qkv) }),
      ...(config.qkNorm && {
        queryNorm: norm('self_attn.q_norm', headDim),
        keyNorm: norm('self_attn.k_norm', headDim),
      }),
      output: whole(`${prefix}.self_attn.o_proj.weight`, [hiddenSize, heads * headDim]),
      ...(config.outputBias && { outputBias: whole(`${prefix}.self_attn.o_proj.bias`, [hiddenSize]) }),
      ...(sandwichNorms && { postAttentionNorm: norm('post_attention_layernorm') }),
    },
    mlp: {
      // Files call the MLP's norm by its place: after the attention, or after the attention's own norm.
      mlpNorm: norm(sandwichNorms ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'),
      ...(sandwichNorms && { postMlpNorm: norm('post_feedforward_layernorm') }),
      gateUp: joined('weight', [hiddenSize], gateUp),
      ...(config.mlpBias && { gateUpBias: joined('bias', [], gateUp) }),
      down: whole(`${prefix}.mlp.down_proj.weight`, [hiddenSize, intermediateSize]),
      ...(config.mlpBias && { downBias: whole(`${prefix}.mlp.down_proj.bias`, [hiddenSize]) }),
    },
  };
}

/** Returns the name of a parameter of layer `i`. */
export const layerParameter = (i: number, role: string): string => `layers.${i}.${role}`;

/** Describes every parameter, keyed `embedding`, `layers.0.qkv`, …, in a fixed order. A tied head has no entry. */
export function parameterSpecs(config: ModelConfig): Map<string, ParameterSpec> {
  const { vocabSize, hiddenSize, tied } = config;
  const specs = new Map<string, ParameterSpec>();
  specs.set('embedding', whole('model.embed_tokens.weight', [vocabSize, hiddenSize]));
  for (let i = 0; i < config.attention.length; i++) {
    const { attention, mlp } = layerSpecs(config, i);
    for (const [role, spec] of Object.entries({ ...attention, ...mlp }))
      specs.set(layerParameter(i, role), spec);
  }
  specs.set('finalNorm', whole('model.norm.weight', [hiddenSize]));
  if (!tied) specs.set('head', whole('lm_head.weight', [vocabSize, hiddenSize]));
  return specs;
}

/** Counts the weights. */
export function parameterCount(config: ModelConfig): number {
  let count = 0;
  for (const { shape } of parameterSpecs(config).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}
