import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { parseConfig, type ModelConfig } from './config.js';
import { parameterCount } from './parameters.js';
import { inverseFrequencies } from './rope.js';

const base = {
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 4,
  num_attention_heads: 4,
};
const parse = (fields: object): ModelConfig =>
  parseConfig({ ...base, model_type: 'llama', ...fields }, 'config.json');

describe('parseConfig', () => {
  it('takes what transformers takes where a field is not there', () => {
    expect(parse({})).toMatchObject({
      kvHeads: 4,
      headDim: 16,
      normEps: 1e-6,
      tied: false,
      attentionScale: 0.25,
    });
    expect(parse({ model_type: 'qwen3' }).headDim).toBe(128);
    expect(parse({ model_type: 'qwen2' })).toMatchObject({ qkvBias: true, outputBias: false });
    expect(parse({ model_type: 'gemma3_text' })).toMatchObject({
      headDim: 256,
      attentionScale: 1 / 16,
      tied: true,
      slidingWindow: 4096,
      embeddingScale: 8,
      activation: 'gelu_tanh',
      rope: { full: { theta: 1e6 }, sliding: { theta: 1e4 } },
    });
  });

  it('knows which layers slide', () => {
    const kinds = (fields: object) =>
      parse(fields)
        .attention.map((kind) => kind[0])
        .join('');
    expect(kinds({})).toBe('ffff');
    expect(kinds({ model_type: 'mistral' })).toBe('ssss');
    expect(kinds({ model_type: 'mistral', sliding_window: null })).toBe('ffff');
    expect(kinds({ model_type: 'qwen2', sliding_window: 8 })).toBe('ffff');
    const used = { model_type: 'qwen2', use_sliding_window: true };
    expect(kinds({ ...used, max_window_layers: 1 })).toBe('fsss');
    expect(kinds(used)).toBe('ffff'); // max_window_layers is 28
    expect(kinds({ model_type: 'gemma3_text', sliding_window_pattern: 2 })).toBe('sfsf');
    const types = ['full_attention', 'sliding_attention', 'sliding_attention', 'full_attention'];
    expect(kinds({ model_type: 'qwen3', layer_types: types, use_sliding_window: true })).toBe('fssf');
    expect(kinds({ model_type: 'gemma3_text', layer_types: types })).toBe('fssf');
  });

  it.each([
    [{ model_type: 'gpt2' }, 'model_type "gpt2" is not supported; supported are llama, mistral'],
    [{ model_type: undefined }, '"model_type" is missing'],
    [{ hidden_size: undefined }, 'field "hidden_size"'],
    [{ hidden_size: 'big' }, 'field "hidden_size"'],
    [{ num_hidden_layers: 1e9 }, 'field "num_hidden_layers"'],
    [{ num_key_value_heads: 3 }, 'field "num_key_value_heads": must divide'],
    [{ num_attention_heads: 3 }, 'field "head_dim"'],
    [{ hidden_act: 'relu' }, 'field "hidden_act": "relu" is not supported'],
    [{ layer_types: ['full_attention'] }, 'field "layer_types": has 1 entries for 4 layers'],
    [{ layer_types: Array(4).fill('linear_attention') }, '"linear_attention" is not supported'],
    [
      { rope_scaling: { rope_type: 'yarn', factor: 4 } },
      'field "rope_scaling.rope_type": "yarn" is not supported',
    ],
    [{ rope_scaling: { rope_type: 'linear' } }, 'field "rope_scaling.factor": is missing'],
    [{ rope_scaling: { rope_type: 'linear', factor: 'x' } }, 'field "rope_scaling.factor"'],
    [
      { rope_parameters: { rope_type: 'llama3', factor: 8 } },
      'field "rope_parameters.low_freq_factor": is missing',
    ],
    [
      { rope_scaling: { factor: 8 } },
      'field "rope_scaling.factor": 8 has no meaning for the rope_type "default"',
    ],
    [
      { rope_parameters: { rope_type: 'linear', factor: 8, attention_factor: 2 } },
      'field "rope_parameters.attention_factor": 2 has no meaning for the rope_type "linear"',
    ],
    [{ final_logit_softcapping: 30 }, 'field "final_logit_softcapping"'],
    [{ use_bidirectional_attention: true }, 'field "use_bidirectional_attention"'],
  ])('refuses %o', (fields, message) => {
    expect(() => parse(fields)).toThrow(UserError);
    expect(() => parse(fields)).toThrow(message);
    expect(() => parse(fields)).toThrow(/^config\.json: /);
  });

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

  it.each([
    ['residual_multiplier', 0.22],
    ['embedding_multiplier', 12],
    ['attention_multiplier', 0.0078125],
    ['logits_scaling', 8],
    ['logit_scale', 0.0625],
    ['scale_emb', 12],
    ['dim_model_base', 256],
    ['scale_depth', 1.4],
    ['partial_rotary_factor', 0.5],
    ['use_qk_norm', true],
    ['qk_layernorm', true],
    ['layer_norm_eps', 1e-5],
    ['lm_head_bias', true],
    ['num_local_experts', 8],
    ['no_rope_layers', [1, 0]],
    ['is_causal', false],
    ['use_rope', false],
    ['rope_interleaved', true],
    ['rope_ratio', 2],
    ['alibi', true],
    ['clip_qkv', 8],
    ['attention_chunk_size', 8192],
    ['attn_temperature_tuning', true],
    ['quantization_config', { quant_method: 'fp8' }],
    ['compression_config', { format: 'pack' }],
    ['pruned_heads', { 0: [1] }],
    ['num_nextn_predict_layers', 1],
    ['hidden_size_per_layer_input', 256],
    ['swiglu_limit', 7],
  ])('refuses a setting of other models that changes the arithmetic: %s', (name, value) => {
    expect(() => parse({ [name]: value })).toThrow(`config.json: field "${name}": `);
  });

  it('passes over what does not', () => {
    const published = {
      ...{
        _name_or_path: 'x',
        _attn_implementation_autoset: true,
        architectures: ['LlamaForCausalLM'],
        auto_map: {},
      },
      ...{
        attention_dropout: 0,
        attn_implementation: 'eager',
        bos_token_id: 1,
        cache_implementation: 'hybrid',
      },
      ...{
        eos_token_id: [2, 3],
        hidden_dropout: 0.1,
        initializer_range: 0.02,
        is_decoder: true,
        is_llama_config: true,
      },
      ...{
        mlp_bias: false,
        neftune: 5,
        output_attentions: true,
        pad_token_id: 0,
        pretraining_tp: 4,
        resid_pdrop: 0.1,
      },
      ...{
        rope_interleaved: false,
        residual_multiplier: 1,
        router_aux_loss_coef: 0.1,
        torch_dtype: 'bfloat16',
      },
      ...{
        'transformers.js_config': { kv_cache_dtype: {} },
        transformers_version: '5.23.0',
        unsloth_fixed: true,
      },
      ...{
        use_cache: true,
        final_logit_softcapping: null,
        pruned_heads: {},
        quantization_config: null,
        my_note: 'ours',
      },
      ...{
        id2label: { 0: 'A' },
        label2id: { A: 0 },
        max_length: 20,
        temperature: 1,
        top_k: 50,
        chunk_size_feed_forward: 0,
      },
    };
    expect(parse(published)).toEqual(parse({}));
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'])(
    'knows nothing by the name %s',
    (name) => {
      const text = JSON.stringify(name);
      for (const [fields, message] of [
        [`"model_type": ${text}`, `model_type ${text} is not supported`],
        [`"hidden_act": ${text}`, `field "hidden_act": ${text} is not supported`],
        [
          `"rope_scaling": {"type": ${text}, "factor": 2}`,
          `field "rope_scaling.type": ${text} is not supported`,
        ],
        [`"layer_types": [${Array(4).fill(text).join()}]`, `field "layer_types": ${text} is not supported`],
      ])
        expect(() =>
          parseConfig(
            JSON.parse(`{${JSON.stringify({ ...base, model_type: 'llama' }).slice(1, -1)}, ${fields}}`),
            'config.json',
          ),
        ).toThrow(`config.json: ${message}`);
      expect(parse({ [name]: 1 })).toEqual(parse({}));
    },
  );

  it.each([[null], [[]], ['text'], [{}]])('refuses %o as a whole', (json) => {
    expect(() => parseConfig(json, 'config.json')).toThrow(/^config\.json: field "model_type" is missing/);
  });
});

describe('parameterCount', () => {
  it('is that of published models', () => {
    // SmolLM2-135M: 134,515,008 (its model card's safetensors metadata).
    const smollm2 = parse({
      ...{ vocab_size: 49152, hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30 },
      ...{ num_attention_heads: 9, num_key_value_heads: 3, tie_word_embeddings: true },
    });
    expect(parameterCount(smollm2)).toBe(134_515_008);
    // Qwen2.5-1.5B: 1,543,714,304.
    const qwen = parse({
      model_type: 'qwen2',
      ...{ vocab_size: 151936, hidden_size: 1536, intermediate_size: 8960, num_hidden_layers: 28 },
      ...{ num_attention_heads: 12, num_key_value_heads: 2, tie_word_embeddings: true },
    });
    expect(parameterCount(qwen)).toBe(1_543_714_304);
  });
});

describe('inverseFrequencies', () => {
  it("stretches Llama 3's long wavelengths, keeps short ones and blends between", () => {
    const scaling = {
      kind: 'llama3',
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalContext: 8192,
    } as const;
    const plain = inverseFrequencies({ theta: 500_000, scaling: { kind: 'none' } }, 128);
    const ratios = inverseFrequencies({ theta: 500_000, scaling }, 128).map((x, i) => x / plain[i]!);
    // Llama 3.1: wavelength 2π/f against 8192/4 and 8192/1.
    ratios.forEach((ratio, i) => {
      const wavelength = (2 * Math.PI) / plain[i]!;
      if (wavelength < 2048) expect(ratio).toBe(1);
      else if (wavelength > 8192) expect(ratio).toBe(1 / 8);
      else expect(ratio).toSatisfy((x: number) => x > 1 / 8 && x < 1);
    });
    expect(new Set(ratios).size).toBeGreaterThan(4);
  });
});
