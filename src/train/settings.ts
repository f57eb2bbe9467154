/** @file Describes a training stage's settings: keys, ranges and defaults. Reads no files. */

import { z } from 'zod';
import {
  createObjective,
  createTerms,
  objectiveDefinitions,
  objectiveNames,
  type ObjectiveSetting,
  type ObjectiveSpec,
} from '../objectives/index.js';
import { modelOverrides } from '../models/overrides.js';
import { layouts } from '../text/tokenRows.js';
import { computeDtypes } from '../util/computeDtype.js';
import { messageOf } from '../util/errors.js';
import { momentKinds } from '../util/momentKinds.js';
import { loraSettings } from './loraSettings.js';
import { decays } from './schedule.js';
import { watchFault, watchKeys, type WatchSettings } from './watch/settings.js';

const count = z.int().positive();
const fraction = z.number().min(0).max(1);
/** With 1 a moment would never move, and its bias correction would divide by 0. */
const beta = z.number().min(0).lt(1, 'must be a number from 0 to below 1');

/** Steps of a run at most. */
export const MAX_STEPS = 2 ** 31 - 1;

/** The least change of a weight that is an update: float32 holds no less beside a weight of 10⁻⁵. */
const LEAST_UPDATE = 1e-12;

/** Refuses settings under which no step would change a weight, or one would blow up all of them. */
function checkOptimizer(
  { lr, eps, weight_decay: decay, clip_grad_norm: norm }: z.output<typeof optimizer>,
  context: z.RefinementCtx,
): void {
  const refuse = (key: string, message: string) => {
    context.addIssue({ code: 'custom', path: [key], message });
  };
  // Adam moves a weight by about lr, and by no more than lr · clip_grad_norm / eps.
  if (!(lr > 0)) return; // which the schema says
  if (lr < LEAST_UPDATE)
    refuse('lr', `${lr} changes no weight: float32 does not hold such a step. Raise it.`);
  else if (lr * Math.min(1, norm / eps) < LEAST_UPDATE)
    refuse(
      eps > 1 ? 'eps' : 'clip_grad_norm',
      `with lr ${lr}, eps ${eps} and clip_grad_norm ${norm} a step changes no weight: float32 does not hold changes of ` +
        `lr · clip_grad_norm / eps. Lower eps or raise clip_grad_norm.`,
    );
  if (lr * decay >= 1)
    refuse(
      'weight_decay',
      `a step multiplies weights by 1 − lr · weight_decay, which must be above 0: with lr ${lr} take less than ${1 / lr}`,
    );
}

const optimizer = z.strictObject({
  lr: z.number().positive().describe('the highest learning rate, such as 1e-6'),
  betas: z
    .tuple([beta, beta])
    .default([0.9, 0.999])
    .describe('decay rates of the first and the second moment'),
  eps: z.number().min(1e-30).default(1e-8).describe('added to the root of the second moment'),
  weight_decay: z
    .number()
    .min(0)
    .default(0)
    .describe('decoupled weight decay, of matrices and embeddings; norms and biases have none'),
  clip_grad_norm: z.number().positive().default(1).describe('the largest norm of a gradient'),
  moments: z
    .enum(momentKinds)
    .default('f32')
    .describe(
      'in what the moments of matrices and embeddings are kept: 8bit takes a quarter of their memory, with a scale for each 256 of them (arXiv:2110.02861)',
    ),
  offload: z
    .boolean()
    .default(false)
    .describe(
      "for a GPU: keep float32 weights and moments in the host's memory and update them there, which is slower (arXiv:2101.06840)",
    ),
});

/** The same as AdamW takes them. */
export const adamwOptions = ({
  betas,
  eps,
  weight_decay: weightDecay,
  moments,
}: z.output<typeof optimizer>) => ({
  ...{ betas, eps, weightDecay, moments },
});

const epochsOrSteps = (recipe: { epochs?: number | undefined; max_steps?: number | undefined }): boolean =>
  recipe.epochs === undefined || recipe.max_steps === undefined;
const notBoth = { path: ['max_steps'], message: 'give epochs or max_steps, not both' };

function checkWatch(recipe: WatchSettings, context: z.RefinementCtx): void {
  const message = watchFault(recipe);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['best'], message });
}

/** Refuses what the file of an adapter could not say: it is that of its base as it stands on the disk. */
function checkLora(
  { lora, model_overrides: overrides }: { lora?: unknown; model_overrides?: unknown },
  context: z.RefinementCtx,
): void {
  if (lora === undefined || overrides === undefined) return;
  const message = "lora: an adapter goes with its base's own config.json, so change that";
  context.addIssue({ code: 'custom', path: ['model_overrides'], message });
}

/**
 * Refuses whatever `createObjective` would refuse, before anything runs and parameter by parameter. A module is looked
 * at when it is loaded.
 */
function checkObjective(
  { name, module, terms, ...parameters }: ObjectiveSetting,
  context: z.RefinementCtx,
): void {
  if (terms !== undefined) {
    const other = name !== undefined ? 'name' : module !== undefined ? 'module' : Object.keys(parameters)[0];
    if (other !== undefined)
      context.addIssue({ code: 'custom', path: [other], message: 'a list of terms stands alone' });
    terms.forEach((term, i) => {
      if (term.highest !== undefined && term.by === undefined)
        context.addIssue({
          code: 'custom',
          path: ['terms', i, 'highest'],
          message: 'the highest numbers are those of a column, which "by" names',
        });
      try {
        createTerms([term]);
      } catch (error) {
        const path = ['terms', i];
        context.addIssue({ code: 'custom', path, message: messageOf(error).replace(/\.$/, '') });
      }
    });
    return;
  }
  if (module !== undefined) {
    const both = 'give a name or a module, not both';
    if (name !== undefined) context.addIssue({ code: 'custom', path: ['module'], message: both });
    return;
  }
  if (name === undefined) {
    context.addIssue({ code: 'invalid_type', expected: 'string', path: ['name'], input: name });
    return;
  }
  const isRefused = (spec: ObjectiveSpec, path: string[]): boolean => {
    try {
      createObjective(spec);
      return false;
    } catch (error) {
      context.addIssue({ code: 'custom', path, message: messageOf(error).replace(/\.$/, '') });
      return true;
    }
  };
  if (!objectiveDefinitions.has(name)) isRefused({ name }, ['name']);
  else if (
    !Object.entries(parameters).filter(([key, value]) => isRefused({ name, [key]: value }, [key])).length
  )
    isRefused({ name, ...parameters }, []);
}

const trainKeys = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('a model directory, an adapter, a .gguf file, or a name that `models get` has fetched'),
  model_overrides: modelOverrides
    .optional()
    .describe('settings of its config.json that are changed, for training and in the trained model'),
  lora: loraSettings.optional(),
  data: z.string().min(1).describe('JSON lines of messages, or of prompt, chosen and rejected'),
  continue: z
    .string()
    .min(1)
    .optional()
    .describe(
      "a state, or a run that has kept one: its weights, moments and place in the schedule are gone on with, instead of the model's weights",
    ),
  objective: z
    .looseObject({
      name: z
        .string()
        .optional()
        .describe(`what is minimised, one of ${objectiveNames.join(', ')}`),
      module: z
        .string()
        .min(1)
        .optional()
        .describe('instead of a name, a JavaScript file that exports an objective; its code runs'),
      terms: z
        .array(
          z.looseObject({
            name: z.string().describe('an objective; its own parameters stand beside it'),
            weight: z
              .number()
              .min(-1e6)
              .max(1e6)
              .refine((weight) => weight !== 0, 'must not be 0, with which nothing of the term is trained')
              .default(1)
              .describe('what its loss is multiplied by'),
            roles: z
              .array(z.string())
              .min(1)
              .optional()
              .describe('the responses that it sees, such as chosen; without it all'),
            segments: z
              .array(z.int().min(0).max(255))
              .min(1)
              .optional()
              .describe('the segments of them that count for it; without it all'),
            by: z
              .string()
              .min(1)
              .optional()
              .describe(
                'a column of one number a token, by which the weights of their tokens are multiplied',
              ),
            highest: count
              .optional()
              .describe(
                'so many tokens of a response, those with the highest numbers of `by`, count as they did, and no others',
              ),
          }),
        )
        .min(1)
        .optional()
        .describe('instead of a name, objectives that are added up; objective: [...] is short for it'),
    })
    .superRefine(checkObjective)
    .describe("what is minimised: the objective's name and its own parameters"),
  reference: z
    .string()
    .min(1)
    .optional()
    .describe(
      'what an objective such as dpo compares with: start, which are the weights that training starts from, or another model, named as model is; without it start',
    ),
  layout: z
    .enum(layouts)
    .default('template')
    .describe("how a row becomes tokens: by the model's template, or in the REDI paper's layout"),
  system: z
    .string()
    .optional()
    .describe("a system message for every row that has none; without it the template's own default stands"),
  max_length: count
    .optional()
    .describe(
      "the most tokens of a row, longer ones are left out and counted; without it the model's positions",
    ),
  doctor: z
    .enum(['refuse', 'warn', 'off'])
    .default('refuse')
    .describe(
      'whether errors that `redistill doctor` finds in a sample of the data end the run or are only reported',
    ),
  proofs: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      'whether it is proved before the first step, on short rows of the data, that packs, chunks and what is saved give what they should',
    ),
  optimizer: optimizer.superRefine(checkOptimizer).describe('the settings of AdamW'),
  schedule: z
    .strictObject({
      warmup_ratio: fraction.default(0.1).describe('share of the steps in which the rate rises'),
      decay: z.enum(decays).default('linear').describe('how it falls after that'),
      total_steps: count
        .max(MAX_STEPS)
        .optional()
        .describe(
          'steps of the whole schedule where stages that continue one another share it; without it it ends with the run',
        ),
    })
    .prefault({})
    .describe('the learning rate over the steps'),
  batch_size: count.default(8).describe('rows, or pairs, an optimizer step'),
  epochs: z.number().positive().optional().describe('passes over the data; without it and max_steps, one'),
  max_steps: count.max(MAX_STEPS).optional().describe('optimizer steps, instead of epochs'),
  token_budget: count
    .optional()
    .describe(
      'tokens that go through the model at once; fewer take less memory. 1024 on the CPU, 16384 on a GPU',
    ),
  recompute: z
    .boolean()
    .default(false)
    .describe('compute each layer again in the backward pass: less memory for a third more time'),
  dtype: z.enum(computeDtypes).default('bf16').describe('precision of the products; weights are kept in f32'),
  device: z.string().default('cpu').describe('cpu, cuda or cuda:N'),
  deterministic: z
    .boolean()
    .default(false)
    .describe('whether a GPU computes the same bits in every run, at some cost in speed; a CPU always does'),
  seed: z.int().min(0).default(42).describe('of the order of the rows'),
  save: z
    .strictObject({
      every: count
        .optional()
        .describe(
          'steps between checkpoints of weights and state; without it a state every half hour of training; the last weights are always saved',
        ),
      keep: z
        .int()
        .min(0)
        .optional()
        .describe('weight checkpoints that are kept, the newest; without it all'),
      states: z
        .int()
        .min(0)
        .optional()
        .describe(
          'states to resume from that are kept, the newest, the last one included; without it 2 until the run is done',
        ),
    })
    .refine(({ every, keep = 0 }) => every !== undefined || keep === 0, {
      path: ['keep'],
      message: 'says how many checkpoints are kept, and none are written without save.every: give it too',
    })
    .prefault({})
    .describe('when weights and states are saved'),
  ...watchKeys,
  tensorboard: z
    .boolean()
    .default(false)
    .describe(
      "whether the metrics are also written as TensorBoard's event files, in the run's folder tensorboard",
    ),
});

/** A training stage without its place on disk, as a pipeline holds it. */
export const trainSettings = trainKeys
  .refine(epochsOrSteps, notBoth)
  .superRefine(checkWatch)
  .superRefine(checkLora);

/** A training stage as a recipe file describes it. Unknown keys are errors. */
export const trainRecipe = trainKeys
  .extend({
    stage: z.literal('train').default('train').describe('the kind of stage, which may be left out'),
    out: z.string().min(1).describe("the run's directory"),
  })
  .refine(epochsOrSteps, notBoth)
  .superRefine(checkWatch)
  .superRefine(checkLora);

export type TrainRecipe = z.output<typeof trainRecipe>;

/** Whether a recipe's reference is another model than that which training starts from. */
export const isOtherReference = (reference: string | undefined): reference is string =>
  reference !== undefined && reference !== 'start';
