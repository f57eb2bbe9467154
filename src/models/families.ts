/** @file Lists the supported families and what sets each apart. Families are data, not classes. */
export type Family = 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'gemma3';

/** Differences of a family from the plain Llama block. */
export interface FamilyTraits {
  family: Family;
  /** How the names of its classes in `architectures` begin. */
  className: string;
  /** Whether `attention_bias` and `mlp_bias` are read; elsewhere they mean nothing to `transformers`. */
  readsAttentionBias?: true;
  readsMlpBias?: true;
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
  /** Which layers slide: all if there is a window, the upper ones if asked for, or all but every nth; by default none. */
  sliding?: 'all' | 'upper' | { allBut: number };
  ropeTheta?: number;
  /** Theta of the sliding layers, where they have a rotation of their own; it is not scaled. */
  slidingRopeTheta?: number;
  /** Attention is divided by the root of this instead of the head's size. */
  queryScalar?: number;
}

const families: Readonly<Record<string, FamilyTraits>> = {
  llama: { family: 'llama', className: 'Llama', readsAttentionBias: true, readsMlpBias: true },
  mistral: { family: 'mistral', className: 'Mistral', slidingWindow: 4096, sliding: 'all' },
  qwen2: { family: 'qwen2', className: 'Qwen2', qkvBias: true, slidingWindow: 4096, sliding: 'upper' },
  qwen3: {
    family: 'qwen3',
    className: 'Qwen3',
    readsAttentionBias: true,
    qkNorm: true,
    headDim: 128,
    slidingWindow: 4096,
    sliding: 'upper',
  },
  gemma3_text: {
    family: 'gemma3',
    className: 'Gemma3',
    readsAttentionBias: true,
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

export const familyNames: readonly string[] = Object.keys(families);

/** Returns the traits of the family that `model_type` names; undefined if it is none of ours. */
export function familyTraits(modelType: string): FamilyTraits | undefined {
  return Object.hasOwn(families, modelType) ? families[modelType] : undefined;
}
