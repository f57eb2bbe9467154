/** @file Makes a run's folder what a run finds that begins, or goes on from a state. Nothing is refused here any more. */
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { savedFiles } from '../models/modelFiles.js';
import { writeFileAtomic } from '../util/files.js';
import { removeKnown } from '../util/ownFolder.js';
import type { MetricsPosition } from './metricsFiles.js';
import type { ResumeOptions } from './resume.js';
import { removeLater } from './saving.js';
import type { TrainRecipe } from './settings.js';
import type { TrainState } from './state.js';
import { checkpointsOf, stepFolders } from './stateFolder.js';
import { earlierBests, forgetReplaced, removeBest } from './watch/files.js';

/** Begins a run anew, after all that can be refused. */
export function begin(recipe: TrainRecipe): void {
  removeLater(recipe.out, 0);
  if (!recipe.best) removeBest(recipe.out);
  for (const path of earlierBests(recipe.out)) removeKnown(path, savedFiles);
  writeRecipe(recipe);
}

/** What is another than when the state was written from which a run goes on. */
export interface Changes {
  /** It is another run. */
  isChanged: boolean;
  /** It may come to other numbers, and does not find again what the steps after the state have left. */
  isOther: boolean;
}

/** Lets a run go on from a state, after all that can be refused. */
export function goOn(
  { position: { step, watch } }: TrainState,
  recipe: TrainRecipe,
  { isChanged, isOther, onNotice }: Changes & { onNotice: (sentence: string) => void },
): void {
  const { out, best } = recipe;
  // A run that goes on as it went comes to them again.
  if (isOther)
    for (const { path } of stepFolders(checkpointsOf(out)).filter((folder) => folder.step > step))
      onNotice(`${path} goes: it is of a later step, before what has changed now`);
  removeLater(out, step);
  const forgotten = forgetReplaced(out, watch, { metric: best?.metric, keeps: isOther });
  if (forgotten !== undefined) onNotice(forgotten);
  // One that was ended early goes on where it is told to be another one.
  if (isChanged) delete watch.ended;
  writeRecipe(recipe);
}

/** Where the account of a run goes on. */
export const placeOf = (
  { position: { step, metrics } }: TrainState,
  { allowChanges = false }: ResumeOptions,
): MetricsPosition => ({
  step,
  bytes: metrics.bytes,
  mayBeGone: allowChanges,
});

function writeRecipe(recipe: TrainRecipe): void {
  writeFileAtomic(join(recipe.out, 'recipe.yaml'), toYaml(recipe));
}
