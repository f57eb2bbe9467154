import { describe, expect, it } from 'vitest';
import { parse } from '../../test/support/configs.js';
import { UserError } from '../util/errors.js';

describe('settings of config.json that speak of the same thing', () => {
  const linear = { rope_type: 'linear', factor: 2 };
  const llama3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  const gemma = { model_type: 'gemma3_text' };
  const half = ['full_attention', 'sliding_attention', 'full_attention', 'sliding_attention'];

  it.each([
    [
      { rope_theta: 5e5, rope_parameters: { rope_type: 'default', rope_theta: 1e4 } },
      'rope_parameters.rope_theta',
      500000,
      10000,
    ],
    [
      { rope_theta: 5e5, rope_scaling: { ...linear, rope_theta: 1e4 } },
      'rope_scaling.rope_theta',
      500000,
      10000,
    ],
    [
      { rope_scaling: linear, rope_parameters: { rope_type: 'default' } },
      'rope_scaling.rope_type',
      '"linear"',
      '"default"',
    ],
    [{ rope_scaling: linear, rope_parameters: { ...linear, factor: 4 } }, 'rope_scaling.factor', 2, 4],
    [
      { rope_scaling: { type: 'linear', rope_type: 'default', factor: 2 } },
      'rope_scaling.type',
      '"linear"',
      '"default"',
    ],
    [
      {
        rope_scaling: { ...llama3, original_max_position_embeddings: 32 },
        original_max_position_embeddings: 64,
      },
      'rope_scaling.original_max_position_embeddings',
      32,
      64,
    ],
    [
      { ...gemma, rope_theta: 1e4, rope_parameters: { full_attention: { rope_theta: 1e6 } } },
      'rope_parameters.full_attention.rope_theta',
      10000,
      1000000,
    ],
    [
      { ...gemma, rope_local_base_freq: 100, rope_parameters: { sliding_attention: { rope_theta: 1e4 } } },
      'rope_parameters.sliding_attention.rope_theta',
      100,
      10000,
    ],
    [
      { ...gemma, rope_scaling: linear, rope_parameters: { full_attention: { ...linear, factor: 8 } } },
      'rope_scaling.factor',
      2,
      8,
    ],
    [
      { hidden_act: 'silu', hidden_activation: 'gelu_pytorch_tanh' },
      'hidden_activation',
      'gelu_pytorch_tanh',
      'silu',
    ],
    [{ ...gemma, hidden_act: 'silu' }, 'hidden_act', 'silu', 'gelu_pytorch_tanh'],
    [{ architectures: ['MistralForCausalLM'] }, 'architectures', 'MistralForCausalLM', 'llama'],
    [
      { model_type: 'qwen2', architectures: ['Qwen2MoeForCausalLM'] },
      'architectures',
      'Qwen2MoeForCausalLM',
      'qwen2',
    ],
    [
      { ...gemma, architectures: ['Gemma3ForConditionalGeneration2'], sliding_window: null },
      'layer_types',
      'sliding_attention',
      'sliding_window',
    ],
    [{ sliding_window: 16 }, 'sliding_window', 16, 'llama'],
    [{ layer_types: half }, 'layer_types', 'sliding_attention', 'llama'],
    [{ model_type: 'mistral', layer_types: half }, 'layer_types', 'full_attention', 'sliding_window'],
    [
      { model_type: 'mistral', sliding_window: null, layer_types: half },
      'layer_types',
      'sliding_attention',
      'sliding_window null',
    ],
    [
      { model_type: 'qwen3', layer_types: half },
      'layer_types',
      'sliding_attention',
      'use_sliding_window false',
    ],
    [
      { model_type: 'qwen2', layer_types: half, use_sliding_window: true, max_window_layers: 2 },
      'layer_types',
      'sliding_attention',
      'max_window_layers 2',
    ],
    [
      { model_type: 'qwen2', layer_types: half, use_sliding_window: true, sliding_window: null },
      'layer_types',
      'sliding_attention',
      'sliding_window',
    ],
    [
      { ...gemma, layer_types: half, sliding_window_pattern: 4 },
      'layer_types',
      'full_attention',
      'sliding_window_pattern 4',
    ],
    [{ model_type: 'mistral', attention_bias: true }, 'attention_bias', 'true', 'mistral'],
    [{ model_type: 'qwen3', mlp_bias: true }, 'mlp_bias', 'true', 'qwen3'],
    [{ query_pre_attn_scalar: 24 }, 'query_pre_attn_scalar', 'head_dim', 'llama'],
    [{ num_key_value_heads: 3 }, 'num_key_value_heads', 3, 4],
  ])('refuses settings that contradict each other: %o', (fields, field, one, other) => {
    let message = '';
    try {
      parse(fields);
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      message = (error as Error).message;
    }
    expect(message).toContain(`config.json: field "${field}": `);
    expect(message).toContain(String(one));
    expect(message).toContain(String(other));
  });

  it('takes the same said twice', () => {
    const rope = { ...llama3, original_max_position_embeddings: 32 };
    const once = parse({ rope_theta: 5e5, rope_scaling: rope });
    expect(once.rope.full.theta).toBe(5e5);
    const twice = {
      rope_theta: 5e5,
      rope_scaling: { ...rope, type: 'llama3' },
      rope_parameters: { ...rope, rope_theta: 5e5 },
    };
    expect(parse({ ...twice, original_max_position_embeddings: 32 })).toEqual(once);
    expect(parse({ rope_theta: 5e5, rope_parameters: rope })).toEqual(once);
    expect(
      parse({ rope_parameters: { partial_rotary_factor: 1 }, rope_scaling: null, hidden_activation: 'silu' }),
    ).toEqual(parse({}));
    // transformers fills what one kind of layer leaves out from the older names.
    const names = { ...gemma, rope_theta: 5e5, rope_local_base_freq: 500 };
    expect(parse({ ...names, rope_parameters: { full_attention: linear } }).rope).toEqual({
      full: { theta: 5e5, scaling: { kind: 'linear', factor: 2 } },
      sliding: { theta: 500, scaling: { kind: 'none' } },
    });
    expect(parse({ ...gemma, rope_parameters: {} })).toEqual(parse(gemma));
  });

  it('refuses one rotation where a family has two, and two where it has one', () => {
    expect(() => parse({ ...gemma, rope_parameters: { rope_theta: 1e6 } })).toThrow(
      'field "rope_parameters": needs full_attention and sliding_attention',
    );
    expect(() => parse({ rope_parameters: { full_attention: { rope_theta: 1e6 } } })).toThrow(
      'field "rope_parameters": a llama model has one rotation for all layers',
    );
  });
});
