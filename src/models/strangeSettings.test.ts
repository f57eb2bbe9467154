import { describe, expect, it } from 'vitest';
import { parse } from '../../test/support/configs.js';

describe('settings of config.json that nothing here reads', () => {
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
});
