/** @file Reads which layers attend to a window, and how large it is, from config.json. */
import { z } from 'zod';
import { size, type Fail } from './configFields.js';
import type { FamilyTraits } from './families.js';

export type AttentionKind = 'full' | 'sliding';

/** The settings of config.json that say which layers slide. */
export const slidingSettings = {
  sliding_window: size.nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.number().int().nonnegative().nullish(),
  layer_types: z.array(z.string()).nullish(),
  sliding_window_pattern: size.nullish(),
};
type SlidingSettings = z.infer<z.ZodObject<typeof slidingSettings>>;

const layerKinds = new Map<string, AttentionKind>([
  ['full_attention', 'full'],
  ['sliding_attention', 'sliding'],
]);

/** Returns each layer's kind of attention, and the window; undefined where no layer slides. */
export function slidingLayers(
  f: SlidingSettings & { num_hidden_layers: number; max_position_embeddings: number },
  traits: FamilyTraits,
  fail: Fail,
): { attention: AttentionKind[]; window: number | undefined } {
  const layers = f.num_hidden_layers;
  const given = f.sliding_window === undefined ? traits.slidingWindow : (f.sliding_window ?? undefined);
  const used = traits.sliding === 'upper' ? f.use_sliding_window === true : f.use_sliding_window !== false;
  const window = used ? given : undefined;
  if (traits.sliding === undefined && window !== undefined && window < f.max_position_embeddings)
    throw fail(
      'sliding_window',
      `${window}, but a ${traits.family} model attends to all tokens; remove it if that is meant`,
    );

  const byRule = Array.from({ length: layers }, (_, layer) =>
    slides(layer, f, traits, window) ? 'sliding' : 'full',
  );
  const attention = f.layer_types == null ? byRule : listed(f.layer_types, layers, fail);
  const strange = attention.findIndex((kind, layer) => kind !== byRule[layer]);
  if (strange >= 0 && decides(f, traits)) {
    const rule = `${byRule[strange]}_attention`;
    throw fail(
      'layer_types',
      `says ${attention[strange]}_attention for layer ${strange}, but ${reason(f, traits)} means ${rule}; correct one of them`,
    );
  }
  if (attention.includes('sliding') && window === undefined)
    throw fail(
      'layer_types',
      `has sliding_attention, but there is no sliding_window${used ? '' : ' (use_sliding_window is false)'}`,
    );
  return { attention, window };
}

function slides(
  layer: number,
  f: SlidingSettings,
  { sliding }: FamilyTraits,
  window: number | undefined,
): boolean {
  if (typeof sliding === 'object') return (layer + 1) % (f.sliding_window_pattern ?? sliding.allBut) !== 0;
  // Qwen lists a window but uses it in its upper layers only, and only if `use_sliding_window` is set.
  return (
    window !== undefined &&
    (sliding === 'all' || (sliding === 'upper' && layer >= (f.max_window_layers ?? 28)))
  );
}

function listed(types: readonly string[], layers: number, fail: Fail): AttentionKind[] {
  if (types.length !== layers) throw fail('layer_types', `has ${types.length} entries for ${layers} layers`);
  return types.map((type) => {
    const kind = layerKinds.get(type);
    if (kind === undefined) throw fail('layer_types', `"${type}" is not supported`);
    return kind;
  });
}

/** Whether another setting, or the family itself, says as much as `layer_types` does. */
function decides(f: SlidingSettings, { sliding }: FamilyTraits): boolean {
  if (typeof sliding === 'object') return f.sliding_window_pattern != null;
  return sliding !== 'upper' || f.use_sliding_window !== true || f.max_window_layers != null;
}

function reason(f: SlidingSettings, { family, sliding }: FamilyTraits): string {
  if (typeof sliding === 'object') return `sliding_window_pattern ${f.sliding_window_pattern}`;
  if (sliding === 'all') return `sliding_window ${f.sliding_window ?? null} in a ${family} model`;
  if (sliding === undefined) return `model_type ${family}`;
  return f.use_sliding_window === true
    ? `max_window_layers ${f.max_window_layers}`
    : 'use_sliding_window false';
}
