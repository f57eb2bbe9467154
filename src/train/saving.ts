/** @file Puts trained weights and training states into folders, each in one step, while training goes on. */
import { copyFileSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { namedTensors, saveModelMeanwhile, type LoadedModel } from '../models/checkpoint.js';
import { savedFiles } from '../models/modelFiles.js';
import { parameterCount } from '../models/parameters.js';
import { byteLength } from '../torch/safetensors.js';
import { scope } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { explained, requireFree } from '../util/fileErrors.js';
import { makeFolder, removeEmptyFolders } from '../util/folders.js';
import { together, type Writing } from '../util/meanwhile.js';
import { removeKnown, requireKnown } from '../util/ownFolder.js';
import type { TrainRecipe } from './settings.js';
import { stateBytes, writeState, type RunPosition, type TrainedTensors } from './state.js';
import { stateFiles, statesOf, stepFolders } from './stateFolder.js';
import { BEST, BEST_FILE, HEALTHY, HEALTHY_FILE, removeFile, writeAccount } from './watch/files.js';

type SaveSettings = TrainRecipe['save'];

/** Resumable states that are kept while a run goes on, where the recipe does not say: the second replaces one that is damaged. */
const STATES = 2;

export const checkpointsOf = (run: string): string => join(run, 'checkpoints');

/**
 * Checks before the training that its models and states can be saved.
 * @param after the step from which the run goes on, 0 at its start
 * @throws UserError where the disk is too small, or a folder that is to be replaced holds what saving has not written
 */
export function requireRoom(
  loaded: LoadedModel,
  out: string,
  { save, best, sentinel }: Pick<TrainRecipe, 'save' | 'best' | 'sentinel'>,
  { steps, after }: { steps: number; after: number },
): void {
  const { model, fileDtypes } = loaded;
  const modelBytes = scope(() =>
    namedTensors(model.config, model.parameters, fileDtypes).reduce(
      (sum, tensor) => sum + byteLength(tensor),
      0,
    ),
  );
  for (const name of ['model', BEST, HEALTHY]) requireKnown(join(out, name), savedFiles);
  for (const { path } of stepFolders(checkpointsOf(out))) requireKnown(path, savedFiles);
  const { every = Infinity, keep = Infinity, states } = save;
  const saves = Math.floor((steps - 1) / every) - Math.floor(after / every);
  // A new one is there before an old one goes.
  const others = [best !== undefined, sentinel.act === 'rollback'].filter(Boolean).length;
  const models = 1 + (keep === 0 ? 0 : Math.min(saves, keep + 1)) + 2 * others;
  const statesSaved = saves + (states === undefined ? 0 : 1);
  const statesKept = states === 0 ? 0 : Math.min(statesSaved, after > 0 ? 1 : (states ?? STATES) + 1);
  const what = models === 1 ? 'the trained model' : `saving ${models} models`;
  requireFree(
    join(out, 'model'),
    modelBytes * models + stateBytes(parameterCount(model.config)) * statesKept,
    statesKept === 0 ? what : `${what} and ${statesKept} states to resume from (save.states)`,
  );
}

/** Removes what an earlier run has left of steps after `step`; its model stays until there is a new one. */
export function removeLater(out: string, step: number): void {
  remove(stepFolders(statesOf(out)), stateFiles);
  remove(stepFolders(checkpointsOf(out)), savedFiles);
  removeEmptyFolders([checkpointsOf(out)]);
  removeEmptyFolders([statesOf(out)]);
  if (step === 0) {
    for (const name of [BEST, HEALTHY]) removeKnown(join(out, name), savedFiles);
    for (const name of [BEST_FILE, HEALTHY_FILE]) removeFile(join(out, name));
  }

  function remove(folders: ReturnType<typeof stepFolders>, files: readonly string[]): void {
    for (const { path } of folders.filter((folder) => folder.step > step)) discard(path, files);
  }
}

/** A folder that gets the weights of a step, and a file that says of which; the file is there only while it is so. */
export interface Kept {
  folder: string;
  file: string;
  account: Readonly<Record<string, string | number>>;
}

/** What a saver has put on the disk. */
export type SavedEvent = { kind: 'saved'; path: string } | { kind: 'state'; path: string };

/** Saves one step at a time, in another thread; the steps in between go on meanwhile. */
export class Saver {
  /** The folder of the weights that were saved last. */
  last: string | undefined;
  #underWay: Writing = together([]);
  /** The step of the newest state. */
  #stateOf: number;
  readonly #keepsStates: boolean;

  constructor(
    readonly loaded: LoadedModel,
    readonly trained: TrainedTensors,
    readonly out: string,
    readonly save: SaveSettings,
    readonly onSaved: (event: SavedEvent) => void,
    after: number,
  ) {
    this.#stateOf = after;
    this.#keepsStates = save.states !== undefined && save.states > 0;
  }

  /** Whether a step is saved, the last one aside. */
  isDue(step: number): boolean {
    return step % (this.save.every ?? Infinity) === 0;
  }

  /**
   * Begins to save a step, as soon as the one before is saved. The weights may change when `taken` says so.
   * @param keep folders besides that get its weights
   * @param position the run's, where the step is one of those that are saved
   */
  async begin(lines: Writing, keep: readonly Kept[], position?: RunPosition): Promise<void> {
    await this.settle();
    // A state comes after the folders that it speaks of.
    const first = together([lines, ...keep.map((kept) => this.#keep(kept))]);
    const writings = [first];
    if (position) {
      if (this.save.keep !== 0) writings.push(this.#weights(`checkpoints/step-${position.step}`));
      if (this.save.states !== 0) writings.push(this.#state(position, first));
    }
    this.#underWay = together(writings, () => {
      this.#prune();
    });
  }

  /** Waits until the weights may change. */
  taken(): Promise<void> {
    return this.#underWay.taken;
  }

  /** Waits until all is on the disk. @throws UserError where the disk does not take it */
  settle(): Promise<void> {
    return this.#underWay.done;
  }

  /** Saves the state of a run that is stopped, if that has not been done. */
  async stop(position: RunPosition, lines: Writing): Promise<void> {
    await this.settle();
    if (this.save.states === 0 || this.#stateOf === position.step) return;
    await this.#state(position, lines).done;
    this.#prune();
  }

  /** Saves the trained model, and keeps the states that the recipe asks for. */
  async finish(position: RunPosition, lines: Writing): Promise<string> {
    await this.settle();
    await this.#weights('model').done;
    // It comes after the model: a run whose last state is there is done.
    // A state of this step that is there already may not have what was measured after it.
    if (this.#keepsStates) await this.#state(position, lines).done;
    this.#prune();
    if (!this.#keepsStates) removeOlder(statesOf(this.out), 0, stateFiles);
    removeFile(join(this.out, HEALTHY_FILE));
    removeKnown(join(this.out, HEALTHY), savedFiles);
    return this.last!;
  }

  /** Makes the last healthy weights the trained model. The states go, which lead to where the run is not to go. */
  async goBack(): Promise<string> {
    await this.settle();
    const healthy = join(this.out, HEALTHY);
    const path = join(this.out, 'model');
    await replace(
      path,
      savedFiles,
      (folder) => {
        makeFolder(folder);
        for (const name of readdirSync(healthy))
          explained(folder, () => {
            copyFileSync(join(healthy, name), join(folder, name));
          });
        return together([]);
      },
      () => {
        this.onSaved({ kind: 'saved', path });
      },
    ).done;
    removeOlder(statesOf(this.out), 0, stateFiles);
    removeFile(join(this.out, HEALTHY_FILE));
    removeKnown(healthy, savedFiles);
    return path;
  }

  #keep({ folder, file, account }: Kept): Writing {
    const path = join(this.out, file);
    const before = () => {
      removeFile(path);
    };
    const after = () => {
      writeAccount(path, account);
    };
    return this.#weights(folder, before, after);
  }

  #weights(name: string, before = (): void => undefined, after = (): void => undefined): Writing {
    const path = join(this.out, name);
    const { weights } = this.trained;
    return replace(
      path,
      savedFiles,
      (folder) => saveModelMeanwhile(this.loaded, folder, weights.masters),
      () => {
        this.last = path;
        after();
        this.onSaved({ kind: 'saved', path });
      },
      before,
    );
  }

  #state(position: RunPosition, lines: Writing): Writing {
    const path = join(statesOf(this.out), `step-${position.step}`);
    const write = (folder: string) => {
      const state = writeState(folder, this.trained, position);
      return together([state, lines]);
    };
    return replace(path, stateFiles, write, () => {
      this.#stateOf = position.step;
      this.onSaved({ kind: 'state', path });
    });
  }

  #prune(): void {
    const { keep = Infinity, states = STATES } = this.save;
    removeOlder(checkpointsOf(this.out), keep, savedFiles);
    removeOlder(statesOf(this.out), states, stateFiles);
  }
}

/** Removes all step folders but the newest; one that holds something of somebody else's stays. */
function removeOlder(folder: string, kept: number, files: readonly string[]): void {
  for (const { path } of stepFolders(folder).slice(kept)) {
    try {
      discard(path, files);
    } catch (error) {
      if (!(error instanceof UserError)) throw error; // hours of training do not end for it
    }
  }
  removeEmptyFolders([folder]);
}

/** Removes a folder, by its name first: a process that is killed meanwhile leaves no half of one. */
function discard(path: string, files: readonly string[]): void {
  const earlier = earlierOf(path);
  removeKnown(earlier, files);
  requireKnown(path, files);
  explained(path, () => {
    renameSync(path, earlier);
  });
  removeKnown(earlier, files);
}

const earlierOf = (path: string): string => `${path}.earlier.partial`;

/**
 * Has a folder written beside `path` and renames it when it is whole. What was there gives way by its name first, since removing
 * it takes time in which the process may be killed.
 */
function replace(
  path: string,
  files: readonly string[],
  write: (folder: string) => Writing,
  then: () => void,
  before = (): void => undefined,
): Writing {
  const [partial, earlier] = [`${path}.partial`, earlierOf(path)];
  for (const left of [partial, earlier]) removeKnown(left, files);
  const made = makeFolder(dirname(path));
  const giveUp = (error: unknown): never => {
    removeKnown(partial, files);
    removeEmptyFolders(made);
    throw error;
  };
  let writing: Writing;
  try {
    writing = write(partial);
  } catch (error) {
    return giveUp(error);
  }
  const done = writing.done.catch(giveUp).then(() => {
    const isThere = requireKnown(path, files) !== undefined;
    before();
    explained(path, () => {
      if (isThere) renameSync(path, earlier);
      renameSync(partial, path);
    });
    removeKnown(earlier, files);
    then();
  });
  return together([{ taken: writing.taken, done }]);
}
