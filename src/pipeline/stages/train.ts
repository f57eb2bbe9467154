import { join } from 'node:path';
import { trainSettings, type TrainRecipe } from '../../train/settings.js';
import { reportTraining } from '../../train/narrate.js';
import { trainInWorker } from '../../train/worker.js';
import { defineStage } from './stage.js';

/** One training stage; the result is the trained model's directory. */
export const trainStage = defineStage({
  schema: trainSettings,
  inputs: () => [],
  result: (_, dir) => join(dir, 'model'),
  run: async (config, { dir, progress, signal }) => {
    const recipe: TrainRecipe = { ...config, stage: 'train', out: dir };
    await trainInWorker(recipe, reportTraining(progress), signal);
  },
});
