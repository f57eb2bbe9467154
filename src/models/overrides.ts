/** @file Settings of config.json that a recipe changes, such as the base of the rotation for longer traces. */
import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { size, type Fail } from './configFields.js';
import { familyTraits } from './families.js';
import { ropeConfigs } from './ropeConfig.js';

/** Kinds of rotation that depend on the pre-training's context: a recipe says it, since it may change the positions as well. */
const NEEDS_ORIGINAL = ['yarn', 'longrope'];

/** Refuses a scaling that no model could have; what depends on the model is seen when its config.json is read. */
function checkScaling(scaling: Record<string, unknown> | null, context: z.RefinementCtx): void {
  if (scaling === null) return;
  const refuse: Fail = (field, message) => {
    const path = field.split('.').filter((name) => name !== 'rope_scaling' && name !== '');
    context.addIssue({ code: 'custom', path, message });
    return new UserError(message);
  };
  if ('rope_theta' in scaling) {
    refuse('rope_theta', 'stands beside rope_scaling, not in it');
    return;
  }
  const pairs = Array.isArray(scaling.short_factor) ? scaling.short_factor.length : 1;
  try {
    const settings = { rope_scaling: scaling, max_position_embeddings: 1 };
    const { kind } = ropeConfigs(settings, 2 * pairs, familyTraits('llama')!, refuse).full.scaling;
    if (kind === 'none') refuse('rope_type', 'is missing; null takes the scaling of the model away');
    if (NEEDS_ORIGINAL.includes(kind) && scaling.original_max_position_embeddings == null)
      refuse('original_max_position_embeddings', 'is missing: the positions of the pre-training');
  } catch (error) {
    if (!(error instanceof UserError)) throw error; // which is among the issues
  }
}

export const modelOverrides = z.strictObject({
  rope_theta: z
    .number()
    .gt(1)
    .optional()
    .describe('base of the rotation; a larger one, such as 300000, is for longer sequences'),
  max_position_embeddings: size
    .optional()
    .describe('the most tokens of a sequence; the weights do not depend on it'),
  rope_scaling: z
    .record(z.string(), z.unknown())
    .nullable()
    .superRefine(checkScaling)
    .optional()
    .describe('as config.json has it, such as { rope_type: yarn, factor: 4, … }; null is none'),
});

/** What a recipe changes of a model's config.json. */
export type ModelOverrides = z.output<typeof modelOverrides>;

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** Returns a config.json with these changes, in the words of the release of `transformers` that wrote it. */
export function overridden(config: Json, overrides: ModelOverrides): Json {
  const { rope_theta: theta, max_position_embeddings: positions, rope_scaling: scaling } = overrides;
  const result = { ...config };
  if (positions !== undefined) result.max_position_embeddings = positions;
  const { rope_parameters: parameters } = config;
  const isNewer = isObject(parameters) && Object.keys(parameters).length > 0;
  if (theta !== undefined && (!isNewer || 'rope_theta' in config)) result.rope_theta = theta;
  if (scaling !== undefined) {
    if (!isNewer || 'rope_scaling' in config) result.rope_scaling = scaling;
    // Beside the scaling it would contradict the new one, or mean nothing.
    delete result.original_max_position_embeddings;
  }
  if (isNewer) result.rope_parameters = overriddenRope(parameters, theta, scaling);
  return result;
}

/** Changes the rotation of all layers, or of those with full attention where others have one of their own. */
function overriddenRope(
  parameters: Json,
  theta: number | undefined,
  scaling: ModelOverrides['rope_scaling'],
): Json {
  const { full_attention: full } = parameters;
  if (isObject(full)) return { ...parameters, full_attention: overriddenRope(full, theta, scaling) };
  const { rope_theta: ownTheta } = parameters;
  const { type, ...settings } = scaling ?? {};
  const scaled =
    scaling === undefined
      ? parameters
      : {
          rope_type: type ?? 'default',
          ...settings,
          ...(ownTheta !== undefined && { rope_theta: ownTheta }),
        };
  return { ...scaled, ...(theta !== undefined && { rope_theta: theta }) };
}
