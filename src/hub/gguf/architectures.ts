/** @file Lists the architectures that GGUF files may have, with the names and layouts of their weights. */
import type { Family } from '../../models/families.js';

/** What a weight's values in GGUF are besides its name: writing does it, reading undoes it. See `weightChanges.ts`. */
export type WeightChange =
  /** Rows of a head are stored so that neighbours (x₀x₁) are rotated; Hugging Face's layout has halves (x₀…, x₁…). */
  | 'permute-query'
  | 'permute-key'
  /** The norm multiplies by 1 + w in Hugging Face's layout and by w in GGUF's. */
  | 'add-one';

export interface Architecture {
  /** What a file of it becomes. */
  modelType: string;
  className: string;
  /** The families that are written as it. */
  families: readonly Family[];
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
    families: ['llama', 'mistral'],
    block: TWO_NORMS,
    changes: { 'attn_q.weight': 'permute-query', 'attn_k.weight': 'permute-key' },
  },
  qwen2: {
    modelType: 'qwen2',
    className: 'Qwen2ForCausalLM',
    families: ['qwen2'],
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
    families: ['qwen3'],
    block: { ...TWO_NORMS, ...QK_NORMS },
    changes: {},
  },
  gemma3: {
    modelType: 'gemma3_text',
    className: 'Gemma3ForCausalLM',
    families: ['gemma3'],
    block: {
      ...COMMON_BLOCK,
      ...QK_NORMS,
      'post_attention_norm.weight': 'post_attention_layernorm.weight',
      'ffn_norm.weight': 'pre_feedforward_layernorm.weight',
      'post_ffw_norm.weight': 'post_feedforward_layernorm.weight',
    },
    changes: {
      'attn_norm.weight': 'add-one',
      'attn_q_norm.weight': 'add-one',
      'attn_k_norm.weight': 'add-one',
      'post_attention_norm.weight': 'add-one',
      'ffn_norm.weight': 'add-one',
      'post_ffw_norm.weight': 'add-one',
      'output_norm.weight': 'add-one',
    },
  },
};

/** A weight's name in GGUF and in Hugging Face's files, and how its values differ. */
export interface WeightName {
  gguf: string;
  huggingFace: string;
  change: WeightChange | undefined;
}

/** The weight of an output head; a model whose head is the embedding has none. */
export const OUTPUT_HEAD = 'output.weight';

/** Frequency factors of Llama 3's RoPE scaling, which Hugging Face's format has in the configuration. */
export const ROPE_FACTORS = 'rope_freqs.weight';

/** Lists the weights of a model of so many blocks in the order in which files have them, the head's among them. */
export function weightNames({ block, changes }: Architecture, blocks: number): WeightName[] {
  const outer = {
    'token_embd.weight': 'model.embed_tokens.weight',
    'output_norm.weight': 'model.norm.weight',
    [OUTPUT_HEAD]: 'lm_head.weight',
  };
  const named = (prefix: string, toPrefix: string, names: Readonly<Record<string, string>>): WeightName[] =>
    Object.entries(names).map(([gguf, huggingFace]) => ({
      gguf: prefix + gguf,
      huggingFace: toPrefix + huggingFace,
      change: changes[gguf],
    }));
  const layers = Array.from({ length: blocks }, (_, i) => named(`blk.${i}.`, `model.layers.${i}.`, block));
  return [...named('', '', outer), ...layers.flat()];
}
