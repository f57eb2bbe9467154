/** @file Puts trained weights and training states into folders, each in one step, while training goes on. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inFileDtypes, savedTensors, saveModelMeanwhile, type LoadedModel } from '../models/checkpoint.js';
import { savedFiles } from '../models/modelFiles.js';
import { noGrad } from '../torch/autograd.js';
import { byteLength } from '../torch/safetensors.js';
import { scope } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { earlierOf, exchange, partialOf } from '../util/exchange.js';
import { requireFree } from '../util/fileErrors.js';
import { makeFolder, removeEmptyFolders } from '../util/folders.js';
import { flushFolderMeanwhile, together, type Writing } from '../util/meanwhile.js';
import { giveWay, removeKnown, removeKnownMeanwhile, requireKnown } from '../util/ownFolder.js';
import type { TrainRecipe } from './settings.js';
import {
  loadState,
  readState,
  stateBytes,
  wholeOf,
  writeState,
  type RunPosition,
  type TrainedTensors,
} from './state.js';
import { checkpointsOf, FINISHED, stateFiles, statesOf, stepFolders } from './stateFolder.js';
import { EVENTS_FOLDER, eventFiles } from './eventFile.js';
import { BEST, earlierBests, removeFile, SENTINEL_FILE, writeAccount } from './watch/files.js';

type SaveSettings = TrainRecipe['save'];

/** Resumable states that are kept while a run goes on, where the recipe does not say: the second replaces one that is damaged. */
const STATES = 2;
/** Seconds from one state to the next where the recipe says nothing of saving. */
const STATE_SECONDS = 1800;

/** What decides how much a run saves. */
export interface RunLength {
  steps: number;
  /** The step from which the run goes on, 0 at its start. */
  after: number;
  /** What a step is expected to take. */
  seconds: number;
}

/** Whether states are written by the clock: no run of hours is lost that asked for nothing. */
const goesByClock = ({ every, states }: SaveSettings): boolean => every === undefined && states !== 0;

/**
 * Checks before the training that its models and states can be saved beside what is there and stays.
 * @throws UserError where the disk is too small, or a folder that is to be replaced holds what saving has not written
 */
export function requireRoom(
  loaded: LoadedModel,
  out: string,
  { save, best, sentinel, optimizer }: Pick<TrainRecipe, 'save' | 'best' | 'sentinel' | 'optimizer'>,
  { steps, after, seconds }: RunLength,
): void {
  const { model } = loaded;
  const modelBytes = scope(() =>
    savedTensors(loaded, model.parameters).reduce((sum, tensor) => sum + byteLength(tensor), 0),
  );
  for (const path of [...['model', BEST].map((name) => join(out, name)), ...earlierBests(out)])
    requireKnown(path, savedFiles);
  for (const { path } of stepFolders(checkpointsOf(out))) requireKnown(path, savedFiles);
  for (const { path } of stepFolders(statesOf(out))) requireKnown(path, stateFiles);
  if (after === 0) requireKnown(join(out, EVENTS_FOLDER), eventFiles);
  const { every = Infinity, keep = Infinity, states } = save;
  const saves = Math.floor((steps - 1) / every) - Math.floor(after / every);
  const byClock = goesByClock(save) ? Math.floor(((steps - after) * seconds) / STATE_SECONDS) : 0;
  const staying = (folder: string) => stepFolders(folder).filter(({ step }) => step <= after).length;
  // A new one is there before an old one goes.
  const models =
    1 +
    (keep === 0 ? 0 : added(staying(checkpointsOf(out)), saves, keep)) +
    (best === undefined ? 0 : existsSync(join(out, BEST)) ? 1 : 2);
  const statesSaved = saves + byClock + (states === undefined ? 0 : 1);
  const resumable = states === 0 ? 0 : added(staying(statesOf(out)), statesSaved, states ?? STATES);
  const newStates = resumable + (sentinel.act === 'rollback' ? 2 : 0);
  const trained = model.trainable.reduce((sum, name) => sum + model.parameter(name).elements, 0);
  const needed = modelBytes * models + stateBytes(trained, optimizer.moments) * newStates;
  const what = models === 1 ? 'the trained model' : `saving ${models} models`;
  requireFree(
    join(out, 'model'),
    Math.max(modelBytes, needed - bytesOfLater(out, after)),
    newStates === 0
      ? what
      : `${what} and ${newStates} states to resume from (save.states, of which 0 has none written)`,
  );
}

/** By how many the folders of steps grow at most where `there` are, `saves` come, and all but the newest `kept` go after each. */
const added = (there: number, saves: number, kept: number): number =>
  saves === 0 ? 0 : Math.max(1, Math.min(saves, kept + 1 - there));

/** Bytes that the disk gets back when `removeLater` has removed what is there. */
function bytesOfLater(out: string, after: number): number {
  const folders = [checkpointsOf(out), statesOf(out)]
    .flatMap(stepFolders)
    .filter(({ step }) => step > after)
    .map(({ path }) => path);
  return folders.reduce((sum, folder) => sum + ownBytes(folder), 0);
}

/** Bytes of a folder's files that no other name keeps. */
function ownBytes(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, { nlink, size }) => sum + (nlink === 1 ? size : 0), 0);
}

/** Removes what an earlier run has left of steps after `step`; its models stay until there are new ones. */
export function removeLater(out: string, step: number): void {
  for (const name of [FINISHED, SENTINEL_FILE]) removeFile(join(out, name));
  remove(stepFolders(statesOf(out)), stateFiles);
  remove(stepFolders(checkpointsOf(out)), savedFiles);
  removeEmptyFolders([checkpointsOf(out)]);
  removeEmptyFolders([statesOf(out)]);

  function remove(folders: ReturnType<typeof stepFolders>, files: readonly string[]): void {
    for (const { path } of folders.filter((folder) => folder.step > step))
      removeKnown(giveWay(path, files), files);
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
  /** Of what the newest state is. */
  #newest: string | undefined;
  readonly #keepsStates: boolean;
  /** When the newest state was begun, or the training. */
  #stateAt = performance.now();

  constructor(
    readonly loaded: LoadedModel,
    readonly trained: TrainedTensors,
    readonly out: string,
    readonly save: SaveSettings,
    readonly onSaved: (event: SavedEvent) => void,
    from?: RunPosition,
  ) {
    this.#newest = from && stateKey(from);
    this.#keepsStates = save.states !== undefined && save.states > 0;
  }

  /** Whether a step is saved, the last one aside. */
  isDue(step: number): boolean {
    if (goesByClock(this.save)) return performance.now() - this.#stateAt >= 1000 * STATE_SECONDS;
    return step % (this.save.every ?? Infinity) === 0;
  }

  /**
   * Begins to save a step, as soon as the one before is saved. The weights may change when `taken` says so.
   * @param keep folders besides that get its weights
   * @param position the run's, where the step is one of those that are saved, or whose state is kept to go back to
   */
  async begin(lines: Writing, keep: readonly Kept[], position?: RunPosition): Promise<void> {
    await this.settle();
    const { save } = this;
    const isDue = position !== undefined && this.isDue(position.step);
    const checkpoint = isDue && save.keep !== 0 && save.every !== undefined;
    const writings = this.#weights([
      ...keep,
      ...(checkpoint ? [{ folder: `checkpoints/step-${position.step}` }] : []),
    ]);
    // A state comes after the folders that it speaks of.
    const first = together([lines, ...writings.slice(0, keep.length)]);
    writings.push(first);
    const isHealthy = position?.watch.healthy === position?.step;
    if (position && ((isDue && save.states !== 0) || isHealthy)) writings.push(this.#state(position, first));
    this.#underWay = together(writings, async () => {
      if (position) await this.#prune(position.watch.healthy);
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

  /** Saves the state of a run that is stopped, or goes on under other settings, if that has not been done. */
  async stop(position: RunPosition, lines: Writing): Promise<void> {
    await this.settle();
    if (this.save.states === 0 || this.#newest === stateKey(position)) return;
    await this.#state(position, lines).done;
    await this.#prune(position.watch.healthy);
  }

  /**
   * Saves the trained model, and keeps the states that the recipe asks for.
   * @param keep folders besides that get its weights
   * @param whole called when all is saved that stays, before what does not stay goes
   */
  async finish(
    position: RunPosition,
    lines: Writing,
    keep: readonly Kept[],
    whole: () => void,
  ): Promise<string> {
    await this.settle();
    await together(this.#weights([...keep, { folder: 'model' }])).done;
    // It comes after the model: a run whose last state is there is done.
    // A state of this step that is there already may not have what was measured after it.
    if (this.#keepsStates) await this.#state(position, lines).done;
    whole();
    await this.#prune();
    if (!this.#keepsStates) await removeOlder(statesOf(this.out), 0, stateFiles);
    return this.last!;
  }

  /**
   * Makes the weights of an earlier state the trained model. The states after it go, which lead to where the run is not to go; it and
   * those before it stay, so that the run may go on from there in another way.
   * @param keep folders besides that get its weights
   * @param whole called before they go
   */
  async goBack(step: number, keep: readonly Kept[], whole: () => void): Promise<string> {
    await this.settle();
    loadState(readState(join(statesOf(this.out), `step-${step}`)), this.trained);
    await together(this.#weights([...keep, { folder: 'model' }])).done;
    whole();
    for (const state of stepFolders(statesOf(this.out)))
      if (state.step > step) removeKnown(giveWay(state.path, stateFiles), stateFiles);
    await this.#prune(step);
    return this.last!;
  }

  /** Writes the weights into these folders, from one copy where the file's type is another. */
  #weights(folders: readonly (Kept | { folder: string })[]): Writing[] {
    return scope(() => {
      const filed = noGrad(() =>
        folders.length > 0 ? inFileDtypes(this.loaded, wholeOf(this.trained, 'weights')) : undefined,
      );
      return folders.map((kept) => {
        const path = join(this.out, kept.folder);
        const account = 'file' in kept ? join(this.out, kept.file) : undefined;
        return replace(
          path,
          savedFiles,
          (folder) => saveModelMeanwhile(this.loaded, folder, filed!),
          () => {
            this.last = path;
            if ('file' in kept) writeAccount(account!, kept.account);
            this.onSaved({ kind: 'saved', path });
          },
          () => {
            if (account !== undefined) removeFile(account);
          },
        );
      });
    });
  }

  #state(position: RunPosition, lines: Writing): Writing {
    const path = join(statesOf(this.out), `step-${position.step}`);
    this.#stateAt = performance.now();
    const write = (folder: string) => {
      const state = writeState(folder, this.trained, position);
      return together([state, lines]);
    };
    return replace(path, stateFiles, write, () => {
      this.#newest = stateKey(position);
      this.onSaved({ kind: 'state', path });
    });
  }

  /** @param healthy the step whose state stays, whatever its age */
  async #prune(healthy?: number): Promise<void> {
    const { keep = Infinity, states = STATES } = this.save;
    await removeOlder(checkpointsOf(this.out), keep, savedFiles);
    await removeOlder(statesOf(this.out), states, stateFiles, healthy);
  }
}

/** What tells the states of a run apart: the step, what was measured after it, and how the run is set. */
const stateKey = ({ step, metrics, watch, identity }: RunPosition): string =>
  JSON.stringify([step, metrics, watch, identity]);

/** Removes all step folders but the newest; one that holds something of somebody else's stays. */
async function removeOlder(
  folder: string,
  kept: number,
  files: readonly string[],
  healthy?: number,
): Promise<void> {
  for (const { path, step } of stepFolders(folder).slice(kept)) {
    if (step === healthy) continue;
    try {
      await removeKnownMeanwhile(giveWay(path, files), files);
    } catch (error) {
      if (!(error instanceof UserError)) throw error; // hours of training do not end for it
    }
  }
  removeEmptyFolders([folder]);
}

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
  const [partial, earlier] = [partialOf(path), earlierOf(path)];
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
  // What was copied beside the weights too: a power cut would leave it empty in a folder that has its name.
  const written = writing.done.then(() => flushFolderMeanwhile(partial).done);
  const done = written.catch(giveUp).then(async () => {
    requireKnown(path, files);
    before();
    exchange(path);
    then();
    await removeKnownMeanwhile(earlier, files);
  });
  return together([{ taken: writing.taken, done }]);
}
