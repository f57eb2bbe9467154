/** @file Loads what a recipe trains: all weights of a model, or adapters over one that stays as it is. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { baseName } from '../hub/adapter.js';
import { loadAdapted } from '../models/adapted.js';
import { loadModel, type LoadedModel } from '../models/checkpoint.js';
import { readConfig } from '../models/directory.js';
import { modulesNamed } from '../models/loraShapes.js';
import { targetsOf } from './loraSettings.js';
import type { TrainedShapes } from './memoryModel.js';
import type { TrainRecipe } from './settings.js';

/** @param recipe with its model's directory */
export function shapesOf(recipe: TrainRecipe): TrainedShapes {
  const { model, model_overrides: overrides, lora, dtype, device, recompute, optimizer } = recipe;
  const config = readConfig(model, overrides);
  const adapters = lora && adaptersOf(lora, modulesNamed(config, targetsOf(lora)));
  const { moments, offload } = optimizer;
  return { config, dtype, device, recompute, adapters, moments, offload };
}

/**
 * @param recipe with its model's directory
 * @param written the model's name as the recipe has it
 */
export function openTrained(
  recipe: TrainRecipe,
  written: string,
  onNotice: (sentence: string) => void,
): LoadedModel {
  const { model, lora, dtype, device, seed, model_overrides: overrides } = recipe;
  if (!lora) return loadModel(model, { dtype: 'f32', device, onNotice, overrides });
  const base = baseName(written, model);
  const wanted = { ...adaptersOf(lora, []), targets: targetsOf(lora), seed, base };
  return loadAdapted(model, { dtype, device, onNotice }, wanted);
}

const adaptersOf = (
  { rank, alpha, use_rslora: rslora, use_dora: dora }: NonNullable<TrainRecipe['lora']>,
  modules: readonly string[],
) => ({ rank, alpha, rslora, dora, modules });

/** Whether a directory is that of the model over which a recipe trains adapters: without them it is in memory already. */
export function isOwnBase(dir: string, { model, lora }: Pick<TrainRecipe, 'model' | 'lora'>): boolean {
  if (!lora) return false;
  const [own, other] = [model, dir].map((path) => realpathSync(join(path, 'config.json')));
  return own === other;
}
