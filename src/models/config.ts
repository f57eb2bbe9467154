/** @file Parses config.json into a description of the model. Families are entries of the table below, not classes. */
import { z } from 'zod';
import { UserError } from '../util/errors.js';

/** Rotary position embedding (Su et al. 2021) and its scaling. */
export interface RopeConfig {
  theta: number;
  scaling:
    | { kind: 'none' }
    | { kind: 'linear'; factor: number }
    | {
        kind: 'llama3';
        factor: number;
        lowFreqFactor: number;
        highFreqFactor: number;
        originalContext: number;
      };
}

export type AttentionKind = 'full' | 'sliding';

/** Describes a decoder-only transformer. Families differ in these values alone. */
export interface ModelConfig {
  family: Family;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  normEps: number;
  /** Whether the head's weight is the embedding's. */
  tied: boolean;
  maxPositions: number;
  /** One entry per layer. */
  attention: readonly AttentionKind[];
  /** Tokens that a sliding layer attends to, the current one included. */
  slidingWindow: number;
  rope: Readonly<Record<AttentionKind, RopeConfig>>;
  attentionScale: number;
  qkvBias: boolean;
  outputBias: boolean;
  mlpBias: boolean;
  /** Whether queries and keys are normed, per head. */
  qkNorm: boolean;
  /** Whether attention and MLP have a norm after them as well as before (Gemma). */
  sandwichNorms: boolean;
  /** 1 where norm weights are stored as offsets from one (Gemma). */
  normOffset: 0 | 1;
  embeddingScale: number;
  activation: 'silu' | 'gelu_tanh';
}

export type Family = 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'gemma3';

/** Differences of a family from the plain Llama block. */
interface FamilyTraits {
  family: Family;
  qkvBias?: true;
  qkNorm?: true;
  sandwichNorms?: true;
  /** Norm weights are stored as offsets from one. */
  normOffset?: 1;
  /** Embeddings are multiplied by √hiddenSize. */
  scaledEmbedding?: true;
  // The rest are the defaults of `transformers` for what config.json leaves out.
  headDim?: number;
  tied?: true;
  activation?: 'gelu_pytorch_tanh';
  slidingWindow?: number;
  /** Which layers slide: all if there is a window, or all but every nth; by default the upper ones, if asked for. */
  sliding?: 'all' | { allBut: number };
  ropeTheta?: number;
  /** Theta of the sliding layers, where they have a rotation of their own; it is not scaled. */
  slidingRopeTheta?: number;
  /** Attention is divided by the root of this instead of the head's size. */
  queryScalar?: number;
}

const families: Record<string, FamilyTraits> = {
  llama: { family: 'llama' },
  mistral: { family: 'mistral', slidingWindow: 4096, sliding: 'all' },
  qwen2: { family: 'qwen2', qkvBias: true, slidingWindow: 4096 },
  qwen3: { family: 'qwen3', qkNorm: true, headDim: 128, slidingWindow: 4096 },
  gemma3_text: {
    family: 'gemma3',
    qkNorm: true,
    sandwichNorms: true,
    normOffset: 1,
    scaledEmbedding: true,
    headDim: 256,
    tied: true,
    activation: 'gelu_pytorch_tanh',
    slidingWindow: 4096,
    sliding: { allBut: 6 },
    ropeTheta: 1_000_000,
    slidingRopeTheta: 10_000,
    queryScalar: 256,
  },
};

const size = z
  .number()
  .int()
  .positive()
  .max(2 ** 31 - 1);
const positive = z.number().positive();

const ropeFields = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: positive.optional(),
  factor: positive.optional(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  original_max_position_embeddings: size.optional(),
});

const fields = z.looseObject({
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size.max(1000),
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  rms_norm_eps: positive.default(1e-6),
  tie_word_embeddings: z.boolean().nullish(),
  max_position_embeddings: size.default(2048),
  hidden_act: z.string().nullish(),
  hidden_activation: z.string().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  sliding_window: size.nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.number().int().nonnegative().nullish(),
  layer_types: z.array(z.string()).nullish(),
  sliding_window_pattern: size.nullish(),
  query_pre_attn_scalar: positive.nullish(),
  rope_theta: positive.nullish(),
  rope_local_base_freq: positive.nullish(),
  rope_scaling: ropeFields.nullish(),
  rope_parameters: z.looseObject({}).nullish(),
  use_bidirectional_attention: z.boolean().nullish(),
  attn_logit_softcapping: z.number().nullish(),
  final_logit_softcapping: z.number().nullish(),
});

type Fields = z.infer<typeof fields>;

/**
 * Parses a Hugging Face `config.json`. `where` names the file in errors.
 * @throws UserError for an unknown family, a missing or invalid field, or a feature that is not implemented
 */
export function parseConfig(json: unknown, where: string): ModelConfig {
  const head = z.looseObject({ model_type: z.string() }).safeParse(json);
  if (!head.success)
    throw new UserError(`${where}: field "model_type" is missing; is this a Hugging Face model config?`);
  const traits = families[head.data.model_type];
  if (!traits) {
    const known = Object.keys(families).join(', ');
    throw new UserError(
      `${where}: model_type "${head.data.model_type}" is not supported; supported are ${known}`,
    );
  }
  const parsed = fields.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new UserError(`${where}: field "${issue.path.join('.')}": ${issue.message}`);
  }
  const f = parsed.data;
  const fail = (field: string, message: string) => new UserError(`${where}: field "${field}": ${message}`);

  const kvHeads = f.num_key_value_heads ?? f.num_attention_heads;
  if (f.num_attention_heads % kvHeads !== 0)
    throw fail('num_key_value_heads', 'must divide num_attention_heads');
  const headDim = f.head_dim ?? traits.headDim ?? f.hidden_size / f.num_attention_heads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0)
    throw fail('head_dim', `${headDim} is not an even whole number`);
  const activation = f.hidden_activation ?? f.hidden_act ?? traits.activation ?? 'silu';
  if (activation !== 'silu' && activation !== 'gelu_pytorch_tanh') {
    throw fail('hidden_act', `"${activation}" is not supported; supported are silu and gelu_pytorch_tanh`);
  }
  for (const field of ['attn_logit_softcapping', 'final_logit_softcapping'] as const) {
    if (f[field]) throw fail(field, 'soft-capped logits are not supported');
  }
  if (f.use_bidirectional_attention) throw fail('use_bidirectional_attention', 'is not supported');
  const slidingWindow = f.sliding_window === undefined ? traits.slidingWindow : f.sliding_window;

  return {
    family: traits.family,
    vocabSize: f.vocab_size,
    hiddenSize: f.hidden_size,
    intermediateSize: f.intermediate_size,
    heads: f.num_attention_heads,
    kvHeads,
    headDim,
    normEps: f.rms_norm_eps,
    tied: f.tie_word_embeddings ?? traits.tied ?? false,
    maxPositions: f.max_position_embeddings,
    attention: attentionKinds(f, traits, slidingWindow != null, fail),
    slidingWindow: slidingWindow ?? f.max_position_embeddings,
    rope: ropes(f, traits, fail),
    attentionScale: (traits.queryScalar ? (f.query_pre_attn_scalar ?? traits.queryScalar) : headDim) ** -0.5,
    qkvBias: traits.qkvBias ?? f.attention_bias ?? false,
    outputBias: traits.qkvBias ? false : (f.attention_bias ?? false),
    mlpBias: f.mlp_bias ?? false,
    qkNorm: traits.qkNorm ?? false,
    sandwichNorms: traits.sandwichNorms ?? false,
    normOffset: traits.normOffset ?? 0,
    embeddingScale: traits.scaledEmbedding ? f.hidden_size ** 0.5 : 1,
    activation: activation === 'silu' ? 'silu' : 'gelu_tanh',
  };
}

type Fail = (field: string, message: string) => UserError;

function attentionKinds(f: Fields, traits: FamilyTraits, windowed: boolean, fail: Fail): AttentionKind[] {
  const layers = f.num_hidden_layers;
  if (f.layer_types) {
    if (f.layer_types.length !== layers)
      throw fail('layer_types', `has ${f.layer_types.length} entries for ${layers} layers`);
    return f.layer_types.map((kind) => {
      if (kind === 'full_attention') return 'full';
      if (kind === 'sliding_attention') return 'sliding';
      throw fail('layer_types', `"${kind}" is not supported`);
    });
  }
  const kinds = (sliding: (layer: number) => boolean): AttentionKind[] =>
    Array.from({ length: layers }, (_, layer) => (sliding(layer) ? 'sliding' : 'full'));
  const { sliding } = traits;
  if (typeof sliding === 'object') {
    const nth = f.sliding_window_pattern ?? sliding.allBut;
    return kinds((layer) => (layer + 1) % nth !== 0);
  }
  if (!windowed) return kinds(() => false);
  if (sliding === 'all') return kinds(() => true);
  // Qwen lists a window but uses it in its upper layers only, and only if `use_sliding_window` is set.
  if (!f.use_sliding_window) return kinds(() => false);
  return kinds((layer) => layer >= (f.max_window_layers ?? 28));
}

/** Reads rope_theta with rope_scaling, or the newer rope_parameters (one object, or one per layer type). */
function ropes(f: Fields, traits: FamilyTraits, fail: Fail): Record<AttentionKind, RopeConfig> {
  const { ropeTheta: defaultTheta = 10_000, slidingRopeTheta } = traits;
  const parse = (value: unknown, field: string, theta: number): RopeConfig => {
    const parsed = ropeFields.safeParse(value ?? {});
    if (!parsed.success)
      throw fail(`${field}.${parsed.error.issues[0]!.path.join('.')}`, parsed.error.issues[0]!.message);
    return ropeConfig(parsed.data, field, theta, fail);
  };
  const nested = f.rope_parameters;
  if (nested) {
    if ('full_attention' in nested || 'sliding_attention' in nested) {
      return {
        full: parse(nested.full_attention, 'rope_parameters.full_attention', defaultTheta),
        sliding: parse(
          nested.sliding_attention,
          'rope_parameters.sliding_attention',
          slidingRopeTheta ?? 10_000,
        ),
      };
    }
    const rope = parse(nested, 'rope_parameters', f.rope_theta ?? defaultTheta);
    return { full: rope, sliding: rope };
  }
  const full = parse(f.rope_scaling, 'rope_scaling', f.rope_theta ?? defaultTheta);
  if (slidingRopeTheta === undefined) return { full, sliding: full };
  const theta = f.rope_local_base_freq ?? slidingRopeTheta;
  return { full, sliding: { theta, scaling: { kind: 'none' } } };
}

function ropeConfig(
  rope: z.infer<typeof ropeFields>,
  field: string,
  defaultTheta: number,
  fail: Fail,
): RopeConfig {
  const theta = rope.rope_theta ?? defaultTheta;
  const need = (
    name: 'factor' | 'low_freq_factor' | 'high_freq_factor' | 'original_max_position_embeddings',
  ) => {
    const value = rope[name];
    if (value === undefined) throw fail(`${field}.${name}`, 'is missing');
    return value;
  };
  const kind = rope.rope_type ?? rope.type ?? 'default';
  switch (kind) {
    case 'default':
      return { theta, scaling: { kind: 'none' } };
    case 'linear':
      return { theta, scaling: { kind: 'linear', factor: need('factor') } };
    case 'llama3':
      return {
        theta,
        scaling: {
          kind: 'llama3',
          factor: need('factor'),
          lowFreqFactor: need('low_freq_factor'),
          highFreqFactor: need('high_freq_factor'),
          originalContext: need('original_max_position_embeddings'),
        },
      };
    default:
      throw fail(
        `${field}.rope_type`,
        `"${kind}" is not supported; supported are default, linear and llama3`,
      );
  }
}
