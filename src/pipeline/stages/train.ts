/** @file The stage and command `train`: one training stage; the result is the trained model's directory. */
import { join } from 'node:path';
import { modelInput } from '../../hub/resolve.js';
import { filesOfModule } from '../../util/modules.js';
import { isOtherReference, trainSettings, type TrainRecipe } from '../../train/settings.js';
import { savedFiles } from '../../models/modelFiles.js';
import { eventPaths } from '../../train/eventFile.js';
import { inputsOfState, stateFiles } from '../../train/stateFolder.js';
import { defineStage } from './stage.js';

export const trainStage = defineStage({
  summary: 'Trains a model on message rows or pairs by an objective.',
  schema: trainSettings,
  inputs: ({ model, data, objective: { module }, reference, continue: state }) => [
    modelInput(model),
    data,
    ...(isOtherReference(reference) ? [modelInput(reference)] : []),
    ...(module === undefined ? [] : filesOfModule(module)),
    ...(state === undefined ? [] : inputsOfState(state)),
  ],
  writes: [
    'recipe.yaml',
    'metrics.jsonl',
    'speed.jsonl',
    ...eventPaths,
    ...savedFiles.flatMap((name) => [`model/${name}`, `checkpoints/step-*/${name}`]),
    ...stateFiles.map((name) => `states/step-*/${name}`),
  ],
  scratch: [
    ...['model.partial', 'model.earlier.partial', 'checkpoints/step-*.partial', 'proof.partial'].flatMap(
      (folder) => savedFiles.map((name) => `${folder}/${name}`),
    ),
    ...stateFiles.map((name) => `states/step-*.partial/${name}`),
  ],
  result: (_, dir) => join(dir, 'model'),
  resumes: true,
  run: async (settings, { out, progress, signal, resume }) => {
    const { reportTraining } = await import('../../train/narrate.js');
    const { trainInProcess } = await import('../../train/process.js');
    const recipe: TrainRecipe = { ...settings, stage: 'train', out };
    return trainInProcess(recipe, reportTraining(progress), signal, resume);
  },
  describe: ({ model }) => `model: ${model}`,
});
