/** @file A recipe of one training stage, as `redistill train` takes it: its settings and its files, checked. */
import { Faults } from '../recipe/faults.js';
import { checkSettings } from '../recipe/parse.js';
import type { Recipe } from '../recipe/recipe.js';
import { trainRecipe, type TrainRecipe } from '../train/settings.js';
import { locatePaths } from './paths.js';

/** @throws UserError with all that is wrong */
export function parseTrainRecipe(recipe: Recipe): TrainRecipe {
  const { name, value, folder, placeOf } = recipe;
  const faults = new Faults();
  if ('stages' in value)
    faults.add({ place: [], message: `this is a list of stages: \`redistill run ${name}\` takes it` });
  faults.throwIfAny(name);
  const options = { ...recipe, page: '`redistill train --help`' };
  const parsed = checkSettings(trainRecipe, value, faults, options);
  faults.throwIfAny(name);
  const stage = locatePaths({ kind: 'train' as const, config: parsed! }, { folder }, (key, message) => {
    const place = placeOf(key);
    faults.add({ place: place === undefined ? [] : [place], message: `"${key.join('.')}": ${message}` });
  });
  faults.throwIfAny(name);
  return stage.config;
}
