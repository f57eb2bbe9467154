/** @file Describes a training stage's settings: keys, ranges and defaults. Reads no files. */

import { z } from 'zod';
import { createObjective, type ObjectiveSpec } from '../objectives/index.js';
import { layouts } from '../text/rows.js';
import { computeDtypes } from '../torch/dtype.js';
import { messageOf } from '../util/errors.js';
import { decays } from './schedule.js';

const count = z.int().positive();
const fraction = z.number().min(0).max(1);

const epochsOrSteps = (recipe: { epochs?: number | undefined; max_steps?: number | undefined }): boolean =>
  recipe.epochs === undefined || recipe.max_steps === undefined;
const notBoth = { path: ['max_steps'], message: 'give epochs or max_steps, not both' };

/** Refuses whatever `createObjective` would refuse, before anything runs. */
function checkObjective(spec: ObjectiveSpec, context: z.RefinementCtx): void {
  try {
    createObjective(spec);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
}

const trainKeys = z.strictObject({
  /** A model directory. */
  model: z.string().min(1),
  /** JSON lines of messages or preference rows. */
  data: z.string().min(1),
  /** `name` and the objective's own parameters. */
  objective: z.looseObject({ name: z.string() }).superRefine(checkObjective),
  /** How a row becomes tokens: by the model's template, or in the REDI paper's layout. */
  layout: z.enum(layouts).default('template'),
  /** A system message for every row that has none; without this key the template's own default stands. */
  system: z.string().optional(),
  /** The most tokens of a row; longer rows are left out and counted. Default: the model's positions. */
  max_length: count.optional(),
  /** Whether errors that `redistill doctor` finds in a sample of the data end the run or are only reported. */
  doctor: z.enum(['refuse', 'warn', 'off']).default('refuse'),
  optimizer: z.strictObject({
    lr: z.number().positive(),
    betas: z.tuple([fraction, fraction]).default([0.9, 0.999]),
    eps: z.number().positive().default(1e-8),
    weight_decay: z.number().min(0).default(0),
    clip_grad_norm: z.number().positive().default(1),
  }),
  schedule: z
    .strictObject({
      warmup_ratio: fraction.default(0.1),
      decay: z.enum(decays).default('linear'),
    })
    .prefault({}),
  /** Rows, or pairs, per optimizer step. */
  batch_size: count.default(8),
  epochs: z.number().positive().optional(),
  max_steps: count.optional(),
  /** Tokens that go through the model at once; fewer take less memory. */
  token_budget: count.default(1024),
  /** Compute each layer again in the backward pass instead of keeping its activations. */
  recompute: z.boolean().default(false),
  dtype: z.enum(computeDtypes).default('bf16'),
  device: z.string().default('cpu'),
  seed: z.int().min(0).default(42),
  save: z
    .strictObject({
      /** Steps between weight checkpoints; the last step is always saved. */
      every: count.optional(),
    })
    .prefault({}),
});

/** A training stage without its place on disk, as a pipeline holds it. */
export const trainSettings = trainKeys.refine(epochsOrSteps, notBoth);

/** A training stage as a recipe file describes it. Unknown keys are errors. */
export const trainRecipe = trainKeys
  .extend({
    stage: z.literal('train').default('train'),
    /** The run's directory. */
    out: z.string().min(1),
  })
  .refine(epochsOrSteps, notBoth);

export type TrainRecipe = z.output<typeof trainRecipe>;
