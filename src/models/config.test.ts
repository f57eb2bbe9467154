import { describe, expect, it } from 'vitest';
import { baseConfig, parse } from '../../test/support/configs.js';
import { UserError } from '../util/errors.js';
import { parseConfig } from './config.js';
import { parameterCount } from './parameters.js';
import { inverseFrequencies } from './rope.js';

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
      { rope_scaling: { rope_type: 'proportional', factor: 4 } },
      'field "rope_scaling.rope_type": "proportional" is not supported',
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
            JSON.parse(`{${JSON.stringify({ ...baseConfig, model_type: 'llama' }).slice(1, -1)}, ${fields}}`),
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
