/** @file Describes the settings of low-rank adapters. Reads no files. */
import { z } from 'zod';
import { loraTargets } from '../models/loraTargets.js';

/** The largest rank: a projection's own is no larger in the models that there are. */
const MAX_RANK = 1 << 16;

/** Beyond it, products of adapters leave the range of numbers before they are of any use. */
const MAX_ALPHA = 1e6;

export const loraSettings = z
  .strictObject({
    rank: z.int().min(1).max(MAX_RANK).default(16).describe('rows of A and columns of B'),
    alpha: z
      .number()
      .positive()
      .max(MAX_ALPHA)
      .default(32)
      .describe('what B·A is multiplied by, divided by the rank'),
    target_modules: z
      .union([z.literal('all-linear'), z.array(z.enum(loraTargets)).min(1)])
      .default(['q_proj', 'v_proj'])
      .describe('the projections that have an adapter; all-linear is all of these'),
    use_rslora: z
      .boolean()
      .default(false)
      .describe("whether alpha is divided by the rank's root instead (rsLoRA)"),
    use_dora: z
      .boolean()
      .default(false)
      .describe('whether the size of each row is trained beside its direction (DoRA)'),
  })
  .describe(
    "train low-rank adapters of the projections instead of all weights; the result is an adapter in PEFT's format",
  );

export type LoraSettings = z.output<typeof loraSettings>;

/** Returns the last names of the projections that have an adapter. */
export const targetsOf = ({ target_modules: targets }: LoraSettings): readonly string[] =>
  targets === 'all-linear' ? loraTargets : targets;
