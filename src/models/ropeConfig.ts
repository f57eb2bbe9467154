/** @file Reads how positions are rotated from config.json, which may say it in several places. */
import { z } from 'zod';
import { positive, size, type Fail } from './configFields.js';
import type { FamilyTraits } from './families.js';
import {
  ropeFields,
  ropeScaling,
  show,
  type FoundSetting,
  type RopeContext,
  type RopeScaling,
} from './ropeScaling.js';
import type { AttentionKind } from './slidingLayers.js';

/** Rotary position embedding (Su et al. 2021) and its scaling. */
export interface RopeConfig {
  theta: number;
  scaling: RopeScaling;
}

/** The settings of config.json that say how positions are rotated. */
export const ropeSettings = {
  rope_theta: positive.nullish(),
  rope_local_base_freq: positive.nullish(),
  rope_scaling: z.looseObject({}).nullish(),
  rope_parameters: z.looseObject({}).nullish(),
  original_max_position_embeddings: size.nullish(),
};
type RopeSettings = z.infer<z.ZodObject<typeof ropeSettings>>;

/** An object of settings under the name by which errors call it. */
interface Source {
  field: string;
  value: Record<string, unknown>;
}

/**
 * Reads `rope_theta` with `rope_scaling`, or the newer `rope_parameters` (one object, or one for each kind of layer where
 * a family has two). Where two of them speak of the same thing they must agree: releases of `transformers` differ in
 * which they believe.
 */
export function ropeConfigs(
  f: RopeSettings & { max_position_embeddings: number },
  headDim: number,
  traits: FamilyTraits,
  fail: Fail,
): Record<AttentionKind, RopeConfig> {
  const { ropeTheta: defaultTheta = 10_000, slidingRopeTheta } = traits;
  const nested = f.rope_parameters ?? {};
  const flat =
    Object.keys(nested).length > 0 &&
    !Object.hasOwn(nested, 'full_attention') &&
    !Object.hasOwn(nested, 'sliding_attention');
  const byKind = Object.keys(nested).length > 0 && !flat;
  const top = (theta: number | null | undefined, field: string): Source[] =>
    theta == null ? [] : [{ field, value: { rope_theta: theta } }];
  const scaling: Source[] = f.rope_scaling ? [{ field: 'rope_scaling', value: f.rope_scaling }] : [];
  const context = {
    positions: f.max_position_embeddings,
    original: f.original_max_position_embeddings,
    headDim,
  };

  if (slidingRopeTheta === undefined) {
    if (byKind)
      throw fail(
        'rope_parameters',
        `a ${traits.family} model has one rotation for all layers, not one for each kind`,
      );
    const own = flat ? [{ field: 'rope_parameters', value: nested }] : [];
    const rope = merge([...top(f.rope_theta, ''), ...own, ...scaling], defaultTheta, context, fail);
    return { full: rope, sliding: rope };
  }
  if (flat)
    throw fail(
      'rope_parameters',
      'needs full_attention and sliding_attention, a rotation for each kind of layer',
    );
  const kind = (name: 'full_attention' | 'sliding_attention'): Source[] => {
    const value = nested[name];
    if (value == null) return [];
    if (typeof value !== 'object' || Array.isArray(value))
      throw fail(`rope_parameters.${name}`, 'is not an object');
    return [{ field: `rope_parameters.${name}`, value: value as Record<string, unknown> }];
  };
  const full = [...top(f.rope_theta, ''), ...kind('full_attention'), ...scaling];
  const sliding = [...top(f.rope_local_base_freq, ''), ...kind('sliding_attention')];
  return {
    full: merge(full, defaultTheta, context, fail),
    sliding: merge(sliding, slidingRopeTheta, { ...context, original: undefined }, fail),
  };
}

/** Makes one rotation of several sources, which must not contradict each other. */
function merge(
  sources: readonly Source[],
  defaultTheta: number,
  context: RopeContext,
  fail: Fail,
): RopeConfig {
  const found = new Map<string, FoundSetting>();
  for (const { field, value } of sources) {
    const parsed = ropeFields.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw fail(`${field}.${issue!.path.join('.')}`, issue!.message);
    }
    for (const [key, entry] of Object.entries(parsed.data)) {
      const name = key === 'type' ? 'rope_type' : key;
      const neutral = entry == null || (name === 'partial_rotary_factor' && entry === 1);
      if (neutral) continue;
      const path = field === '' ? key : `${field}.${key}`;
      const other = found.get(name);
      if (other !== undefined && show(other.value) !== show(entry))
        throw fail(
          path,
          `${show(entry)} contradicts ${other.path}, which is ${show(other.value)}; remove the one that is wrong`,
        );
      found.set(name, { path, value: entry });
    }
  }
  const theta = (found.get('rope_theta')?.value ?? defaultTheta) as number; // checked by the schema
  return { theta, scaling: ropeScaling(found, context, sources.at(-1)?.field ?? '', fail) };
}
