import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { createObjective, type ObjectiveSpec } from '../objectives/index.js';
import { messageOf, UserError } from '../util/errors.js';

const count = z.int().positive();
const fraction = z.number().min(0).max(1);

const epochsOrSteps = (recipe: { epochs?: number | undefined; max_steps?: number | undefined }): boolean =>
  recipe.epochs === undefined || recipe.max_steps === undefined;
const notBoth = { path: ['max_steps'], message: 'give epochs or max_steps, not both' };

/** Refuses what `createObjective` would refuse, before anything has run. */
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
  /** How a row becomes tokens: the model's template, or the REDI paper's layout. */
  layout: z.enum(['template', 'redi']).default('template'),
  /** A system message for every row that has none; without it the template's own default stands. */
  system: z.string().optional(),
  /** Longer rows are left out, and counted. Default: what the model can take. */
  max_length: count.optional(),
  /** What `redistill doctor` finds in a sample of the data: errors end the run, or all is only said. */
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
      decay: z.enum(['linear', 'cosine', 'constant']).default('linear'),
    })
    .prefault({}),
  /** Rows, or pairs, an optimizer step. */
  batch_size: count.default(8),
  epochs: z.number().positive().optional(),
  max_steps: count.optional(),
  /** Tokens that go through the model at once; fewer need less memory. */
  token_budget: count.default(1024),
  /** Run each layer again in the backward pass instead of keeping what it computed. */
  recompute: z.boolean().default(false),
  dtype: z.enum(['bf16', 'f32']).default('bf16'),
  device: z.string().default('cpu'),
  seed: z.int().min(0).default(42),
  save: z
    .strictObject({
      /** Steps between weight checkpoints; the last step is always saved. */
      every: count.optional(),
    })
    .prefault({}),
});

/** One training stage without its place on disk, as a pipeline holds it. */
export const trainSettings = trainKeys.refine(epochsOrSteps, notBoth);

/** One training stage, as a recipe file describes it. Unknown keys are errors. */
export const trainRecipe = trainKeys
  .extend({
    stage: z.literal('train').default('train'),
    /** The run's directory. */
    out: z.string().min(1),
  })
  .refine(epochsOrSteps, notBoth);

export type TrainRecipe = z.output<typeof trainRecipe>;

/** @throws UserError naming the file (or what else `where` says) and the field */
export function parseRecipe<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => `"${path === '' ? key : `${path}.${key}`}"`).join(', ');
    throw new UserError(
      `${where}: unknown key ${keys}; see \`redistill train --help\` for the keys of a recipe`,
    );
  }
  throw new UserError(`${where}: ${path === '' ? '' : `field "${path}": `}${issue.message}`);
}

/** Reads a YAML file with plain values only. */
export function readYaml(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${messageOf(error)}`);
  }
  try {
    return parseYaml(text, { maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw new UserError(`${path} is not YAML: ${firstLine(error)}`);
  }
}

/**
 * Applies `--set a.b=value` to a parsed recipe; values are YAML, and a list's entries go by their `name`, as in
 * `stages.redi.optimizer.lr`. Whether the key exists is for the schema to say.
 * @throws UserError for an assignment that is not one
 */
export function applySettings(
  recipe: unknown,
  settings: readonly string[],
  where: string,
): Record<string, unknown> {
  if (typeof recipe !== 'object' || recipe === null || Array.isArray(recipe)) {
    throw new UserError(`${where}: a recipe is a list of keys and values`);
  }
  const result = structuredClone(recipe) as Record<string, unknown>;
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    if (equals < 1) throw new UserError(`--set ${setting}: write key=value, e.g. --set optimizer.lr=1e-5`);
    const keys = setting.slice(0, equals).split('.');
    if (keys.some((key) => !/^[a-z_][a-z0-9_-]*$/i.test(key) || key === '__proto__')) {
      throw new UserError(`--set ${setting}: "${keys.join('.')}" is not a key`);
    }
    const last = keys.pop()!;
    let target = result;
    let list = '';
    for (const key of keys) {
      const inner = list === '' ? (target[key] ??= {}) : named(target, key);
      if (inner === undefined) throw new UserError(`--set ${setting}: "${list}" has no "${key}"`);
      if (typeof inner !== 'object') throw new UserError(`--set ${setting}: "${key}" holds no keys`);
      target = inner as Record<string, unknown>;
      list = Array.isArray(inner) ? key : '';
    }
    if (list !== '') throw new UserError(`--set ${setting}: "${list}" has no "${last}"`);
    target[last] = parseSetting(setting, setting.slice(equals + 1));
  }
  return result;
}

/** The entry of a list that has this name. */
function named(list: unknown, name: string): unknown {
  return (list as ({ name?: unknown } | null)[]).find((entry) => entry?.name === name);
}

function parseSetting(setting: string, value: string): unknown {
  try {
    return parseYaml(value) as unknown;
  } catch (error) {
    throw new UserError(`--set ${setting}: the value is not YAML: ${firstLine(error)}`);
  }
}

/** YAML's errors show the place in lines of their own. */
const firstLine = (error: unknown): string => messageOf(error).split('\n')[0] ?? '';
