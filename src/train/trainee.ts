/** @file Opens what a run computes with, at every rank the same: weights, engine and optimizer. */
import type { LoadedModel } from '../models/checkpoint.js';
import { withMemoryFor } from '../torch/errors.js';
import type { AdamW } from '../torch/optim.js';
import { Engine } from './engine.js';
import { weightBytes } from './memoryModel.js';
import { openTrained, shapesOf } from './openModel.js';
import type { Ranks } from './ranks.js';
import { adamwOptions, type TrainRecipe } from './settings.js';
import { TrainableWeights } from './weights.js';

/** A model that is trained, and what trains it. */
export interface Trainee extends Disposable {
  /** With the model that computes. */
  loaded: LoadedModel;
  weights: TrainableWeights;
  engine: Engine;
  optimizer: AdamW;
}

/**
 * @param recipe with its model's directory
 * @param written the model's name as the recipe has it
 * @throws UserError where the model cannot be trained; Error where there is no memory for it
 */
export function openTrainee(
  recipe: TrainRecipe,
  { written, ranks, onNotice }: { written: string; ranks: Ranks; onNotice: (sentence: string) => void },
): Trainee {
  const { model, dtype, optimizer: settings, recompute } = recipe;
  const start = openTrained(recipe, written, onNotice);
  const bytes = weightBytes({ ...shapesOf(recipe), world: ranks.world });
  const takes = `training ${model} takes, for weights, gradients and moments alone,`;
  const parts: Disposable[] = [];
  const free = () => {
    for (const part of parts.toReversed()) part[Symbol.dispose]();
  };
  try {
    const { offload } = settings;
    const weights = withMemoryFor(
      takes,
      bytes,
      () => new TrainableWeights(start.model, dtype, { ranks, offload }),
    );
    parts.push(weights);
    const engine = new Engine(weights, recompute);
    parts.push(engine);
    const optimizer = withMemoryFor(takes, bytes, () => weights.optimizer(adamwOptions(settings)));
    parts.push(optimizer);
    return { loaded: { ...start, model: weights.model }, weights, engine, optimizer, [Symbol.dispose]: free };
  } catch (error) {
    free();
    throw error;
  }
}
