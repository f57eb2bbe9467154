/** @file Gives advice on data before a run: what `redistill advise` calls. */
import { setImmediate } from 'node:timers/promises';
import { distinctFiles } from '../data/distinctFiles.js';
import { readSampleGroups } from '../curate/sampleGroups.js';
import { countRows } from '../data/countRows.js';
import { createObjective, type ObjectiveSetting } from '../objectives/registry.js';
import { Faults } from '../recipe/faults.js';
import { checkSettings } from '../recipe/parse.js';
import { readRecipe } from '../recipe/recipe.js';
import { planSteps } from '../train/plan.js';
import { trainRecipe, type TrainRecipe } from '../train/settings.js';
import { UserError } from '../util/errors.js';
import type { Progress } from '../util/progress.js';
import type { AdviseSettings } from './settings.js';
import { statementsOf, type Plan, type Statement } from './statements.js';
import { TallyMaker } from './tally.js';

/** Settings that a recipe of a training stage says itself. */
const OF_RECIPES = ['alpha', 'lr', 'batch_size', 'epochs', 'max_steps'] as const;

/** What is advised. */
export interface Advice {
  data: readonly string[];
  statements: Statement[];
}

/** Ctrl-C is noticed between so many rows. */
const ROWS_BETWEEN_PAUSES = 64;

/**
 * Reads all rows and says what is known of them and of a planned run. A step has `batch_size` problems that have right and wrong
 * samples.
 * @throws UserError as `readSampleGroups` does, for settings that exclude each other, a recipe that does not fit, and files
 * without samples; the signal's reason when it is aborted
 */
export async function advise(
  settings: AdviseSettings,
  progress: Progress,
  signal: AbortSignal,
): Promise<Advice> {
  const { recipe: recipePath, verdicts } = settings;
  const both = OF_RECIPES.find((key) => settings[key] !== undefined);
  if (recipePath !== undefined && both !== undefined)
    throw new UserError(`"${both}" stands in the recipe: leave it out beside "recipe", or leave out that.`);
  if (settings.epochs !== undefined && settings.max_steps !== undefined)
    throw new UserError('give "epochs" or "max_steps", not both.');
  const recipe = recipePath === undefined ? undefined : recipeAt(recipePath);
  const { objective, alpha } = recipe
    ? objectiveOf(recipe.objective)
    : { objective: 'redi', alpha: settings.alpha ?? DEFAULT_ALPHA };

  const files = distinctFiles(settings.data);
  const maker = new TallyMaker(alpha);
  const total = await countRows(files);
  let rows = 0;
  for await (const { samples, unit } of readSampleGroups(files, verdicts)) {
    if (rows++ % ROWS_BETWEEN_PAUSES === 0) {
      progress.update(Math.min(total, rows), total);
      await setImmediate();
      signal.throwIfAborted();
    }
    if (samples.length > 0) maker.add(samples, unit);
  }
  const { tally } = maker;
  if (rows === 0) throw new UserError(`${files.join(', ')} has no rows.`);
  if (tally.problems === 0) throw new UserError(`${files.join(', ')}: all responses are blank.`);
  const plan: Plan = { objective, alpha, ...stepsOf(settings, recipe, tally.mixed) };
  return { data: files, statements: statementsOf(tally, plan) };
}

const DEFAULT_ALPHA = 0.8;

function recipeAt(file: string): TrainRecipe {
  const { value, ...recipe } = readRecipe(file);
  const faults = new Faults();
  if ('stages' in value)
    faults.add({ place: [], message: 'this is a list of stages; give a recipe of one training stage' });
  const parsed = 'stages' in value ? undefined : checkSettings(trainRecipe, value, faults, recipe);
  faults.throwIfAny(recipe.name);
  return parsed!;
}

/**
 * The objective of a recipe, and its α where it is REDI or what REDI is at α = 1. AdamW does not see a factor of the whole loss, so α is
 * that of a right side of weight 1; where that has none, or γ ends the push, there is none to compare.
 */
function objectiveOf(setting: ObjectiveSetting): Pick<Plan, 'objective' | 'alpha'> {
  const { name } = setting;
  if (name === undefined) return { objective: 'an objective of several terms, or of a module' };
  const objective = createObjective({ ...setting, name }).name;
  const { alpha = DEFAULT_ALPHA, chosen = 1, gamma = 0 } = setting as Record<string, number | undefined>;
  if (name === 'redi' && gamma > 0) return { objective: 'redi whose push fades (gamma)' };
  if (name === 'redi' && chosen === 0) return { objective: 'redi without its right side (chosen: 0)' };
  return {
    objective,
    ...(name === 'redi' && { alpha: alpha / chosen }),
    ...(name === 'symmetric' && { alpha: 1 }),
  };
}

/** The steps of a run over so many rows; none where no rate is named. */
function stepsOf(
  { data, lr, batch_size: batchSize = 8, epochs, max_steps: maxSteps }: AdviseSettings,
  recipe: TrainRecipe | undefined,
  rows: number,
): Pick<Plan, 'steps'> {
  if (rows === 0 || (!recipe && lr === undefined)) return {};
  const file = [data].flat().join(', ');
  const planned = recipe
    ? { ...recipe, data: file }
    : {
        ...{ data: file, batch_size: batchSize, epochs, max_steps: maxSteps, seed: 0 },
        schedule: { warmup_ratio: 0.1, decay: 'linear' as const },
        optimizer: { lr: lr! } as TrainRecipe['optimizer'],
      };
  const { steps, schedule } = planSteps(planned, rows);
  return { steps: { schedule, count: steps } };
}
