/** @file Parses config.json into a description of the model, or refuses what contradicts itself or is not computed here. */
import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { positive, size, type Fail } from './configFields.js';
import { familyNames, familyTraits, type Family, type FamilyTraits } from './families.js';
import { ropeConfigs, ropeSettings, type RopeConfig } from './ropeConfig.js';
import { longestContext } from './ropeScaling.js';
import { slidingLayers, slidingSettings, type AttentionKind } from './slidingLayers.js';
import { strangeSetting } from './strangeSettings.js';

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
  /** The most tokens of a sequence. */
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
  architectures: z.array(z.string()).nullish(),
  quantization_config: z.unknown().optional(),
  hidden_act: z.string().nullish(),
  hidden_activation: z.string().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  query_pre_attn_scalar: positive.nullish(),
  ...slidingSettings,
  ...ropeSettings,
  use_bidirectional_attention: z.boolean().nullish(),
  attn_logit_softcapping: z.number().nullish(),
  final_logit_softcapping: z.number().nullish(),
});

type Fields = z.infer<typeof fields>;
const known: ReadonlySet<string> = new Set(['model_type', ...Object.keys(fields.shape)]);

/**
 * Parses a Hugging Face `config.json`. `where` names the file in errors.
 * @throws UserError for an unknown family, a missing or invalid field, settings that contradict each other, and for what
 *   is not computed here
 */
export function parseConfig(json: unknown, where: string): ModelConfig {
  const head = z.looseObject({ model_type: z.string() }).safeParse(json);
  if (!head.success)
    throw new UserError(`${where}: field "model_type" is missing; is this a Hugging Face model config?`);
  const traits = familyTraits(head.data.model_type);
  if (!traits) {
    throw new UserError(
      `${where}: model_type ${JSON.stringify(head.data.model_type)} is not supported; supported are ${familyNames.join(', ')}`,
    );
  }
  const parsed = fields.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new UserError(`${where}: field "${issue.path.join('.')}": ${issue.message}`);
  }
  const f = parsed.data;
  const fail: Fail = (field, message) => new UserError(`${where}: field "${field}": ${message}`);
  refuseOthers(f, traits, fail);

  const kvHeads = f.num_key_value_heads ?? f.num_attention_heads;
  if (f.num_attention_heads % kvHeads !== 0)
    throw fail(
      'num_key_value_heads',
      `must divide num_attention_heads, which is ${f.num_attention_heads}, but is ${kvHeads}`,
    );
  const headDim = f.head_dim ?? traits.headDim ?? f.hidden_size / f.num_attention_heads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0)
    throw fail('head_dim', `${headDim} is not an even whole number`);
  const { attention, window } = slidingLayers(f, traits, fail);
  const rope = ropeConfigs(f, headDim, traits, fail);
  const maxPositions = longestContext(rope.full.scaling, f.max_position_embeddings);

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
    maxPositions,
    attention,
    slidingWindow: window ?? maxPositions,
    rope,
    attentionScale: (traits.queryScalar ? (f.query_pre_attn_scalar ?? traits.queryScalar) : headDim) ** -0.5,
    qkvBias: traits.qkvBias ?? f.attention_bias ?? false,
    outputBias: traits.qkvBias ? false : (f.attention_bias ?? false),
    mlpBias: f.mlp_bias ?? false,
    qkNorm: traits.qkNorm ?? false,
    sandwichNorms: traits.sandwichNorms ?? false,
    normOffset: traits.normOffset ?? 0,
    embeddingScale: traits.scaledEmbedding ? f.hidden_size ** 0.5 : 1,
    activation: activationOf(f, traits, fail),
  };
}

/** Refuses what would make the model another than the one that is computed here. */
function refuseOthers(f: Fields, traits: FamilyTraits, fail: Fail): void {
  const { family, className } = traits;
  const ours = new RegExp(`^${className}(Text)?(For[A-Z]\\w*|Model|LMHeadModel)$`);
  if (f.architectures?.length && !f.architectures.some((name) => ours.test(name))) {
    throw fail(
      'architectures',
      `${JSON.stringify(f.architectures)} contradicts model_type, which is of the family ${family}`,
    );
  }
  if (f.quantization_config != null)
    throw fail(
      'quantization_config',
      'quantized weights are not supported; take the model in bf16, f16 or f32',
    );
  for (const field of ['attn_logit_softcapping', 'final_logit_softcapping'] as const) {
    if (f[field] != null) throw fail(field, 'soft-capped logits are not supported');
  }
  if (f.use_bidirectional_attention) throw fail('use_bidirectional_attention', 'is not supported');
  if (f.attention_bias && traits.readsAttentionBias !== true && traits.qkvBias !== true)
    throw fail('attention_bias', `true, but the attention of a ${family} model has no biases`);
  if (f.mlp_bias && traits.readsMlpBias !== true)
    throw fail('mlp_bias', `true, but the MLP of a ${family} model has no biases`);
  if (f.query_pre_attn_scalar != null && traits.queryScalar === undefined)
    throw fail(
      'query_pre_attn_scalar',
      `a ${family} model divides by the root of head_dim; remove it if that is meant`,
    );
  const strange = strangeSetting(f, known);
  if (strange !== undefined) {
    throw fail(
      strange,
      `${JSON.stringify(f[strange]).slice(0, 200)} is no setting of a ${family} model as it is computed here; remove it if it changes nothing`,
    );
  }
}

/** Reads the family's own name for its activation; the other name, if it is there, must say the same. */
function activationOf(f: Fields, traits: FamilyTraits, fail: Fail): ModelConfig['activation'] {
  const [own, other] =
    traits.activation === undefined
      ? (['hidden_act', 'hidden_activation'] as const)
      : (['hidden_activation', 'hidden_act'] as const);
  const name = f[own] ?? traits.activation ?? 'silu';
  if (f[other] != null && f[other] !== name)
    throw fail(other, `"${f[other]}" contradicts ${own}, which is "${name}"; remove the one that is wrong`);
  const activation = activations.get(name);
  if (activation === undefined)
    throw fail(own, `"${name}" is not supported; supported are ${[...activations.keys()].join(' and ')}`);
  return activation;
}

const activations = new Map<string, ModelConfig['activation']>([
  ['silu', 'silu'],
  ['gelu_pytorch_tanh', 'gelu_tanh'],
]);
