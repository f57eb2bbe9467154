/** @file The stage and command `train`: one training stage; the result is the trained model's directory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { modelInput } from '../../hub/resolve.js';
import { filesOfModule } from '../../util/modules.js';
import { isOtherReference, trainSettings, type TrainRecipe } from '../../train/settings.js';
import { savedFiles } from '../../models/modelFiles.js';
import { eventPaths } from '../../train/eventFile.js';
import { BEST, BEST_FILE, bestStep, EARLIER_BEST, SENTINEL_FILE } from '../../train/watch/files.js';
import {
  checkpointsOf,
  FINISHED,
  inputsOfState,
  stateFiles,
  statesOf,
  stepFolders,
} from '../../train/stateFolder.js';
import type { TrainEvent } from '../../train/trainer.js';
import { DiskFull } from '../../util/errors.js';
import { defineStage } from './stage.js';

export const trainStage = defineStage({
  summary: 'Trains a model on message rows or pairs by an objective.',
  schema: trainSettings,
  inputs: ({ model, data, objective: { module }, reference, continue: state, evaluation, development }) => [
    modelInput(model),
    data,
    ...(isOtherReference(reference) ? [modelInput(reference)] : []),
    ...(module === undefined ? [] : filesOfModule(module)),
    ...(state === undefined ? [] : inputsOfState(state)),
    ...(evaluation?.data === undefined ? [] : [evaluation.data]),
    ...(development ? [development.data] : []),
  ],
  writes: [
    'recipe.yaml',
    'metrics.jsonl',
    'speed.jsonl',
    ...eventPaths,
    SENTINEL_FILE,
    BEST_FILE,
    FINISHED,
    ...['model', BEST, EARLIER_BEST, `${EARLIER_BEST}-*`, 'checkpoints/step-*'].flatMap((folder) =>
      savedFiles.map((name) => `${folder}/${name}`),
    ),
    ...stateFiles.map((name) => `states/step-*/${name}`),
  ],
  scratch: [
    ...['model', BEST, 'checkpoints/step-*', 'proof'].flatMap((folder) =>
      savedFiles.flatMap((name) =>
        ['', '.earlier', '.removed'].map((which) => `${folder}${which}.partial/${name}`),
      ),
    ),
    ...stateFiles.map((name) => `states/step-*.partial/${name}`),
  ],
  result: ({ best }, dir) => join(dir, best ? BEST : 'model'),
  resumes: true,
  holdsWork: (dir) => {
    if (existsSync(join(dir, FINISHED))) return 'done';
    const steps = [statesOf(dir), checkpointsOf(dir)].flatMap(stepFolders);
    if (steps.length > 0 || existsSync(join(dir, 'model'))) return 'under way';
    // Before the first step the start is the best.
    return existsSync(join(dir, BEST)) && bestStep(dir) !== 0 ? 'under way' : undefined;
  },
  run: async (settings, { out, progress, signal, resume, processes }) => {
    const { reportTraining } = await import('../../train/narrate.js');
    const { trainInProcess } = await import('../../train/process.js');
    const recipe: TrainRecipe = { ...settings, stage: 'train', out };
    const report = reportTraining(progress);
    let hasBegun = false;
    const onEvent = (event: TrainEvent) => {
      hasBegun ||= event.kind === 'step';
      report(event);
    };
    return trainInProcess(recipe, onEvent, signal, resume, processes).catch((error: unknown) => {
      throw hasBegun && error instanceof DiskFull ? new Error(`${error.message} ${goingOn(out)}`) : error;
    });
  },
  describe: ({ model }) => `model: ${model}`,
});

/** What is said of a run that could not be gone on with. */
const goingOn = (out: string): string =>
  stepFolders(statesOf(out)).length === 0
    ? 'There is no state to go on from.'
    : `What was saved stays: \`redistill train --resume ${out}\` goes on from its last state.`;
