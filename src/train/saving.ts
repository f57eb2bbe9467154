/** @file Puts trained weights into model folders, each in one step, and sees to it before that there is room. */
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { namedTensors, saveModel, type LoadedModel } from '../models/checkpoint.js';
import { savedFiles } from '../models/modelFiles.js';
import { byteLength } from '../torch/safetensors.js';
import { scope } from '../torch/tensor.js';
import { explained, requireFree } from '../util/fileErrors.js';
import { makeFolder } from '../util/folders.js';
import { removeKnown, requireKnown } from '../util/ownFolder.js';
import type { TrainableWeights } from './weights.js';

/**
 * Checks before the training that its models can be saved.
 * @param every steps between checkpoints, where there are any
 * @throws UserError where the disk is too small, or a folder that is to be replaced holds what saving has not written
 */
export function requireRoom(loaded: LoadedModel, out: string, steps: number, every = Infinity): void {
  const { model, fileDtypes } = loaded;
  const bytes = scope(() =>
    namedTensors(model.config, model.parameters, fileDtypes).reduce(
      (sum, tensor) => sum + byteLength(tensor),
      0,
    ),
  );
  const checkpoints = join(out, 'checkpoints');
  const replaced = (existsSync(checkpoints) ? readdirSync(checkpoints) : []).filter((name) => {
    const step = Number(/^step-([1-9]\d*)$/.exec(name)?.[1]);
    return step < steps && step % every === 0;
  });
  for (const folder of [join(out, 'model'), ...replaced.map((name) => join(checkpoints, name))])
    requireKnown(folder, savedFiles);
  const saves = 1 + Math.floor((steps - 1) / every);
  requireFree(
    join(out, 'model'),
    bytes * saves,
    saves === 1 ? 'the trained model' : `saving ${saves} models`,
  );
}

/**
 * Writes the masters to a directory beside `path` and renames it when it is whole. What was there gives way by its name
 * first, since removing it takes time in which the process may be killed.
 * @returns `path`
 */
export function saveWeights(loaded: LoadedModel, weights: TrainableWeights, path: string): string {
  const [partial, earlier] = [`${path}.partial`, `${path}.earlier.partial`];
  for (const left of [partial, earlier]) removeKnown(left, savedFiles);
  makeFolder(dirname(path));
  saveModel(loaded, partial, weights.masters);
  const isThere = requireKnown(path, savedFiles) !== undefined;
  explained(path, () => {
    if (isThere) renameSync(path, earlier);
    renameSync(partial, path);
  });
  removeKnown(earlier, savedFiles);
  return path;
}
