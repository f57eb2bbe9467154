/** @file Reads how a rotation's frequencies are scaled for contexts longer than those of the pre-training. */
import { z } from 'zod';
import { positive, size, type Fail } from './configFields.js';

/**
 * How frequencies are scaled. `originalContext` is the length of the pre-training; cosines and sines are multiplied by
 * `attentionFactor`.
 */
export type RopeScaling =
  | { kind: 'none' }
  /** Positions are divided by the factor (Chen et al. 2023, arXiv:2306.15595). */
  | { kind: 'linear'; factor: number }
  /** The base grows with a sequence that is longer than the context ("dynamic NTK"). */
  | { kind: 'dynamic'; factor: number; originalContext: number }
  /** Peng et al. 2023, arXiv:2309.00071. */
  | {
      kind: 'yarn';
      factor: number;
      originalContext: number;
      betaFast: number;
      betaSlow: number;
      truncate: boolean;
      attentionFactor: number;
    }
  /** Llama 3.1. */
  | {
      kind: 'llama3';
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      originalContext: number;
    }
  /** A factor for each frequency, others in sequences longer than the context (Ding et al. 2024, arXiv:2402.13753). */
  | {
      kind: 'longrope';
      shortFactors: readonly number[];
      longFactors: readonly number[];
      originalContext: number;
      attentionFactor: number;
    };

/** The settings of a rotation, as config.json names them. */
export const ropeFields = z.looseObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: positive.nullish(),
  factor: positive.nullish(),
  low_freq_factor: positive.nullish(),
  high_freq_factor: positive.nullish(),
  original_max_position_embeddings: size.nullish(),
  attention_factor: positive.nullish(),
  beta_fast: positive.nullish(),
  beta_slow: positive.nullish(),
  mscale: z.number().nonnegative().nullish(),
  mscale_all_dim: z.number().nonnegative().nullish(),
  truncate: z.boolean().nullish(),
  short_factor: z.array(positive).nullish(),
  long_factor: z.array(positive).nullish(),
});
export type RopeFields = z.infer<typeof ropeFields>;

type Setting = Extract<keyof RopeFields, string>;

/** What each kind of rotation must have and may have besides its name and `rope_theta`; it has no others. */
const kinds = new Map<string, { needs: readonly Setting[]; takes?: readonly Setting[] }>([
  ['default', { needs: [] }],
  ['linear', { needs: ['factor'] }],
  ['dynamic', { needs: ['factor'] }],
  [
    'yarn',
    {
      needs: ['factor'],
      takes: [
        'original_max_position_embeddings',
        'attention_factor',
        'beta_fast',
        'beta_slow',
        'mscale',
        'mscale_all_dim',
        'truncate',
      ],
    },
  ],
  [
    'llama3',
    { needs: ['factor', 'low_freq_factor', 'high_freq_factor', 'original_max_position_embeddings'] },
  ],
  [
    'longrope',
    {
      needs: ['short_factor', 'long_factor'],
      takes: ['factor', 'original_max_position_embeddings', 'attention_factor'],
    },
  ],
]);

/** A setting with the name by which errors call it. */
export interface FoundSetting {
  path: string;
  value: unknown;
}

/** What the rest of config.json says that a scaling depends on. */
export interface RopeContext {
  /** `max_position_embeddings` */
  positions: number;
  /** `original_max_position_embeddings` beside the rotation's own settings. */
  original: number | null | undefined;
  headDim: number;
}

/**
 * Makes a scaling of settings that have passed `ropeFields`.
 * @param field the place of a setting that is missing
 */
export function ropeScaling(
  found: ReadonlyMap<string, FoundSetting>,
  context: RopeContext,
  field: string,
  fail: Fail,
): RopeScaling {
  const kind = (found.get('rope_type')?.value ?? 'default') as string;
  const settings = kinds.get(kind);
  if (settings === undefined) {
    throw fail(
      found.get('rope_type')!.path,
      `${show(kind)} is not supported; supported are ${[...kinds.keys()].join(', ').replace(/, (?=\w+$)/, ' and ')}`,
    );
  }
  const own: readonly string[] = ['rope_theta', 'rope_type', ...settings.needs, ...(settings.takes ?? [])];
  for (const [name, { path, value }] of found) {
    if (own.includes(name)) continue;
    throw fail(path, `${show(value)} has no meaning for the rope_type ${show(kind)}; correct one of them`);
  }
  const outer = found.get('original_max_position_embeddings');
  if (context.original != null && outer !== undefined && outer.value !== context.original)
    throw fail(
      outer.path,
      `${show(outer.value)} contradicts original_max_position_embeddings, which is ${context.original}`,
    );
  const given = Object.fromEntries(Array.from(found, ([name, { value }]) => [name, value])) as RopeFields;
  if (context.original != null) given.original_max_position_embeddings ??= context.original;
  const missing = settings.needs.find((name) => given[name] == null);
  if (missing !== undefined) throw fail(`${field}.${missing}`, 'is missing');
  const refuse = (name: Setting, message: string) =>
    fail(found.get(name)?.path ?? `${field}.${name}`, message);
  return build(kind, given, context, refuse);
}

function build(kind: string, f: RopeFields, { positions, headDim }: RopeContext, refuse: Fail): RopeScaling {
  const factor = f.factor!; // there where the kind needs one
  const originalContext = f.original_max_position_embeddings ?? positions;
  if ((kind === 'dynamic' || kind === 'yarn') && factor < 1)
    throw refuse('factor', `${factor} would shorten the context; it is from 1 up`);
  switch (kind) {
    case 'linear':
      return { kind, factor };
    case 'dynamic':
      return { kind, factor, originalContext };
    case 'yarn': {
      const [betaFast, betaSlow] = [f.beta_fast ?? 32, f.beta_slow ?? 1];
      if (betaFast < betaSlow)
        throw refuse('beta_fast', `${betaFast} is below beta_slow, which is ${betaSlow}`);
      const attentionFactor = f.attention_factor ?? yarnAttention(factor, f);
      const truncate = f.truncate ?? true;
      return { kind, factor, originalContext, betaFast, betaSlow, truncate, attentionFactor };
    }
    case 'llama3':
      return {
        kind,
        factor,
        lowFreqFactor: f.low_freq_factor!,
        highFreqFactor: f.high_freq_factor!,
        originalContext,
      };
    case 'longrope': {
      const [shortFactors, longFactors] = [f.short_factor!, f.long_factor!];
      for (const name of ['short_factor', 'long_factor'] as const)
        if (f[name]!.length !== headDim / 2)
          throw refuse(
            name,
            `has ${f[name]!.length} numbers, but a head of ${headDim} turns ${headDim / 2} pairs`,
          );
      const stretch = f.factor ?? positions / originalContext;
      const attentionFactor =
        f.attention_factor ??
        (stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(originalContext)));
      return { kind, shortFactors, longFactors, originalContext, attentionFactor };
    }
    default:
      return { kind: 'none' };
  }
}

/** The factor by which YaRN sharpens attention: 0.1 ln(factor) + 1, or as DeepSeek's models weigh it. */
function yarnAttention(factor: number, { mscale, mscale_all_dim: ofAll }: RopeFields): number {
  const scale = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  return mscale && ofAll ? scale(mscale) / scale(ofAll) : scale(1);
}

/**
 * Returns the longest sequence that a model takes: `positions`, or more where the scaling itself lengthens the context
 * and `positions` still is that of the pre-training.
 */
export function longestContext(scaling: RopeScaling, positions: number): number {
  if (scaling.kind !== 'yarn' && scaling.kind !== 'dynamic') return positions;
  return Math.max(positions, Math.floor(scaling.factor * scaling.originalContext));
}

export const show = (value: unknown) => JSON.stringify(value);
