/** @file Runs a training stage: data, model, the loop over optimizer steps, checkpoints. One step is in `step.ts`. */

import { statSync } from 'node:fs';
import { resolveModel } from '../hub/resolve.js';
import { openObjective } from '../objectives/index.js';
import { today } from '../text/template.js';
import { deterministically, seed, setThreads, threads } from '../torch/runtime.js';
import { crowding } from '../torch/threads.js';
import { UserError } from '../util/errors.js';
import { makeFolder } from '../util/folders.js';
import { besideOf } from './besideSteps.js';
import { expectMemory, expectTime, type Estimate } from './estimate.js';
import { prepareExamples, type DatedRecipe, type PreparedData } from './examples.js';
import { finishedOf } from './finished.js';
import type { TrainEvent, TrainHooks, TrainResult } from './hooks.js';
import { identityOf, withRows, type RunIdentity } from './identity.js';
import { shapesOf } from './openModel.js';
import { Pause } from './pause.js';
import { planSteps } from './plan.js';
import { preflight, type Preflight } from './preflight.js';
import { prove } from './proofs.js';
import { alone } from './ranks.js';
import { requireUse, takeReference, type Reference, type ReferenceParts } from './reference.js';
import {
  continuesFrom,
  refuseUnfinished,
  requireSameAdapters,
  requireSamePlace,
  requireSameTokens,
  stateToContinue,
  stateToResume,
} from './resume.js';
import { requireRoom } from './saving.js';
import type { TrainRecipe } from './settings.js';
import { loadState } from './state.js';
import { defaultTokenBudget } from './tokenBudget.js';
import { openWatched, type Watched } from './watch/open.js';
import { resultOf, takeSteps } from './takeSteps.js';
import { trainedCount } from './memoryModel.js';
import { openTrainee } from './trainee.js';

export type { TrainEvent, TrainHooks, TrainResult } from './hooks.js';
export type { StepMetrics } from './metricsFiles.js';

/**
 * Runs a training stage to its end. Most of the work is synchronous: to stay free meanwhile, call `trainInProcess`.
 * @throws UserError for a recipe that cannot be run, before anything is written; the signal's reason when it is aborted
 */
export function train(written: TrainRecipe, hooks: TrainHooks): Promise<TrainResult> {
  const work = async () => (await runStage(written, hooks))!;
  return written.deterministic ? deterministically(work) : work();
}

/**
 * Predicts what a run takes, and writes nothing into its folder.
 * @param world how many processes would train
 * @throws UserError as `train` does
 */
export async function estimate(recipe: TrainRecipe, hooks: TrainHooks, world = 1): Promise<Estimate> {
  let found: Estimate | undefined;
  const onEvent = (event: TrainEvent) => {
    if (event.kind === 'estimate') found = event;
    hooks.onEvent(event);
  };
  await runStage(recipe, { ...hooks, onEvent }, { world });
  return found!;
}

/** @throws UserError for data that can be read only once: the doctor, tokens and a run that goes on read it again */
function requireFiles({ data, evaluation, development }: TrainRecipe): void {
  const paths = { data, 'evaluation.data': evaluation?.data, 'development.data': development?.data };
  for (const [key, path] of Object.entries(paths)) {
    if (path === undefined || statSync(path, { throwIfNoEntry: false })?.isFile() !== false) continue;
    throw new UserError(
      `${key}: ${path} is no file: training reads its data more than once, so write it into a file first`,
    );
  }
}

/** @throws UserError where so many processes cannot train together */
function requirePlace({ device, optimizer }: TrainRecipe, world: number): void {
  if (optimizer.offload && device === 'cpu')
    throw new UserError(
      "optimizer.offload is for a GPU: on the CPU all is in the host's memory. For less memory take optimizer: { moments: 8bit }, lora or recompute.",
    );
  if (world > 1 && /^cuda:/.test(device))
    throw new UserError(
      `device: ${device} is one GPU, and ${world} processes do not share one: write cuda, and each takes the GPU of its place on its machine`,
    );
}

/** What a run is before its rows are read, or its result where it is done. */
async function openRun(written: TrainRecipe, hooks: TrainHooks, onlyEstimates: boolean) {
  const { resume, ranks = alone } = hooks;
  const { out, device } = written;
  // The budget comes last whether it was given or not, so that recipe.yaml is the same when the run goes on.
  const { token_budget = defaultTokenBudget(device), ...rest } = written;
  const filled = { ...rest, token_budget };
  requireFiles(written);
  const undated = { ...filled, model: await resolveModel(written.model) };
  setThreads();
  ranks.openDevice(device);
  seed(undated.seed);
  const objective = await openObjective(undated.objective);
  requireUse(undated, objective);
  const files = identityOf(undated, ranks.world);
  if (!resume && !onlyEstimates) refuseUnfinished(out);
  const result = resume && resultBefore(undated, files, hooks);
  if (result) return { result };
  const from = resume && stateToResume(out, files, resume);
  const continued = undated.continue === undefined ? undefined : stateToContinue(undated.continue);
  if (continued) requireSameAdapters(continued, files);
  // A run keeps the day on which it began.
  const recipe: DatedRecipe = { ...undated, date: from?.position.identity.inputs.date ?? today() };
  return { filled, recipe, objective, files, from, continued };
}

/** @param estimates for how many processes; ends before anything is written, without a result */
async function runStage(
  written: TrainRecipe,
  hooks: TrainHooks,
  estimates?: { world: number },
): Promise<TrainResult | undefined> {
  const { onEvent, resume = {}, ranks = alone } = hooks;
  const { out } = written;
  const { world } = estimates ?? ranks;
  requirePlace(written, world);
  const pause = new Pause(hooks.signal);
  const opened = await openRun(written, hooks, estimates !== undefined);
  if ('result' in opened) return opened.result;
  const { filled, recipe, objective, files, from, continued } = opened;
  const tokenBudget = filled.token_budget;
  const onRows = (done: number, total: number) => {
    pause.throwIfAborted();
    onEvent({ kind: 'tokenized', done, total });
  };
  const onNotice = (sentence: string): void => {
    onEvent({ kind: 'notice', sentence });
  };
  if (continued && !from) onNotice(continuesFrom(continued));
  const data = await prepareExamples(recipe, objective, onRows, onNotice);
  using all = data.examples;
  using watched = await openWatched(recipe, objective, all, { onRows, onNotice });
  const { examples, heldOut, tokenizer } = watched;
  const tokens = [examples, heldOut ?? examples].map(({ file }) => file.digest);
  const identity = withRows(files, tokens, tokenizer.asksForTime ? recipe.date : undefined);
  const plan = planSteps(recipe, examples.length, continued?.position.updates);
  if (from) {
    requireSameTokens(from, identity, resume);
    requireSamePlace(from, plan, examples, resume);
  }
  const examined = recipe.doctor === 'off' ? undefined : await preflight(recipe, objective);
  const shapes = { ...shapesOf(recipe), world };
  const beside = await besideOf(recipe, objective, watched, { trained: trainedCount(shapes), world });
  const { moments, offload } = recipe.optimizer;
  const run = { objective, examples, plan, tokenBudget, beside, world, moments, offload };
  const memory = expectMemory(shapes, run);
  const shared = { ...recipe, token_budget: tokenBudget };
  ranks.order('prepare', {
    recipe: shared,
    identity,
    tokens,
    updatesBefore: plan.updatesBefore,
  });
  // Before the first write: a model that cannot be loaded leaves an earlier run's files as they are.
  using trainee = openTrainee(recipe, { written: written.model, ranks, onNotice });
  const { loaded, engine } = trainee;
  if (continued) loadState(continued, trainee);
  tellData(watched, data, examined, onEvent);
  const time = expectTime(engine, run);
  const others = { count: world - 1, memory: memory - (beside.gathered ?? 0) };
  onEvent({ kind: 'estimate', memory, ...(world > 1 && { others }), ...time });
  if (world > 1 && crowding() > 1)
    onNotice(
      `${world} processes have ${threads()} threads each, which is ${crowding().toPrecision(2)} threads a core: they wait for one another`,
    );
  if (estimates) return undefined;
  makeFolder(out);
  requireRoom(loaded, out, recipe, {
    ...time,
    steps: plan.steps,
    after: from?.position.step ?? 0,
  });

  const scoring = { recipe, engine, objective, tokenBudget, build: identity.build };
  const reference = await referenceOf(watched, { ...scoring, beforePack: pause.before, onEvent });
  if (reference) ranks.order('reference', undefined);
  if (recipe.proofs === 'on')
    onEvent({
      kind: 'proofs',
      proofs: await prove({ loaded, engine, trained: trainee, objective, examples, reference, out }),
    });

  return await takeSteps(
    { ...opened, identity, watched, plan, pause, loaded, engine, trained: trainee },
    hooks,
  );
}

/** What the run came to, if it is done; a step of it can still be computed again. */
function resultBefore(
  recipe: TrainRecipe,
  identity: RunIdentity,
  { resume, onEvent }: TrainHooks,
): TrainResult | undefined {
  const finished = resume?.verify ? undefined : finishedOf(recipe.out, identity);
  if (!finished) return undefined;
  onEvent({ kind: 'notice', sentence: `${recipe.out} holds this run, and it is done` });
  return resultOf(recipe, finished);
}

/** Takes what the objective needs of the reference for the rows that are trained on and those that are held out. */
async function referenceOf(
  { examples, heldOut }: Watched,
  given: ReferenceParts,
): Promise<Reference | undefined> {
  if (!given.objective.needs.reference) return undefined;
  if (heldOut) await takeReference(heldOut, given);
  return takeReference(examples, given);
}

/** Tokens of one pass over the rows that are trained on. */
function tokensOf({ examples, heldOut }: Watched, { examples: all, tokens }: PreparedData): number {
  let sum = tokens;
  if (examples !== all)
    for (const { parts } of heldOut!)
      for (const { length, onlyScored } of parts) if (!onlyScored) sum -= length;
  return sum;
}

/** Says what is trained on, and what the doctor has found in it, if there is anything to say. */
function tellData(
  watched: Watched,
  data: PreparedData,
  examined: Preflight | undefined,
  onEvent: TrainHooks['onEvent'],
): void {
  const tokens = tokensOf(watched, data);
  onEvent({ kind: 'data', rows: watched.examples.length, dropped: data.dropped, tokens });
  if (examined && (examined.every > 1 || examined.findings.length > 0))
    onEvent({ kind: 'doctor', ...examined });
}
