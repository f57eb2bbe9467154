/** @file Predicts what a run takes in memory beside its steps: files that are written, another reference, sampled responses. */
import { generous, placeBytes } from '../generate/cache.js';
import { defaultBatchSize, defaultCacheBytes } from '../generate/generator.js';
import { resolveModel } from '../hub/resolve.js';
import type { ModelConfig } from '../models/config.js';
import { readConfig } from '../models/directory.js';
import { parameterCount } from '../models/parameters.js';
import { WeightFiles } from '../models/weightFiles.js';
import type { Objective } from '../objectives/objective.js';
import { dtypeSize } from '../torch/dtype.js';
import { SafetensorsReader } from '../torch/safetensorsReader.js';
import { isOwnBase } from './openModel.js';
import { isOtherReference, type TrainRecipe } from './settings.js';
import { stateBytes } from './state.js';
import type { Development } from './watch/development.js';
import type { Watched } from './watch/open.js';

/** Bytes that a run takes beside weights, gradients, moments and what its steps compute with. */
export interface BesideSteps {
  /** A copy of the weights, as files have them, that is written while the next step computes. */
  written: number;
  /** What is there while no step computes, and is certain to be: a copy for the last file, another reference. */
  between: number;
  /** What rank 0 of several brings together for a state, the weights that are written beside it, or for the trained model; absent for one process, which writes from where it is. */
  gathered?: number;
  /** Keys and values of a development set's responses, if they are as long as they may be. */
  sampled: number;
}

/**
 * @param recipe with the model's directory
 * @param trained how many weights are trained
 * @param world how many processes do so
 */
export async function besideOf(
  recipe: TrainRecipe,
  objective: Objective,
  { development }: Pick<Watched, 'development'>,
  { trained, world }: { trained: number; world: number },
): Promise<BesideSteps> {
  const { save, best, sentinel, device, lora } = recipe;
  // Those of a GPU's weights are in the machine's memory, and adapters are saved as they are trained.
  const copy = device === 'cpu' && !lora ? copiedBytes(recipe.model) : 0;
  const keepsCheckpoints = save.every !== undefined && save.keep !== 0;
  const writes = keepsCheckpoints || best !== undefined || sentinel.act === 'rollback';
  return {
    written: writes ? copy : 0,
    between: Math.max(copy, await referenceBytes(recipe, objective)),
    ...(world > 1 && { gathered: gatheredBytes(recipe, trained) + (writes ? 4 * trained : 0) }),
    sampled: development
      ? cacheBytes(readConfig(recipe.model, recipe.model_overrides), recipe, development)
      : 0,
  };
}

/** Bytes of a state, whole, or of the float32 weights where there is none. */
const gatheredBytes = ({ save, optimizer, sentinel }: TrainRecipe, trained: number): number =>
  save.states === 0 && sentinel.act !== 'rollback' ? 4 * trained : stateBytes(trained, optimizer.moments);

/** Bytes of a model's file that are converted from the float32 weights; what has their type is written from where it is. */
function copiedBytes(dir: string): number {
  using files = new WeightFiles(dir, (path) => new SafetensorsReader(path));
  let bytes = 0;
  for (const [name, file] of files.byTensor) {
    const { dtype, begin, end } = file.entry(name);
    if (dtype !== 'F32') bytes += end - begin;
  }
  return bytes;
}

/** Bytes of a reference that is another model than that which training starts from. */
async function referenceBytes(recipe: TrainRecipe, { needs }: Objective): Promise<number> {
  const { reference, dtype } = recipe;
  if (!needs.reference || !isOtherReference(reference)) return 0;
  const path = await resolveModel(reference);
  return isOwnBase(path, recipe) ? 0 : parameterCount(readConfig(path)) * dtypeSize[dtype];
}

/** Bytes of keys and values where the rows of a batch grow together, those with the longest prompts first. */
export function cacheBytes(
  config: ModelConfig,
  { dtype, device }: Pick<TrainRecipe, 'dtype' | 'device'>,
  { settings, prompts }: Pick<Development, 'settings' | 'prompts'>,
): number {
  const { batch_size: rows = defaultBatchSize(device), sampling } = settings;
  const lengths = prompts
    .map(({ ids }) => ids.length)
    .sort((a, b) => b - a)
    .slice(0, rows);
  const most = config.maxPositions;
  let rooms = lengths.map(generous);
  for (;;) {
    // Where one has not enough, all rows get new rooms.
    const fullAfter = Math.min(...rooms.map((room, i) => (room < most ? room - lengths[i]! : Infinity)));
    if (fullAfter >= sampling.max_tokens) break;
    rooms = lengths.map((length) => generous(Math.min(length + fullAfter + 1, most)));
  }
  const places = rooms.reduce((sum, room) => sum + room, 0);
  return Math.min(places * placeBytes(config, dtype), defaultCacheBytes(device));
}
