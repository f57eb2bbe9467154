/** @file Lists the architectures that GGUF files may have, with the names and layouts of their weights. */
/** Changes to a weight's values besides its name: they undo what the converter to GGUF did. */
export type WeightChange =
  /** Rows of a head are stored so that neighbours (x₀x₁) are rotated, and go back to halves (x₀…, x₁…). */
  | 'unpermute-query'
  | 'unpermute-key'
  /** The norm multiplies by 1 + w in Hugging Face's layout and by w in GGUF's. */
  | 'subtract-one';

export interface Architecture {
  modelType: string;
  className: string;
  /** Maps GGUF's names inside a block to Hugging Face's; all of them must be in the file. */
  block: Readonly<Record<string, string>>;
  changes: Readonly<Record<string, WeightChange>>;
}

const COMMON_BLOCK = {
  'attn_norm.weight': 'input_layernorm.weight',
  'attn_q.weight': 'self_attn.q_proj.weight',
  'attn_k.weight': 'self_attn.k_proj.weight',
  'attn_v.weight': 'self_attn.v_proj.weight',
  'attn_output.weight': 'self_attn.o_proj.weight',
  'ffn_gate.weight': 'mlp.gate_proj.weight',
  'ffn_up.weight': 'mlp.up_proj.weight',
  'ffn_down.weight': 'mlp.down_proj.weight',
};

const TWO_NORMS = { ...COMMON_BLOCK, 'ffn_norm.weight': 'post_attention_layernorm.weight' };

const QK_NORMS = {
  'attn_q_norm.weight': 'self_attn.q_norm.weight',
  'attn_k_norm.weight': 'self_attn.k_norm.weight',
};

/**
 * Architectures by `general.architecture`. The names are those of gguf-py's tensor_mapping.py, the changes those of
 * llama.cpp's convert_hf_to_gguf.py. Mistral's files say `llama`, and as `LlamaForCausalLM` they compute the same.
 */
export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  llama: {
    modelType: 'llama',
    className: 'LlamaForCausalLM',
    block: TWO_NORMS,
    changes: { 'attn_q.weight': 'unpermute-query', 'attn_k.weight': 'unpermute-key' },
  },
  qwen2: {
    modelType: 'qwen2',
    className: 'Qwen2ForCausalLM',
    block: {
      ...TWO_NORMS,
      'attn_q.bias': 'self_attn.q_proj.bias',
      'attn_k.bias': 'self_attn.k_proj.bias',
      'attn_v.bias': 'self_attn.v_proj.bias',
    },
    changes: {},
  },
  qwen3: {
    modelType: 'qwen3',
    className: 'Qwen3ForCausalLM',
    block: { ...TWO_NORMS, ...QK_NORMS },
    changes: {},
  },
  gemma3: {
    modelType: 'gemma3_text',
    className: 'Gemma3ForCausalLM',
    block: {
      ...COMMON_BLOCK,
      ...QK_NORMS,
      'post_attention_norm.weight': 'post_attention_layernorm.weight',
      'ffn_norm.weight': 'pre_feedforward_layernorm.weight',
      'post_ffw_norm.weight': 'post_feedforward_layernorm.weight',
    },
    changes: {
      'attn_norm.weight': 'subtract-one',
      'attn_q_norm.weight': 'subtract-one',
      'attn_k_norm.weight': 'subtract-one',
      'post_attention_norm.weight': 'subtract-one',
      'ffn_norm.weight': 'subtract-one',
      'post_ffw_norm.weight': 'subtract-one',
      'output_norm.weight': 'subtract-one',
    },
  },
};
