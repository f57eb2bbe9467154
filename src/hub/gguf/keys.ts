/** @file Names the metadata keys of GGUF files, for reading and for writing. */

/** Sizes and settings of a model; in a file, the architecture's name and a dot precede them. */
export const MODEL_KEYS = {
  context: 'context_length',
  hidden: 'embedding_length',
  feedForward: 'feed_forward_length',
  blocks: 'block_count',
  queryHeads: 'attention.head_count',
  keyHeads: 'attention.head_count_kv',
  headDim: 'attention.key_length',
  valueDim: 'attention.value_length',
  normEps: 'attention.layer_norm_rms_epsilon',
  window: 'attention.sliding_window',
  ropeTheta: 'rope.freq_base',
  ropeDimensions: 'rope.dimension_count',
  ropeScaling: 'rope.scaling.type',
  ropeFactor: 'rope.scaling.factor',
  experts: 'expert_count',
} as const;

export const ARCHITECTURE = 'general.architecture';

export const TOKENIZER_KEYS = {
  model: 'tokenizer.ggml.model',
  pre: 'tokenizer.ggml.pre',
  tokens: 'tokenizer.ggml.tokens',
  types: 'tokenizer.ggml.token_type',
  scores: 'tokenizer.ggml.scores',
  merges: 'tokenizer.ggml.merges',
  spacePrefix: 'tokenizer.ggml.add_space_prefix',
  template: 'tokenizer.chat_template',
} as const;

/** Tokens with a part of their own, by the names that their keys have. */
export type NamedToken = 'bos' | 'eos' | 'eot' | 'eom' | 'unknown' | 'padding';

export const tokenIdKey = (token: NamedToken): string => `tokenizer.ggml.${token}_token_id`;

/** Whether texts get the token. */
export const addsTokenKey = (token: 'bos' | 'eos'): string => `tokenizer.ggml.add_${token}_token`;

/** The tokens that transformers names too, by its names. */
export const NAMED_TOKENS = {
  bos_token: 'bos',
  eos_token: 'eos',
  unk_token: 'unknown',
  pad_token: 'padding',
} as const satisfies Record<string, NamedToken>;

/** Values of `tokenizer.ggml.token_type`. */
export const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
