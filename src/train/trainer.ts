/** @file Runs a training stage: data, model, the loop over optimizer steps, checkpoints. One step is in `step.ts`. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { resolveModel } from '../hub/resolve.js';
import { parameterCount } from '../models/parameters.js';
import { openObjective, type Objective } from '../objectives/index.js';
import { withMemoryFor } from '../torch/errors.js';
import { today } from '../text/template.js';
import type { Layout } from '../text/tokenRows.js';
import { deterministically, seed, setThreads } from '../torch/runtime.js';
import { UserError } from '../util/errors.js';
import { makeFolder } from '../util/folders.js';
import { begin, goOn, placeOf, type Changes } from './beginning.js';
import { besideOf } from './besideSteps.js';
import { Engine } from './engine.js';
import { expectMemory, expectTime, type Estimate } from './estimate.js';
import { prepareExamples, type DatedRecipe, type PreparedData } from './examples.js';
import { finishedOf, type Finished } from './finished.js';
import { computesAlike, differences, identityOf, withRows, type RunIdentity } from './identity.js';
import { weightBytes } from './memoryModel.js';
import { MetricsFiles, withSpeed, type StepMetrics } from './metricsFiles.js';
import { runSteps } from './loop.js';
import { openTrained, shapesOf } from './openModel.js';
import { Pause } from './pause.js';
import { planSteps, type StepPlan } from './plan.js';
import { preflight, type Preflight } from './preflight.js';
import { prove, type Proof } from './proofs.js';
import { alone, type Ranks } from './ranks.js';
import {
  requireUse,
  takeReference,
  type ReferenceEvent,
  type Reference,
  type ReferenceParts,
} from './reference.js';
import {
  continuesFrom,
  refuseUnfinished,
  requireSamePlace,
  requireSameTokens,
  requireSameStep,
  stateToContinue,
  stateToResume,
  stateToVerify,
  type ResumeOptions,
} from './resume.js';
import { requireRoom, Saver, type SavedEvent } from './saving.js';
import { warmupSteps } from './schedule.js';
import { adamwOptions, type TrainRecipe } from './settings.js';
import { loadState, memoryOf, type TrainedTensors, type TrainState } from './state.js';
import { checkpointsOf, statesOf, stepFolders } from './stateFolder.js';
import { Stepper } from './stepper.js';
import { defaultTokenBudget } from './tokenBudget.js';
import { BEST } from './watch/files.js';
import { openWatched, type Watched } from './watch/open.js';
import { freshWatch, type Sighting } from './watch/state.js';
import { Watch, type WatchEvent } from './watch/watch.js';
import { TrainableWeights } from './weights.js';

export type { StepMetrics } from './metricsFiles.js';

/** Events of a training run, in order. */
export type TrainEvent =
  /** Rows that are tokenised so far. */
  | { kind: 'tokenized'; done: number; total: number }
  | { kind: 'data'; rows: number; dropped: PreparedData['dropped']; tokens: number }
  | ReferenceEvent
  | ({ kind: 'doctor' } & Preflight)
  /** In `warmup` of the steps the learning rate rises, and `idle` of them have learning rate 0. */
  | {
      kind: 'start';
      formula: string;
      layout: Layout;
      steps: number;
      warmup: number;
      idle: number;
      /** Of the model, and those of them, or of its adapters, that are trained. */
      parameters: number;
      trained: number;
    }
  | { kind: 'proofs'; proofs: Proof[] }
  | ({ kind: 'estimate' } & Estimate)
  | { kind: 'step'; metrics: StepMetrics; steps: number }
  | SavedEvent
  | WatchEvent;

export interface TrainResult {
  /** The trained model: a Hugging Face directory. */
  model: string;
  steps: number;
  last: StepMetrics;
  /** How the run went, in the sentinel's words. */
  sentinel?: Sighting;
}

export interface TrainHooks {
  onEvent: (event: TrainEvent) => void;
  /** Asked before every pack. When it throws, the run saves its state and ends with its reason. */
  signal?: Pick<AbortSignal, 'throwIfAborted'>;
  /** Go on from the newest state in the run's folder. */
  resume?: ResumeOptions | undefined;
  /** The processes that train together, of which this one leads. Default: it is alone. */
  ranks?: Ranks | undefined;
}

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
  const beside = await besideOf(recipe, objective, watched);
  const { world } = estimates ?? ranks;
  const run = { objective, examples, plan, tokenBudget, beside, world, moments: recipe.optimizer.moments };
  const shapes = { ...shapesOf(recipe), world };
  const memory = expectMemory(shapes, run);
  const shared = { ...recipe, token_budget: tokenBudget };
  ranks.order('prepare', {
    recipe: shared,
    build: identity.build,
    tokens,
    updatesBefore: plan.updatesBefore,
  });
  // Before the first write: a model that cannot be loaded leaves an earlier run's files as they are.
  const start = openTrained(recipe, written.model, onNotice);

  const parameters = parameterCount(start.model.config);
  const bytes = weightBytes(shapes);
  const takes = `training ${recipe.model} takes, for weights, gradients and moments alone,`;
  using weights = withMemoryFor(
    takes,
    bytes,
    () => new TrainableWeights(start.model, recipe.dtype, { ranks }),
  );
  const loaded = { ...start, model: weights.model };
  using engine = new Engine(weights, recipe.recompute);
  using optimizer = withMemoryFor(takes, bytes, () => weights.optimizer(adamwOptions(recipe.optimizer)));
  const trained = { weights, optimizer };
  if (continued) loadState(continued, trained);
  tellData(watched, data, examined, onEvent);
  const time = expectTime(engine, run);
  onEvent({ kind: 'estimate', memory, ...time });
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
      proofs: await prove({ loaded, engine, trained, objective, examples, reference, out }),
    });

  const saver = new Saver(loaded, trained, out, recipe.save, onEvent, from?.position);
  const stepper = new Stepper({
    ...{ recipe, tokenBudget, engine, optimizer, objective, examples, plan },
    onNotice,
    beforePack: pause.before,
    beforeUpdate: () => saver.taken(),
    remedy: () => remedyOf(recipe, saver),
  });
  if (continued)
    stepper.know({ skipped: { total: continued.position.skipped.total, inARow: 0 }, memory: new Map() });
  if (from) {
    if (resume.verify) await verify(out, trained, stepper, onNotice);
    takeUp(from, { trained, stepper, resume });
  }
  const metrics = new MetricsFiles(out, recipe, {
    ...(from && { after: placeOf(from, resume) }),
    begin: () => {
      if (from) goOn(from, filled, { ...changesOf(from.position.identity, identity), onNotice });
      else begin(filled);
    },
  });
  if (from) {
    const { processes = '1' } = from.position.identity.build;
    const others =
      world === Number(processes)
        ? ''
        : `; in ${world} processes, and ${processes} before: sums are rounded in another order`;
    onNotice(`goes on after step ${from.position.step} of ${plan.steps}, from ${from.folder}${others}`);
  }
  onEvent(startOf(recipe, objective, plan, { parameters, trained: weights.count }));
  const watch = new Watch(
    { settings: recipe, steps: plan.steps, tokenBudget, objective, engine, watched, metrics, pause, onEvent },
    from?.position.watch ?? freshWatch(),
  );
  const end = await runSteps(
    {
      ...{ identity, examples, plan, stepper, saver, watch, metrics, onNotice },
      isChanged: from !== undefined && resume.allowChanges === true,
      onStep: (done) => {
        onEvent({ kind: 'step', metrics: done, steps: plan.steps });
      },
      isStopped: () => pause.isStopped,
    },
    from?.position,
  );
  return resultOf(recipe, end);
}

const changesOf = (then: RunIdentity, now: RunIdentity): Changes => ({
  isChanged: differences(then, now).run.length > 0,
  isOther: !computesAlike(then, now),
});

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

/** Puts weights, moments and what is known of steps where a state has them. */
function takeUp(
  from: TrainState,
  { trained, stepper, resume }: { trained: TrainedTensors; stepper: Stepper; resume: ResumeOptions },
): void {
  loadState(from, trained);
  const skipped = { ...from.position.skipped, ...(resume.allowChanges && { inARow: 0 }) };
  stepper.know({ skipped, memory: memoryOf(from) });
}

function resultOf({ out, best }: TrainRecipe, { last, sentinel }: Finished): TrainResult {
  const model = join(out, best ? BEST : 'model');
  return { model, steps: last.step, last: withSpeed(out, last), ...(sentinel && { sentinel }) };
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

/** What to do where numbers are not finite, and what there is on the disk. */
async function remedyOf({ out, optimizer, data }: TrainRecipe, saver: Saver): Promise<string> {
  await saver.settle();
  const [state, checkpoint] = [statesOf(out), checkpointsOf(out)].map((folder) => stepFolders(folder)[0]);
  const change = `lower optimizer.lr (now ${optimizer.lr}) or look at the data of ${data}`;
  if (state)
    return `${change}: \`redistill train --resume ${out} --allow-changes --set optimizer.lr=…\` goes on from ${state.path}, whose weights are finite`;
  return `${checkpoint ? `the last checkpoint is ${checkpoint.path}` : 'no checkpoint had been saved yet'}; ${change}`;
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

function startOf(
  { layout }: TrainRecipe,
  { formula }: Objective,
  { steps, idle, schedule, updatesBefore }: StepPlan,
  counts: { parameters: number; trained: number },
): TrainEvent {
  const warmup = Math.max(0, warmupSteps(schedule.totalSteps, schedule.warmupRatio) - updatesBefore);
  return { kind: 'start', formula, layout, steps, warmup, idle, ...counts };
}

/** Computes a step again that metrics.jsonl has, from the state before it. @throws Error where it is another one now */
async function verify(
  out: string,
  trained: TrainedTensors,
  stepper: Stepper,
  onNotice: (sentence: string) => void,
): Promise<void> {
  const state = stateToVerify(out);
  const { folder, position } = state;
  loadState(state, trained);
  stepper.know({ skipped: position.skipped, memory: memoryOf(state) });
  const again = await stepper.run(position.step, position.last);
  requireSameStep(out, again);
  onNotice(`step ${again.step}, computed again from ${folder}, is that of metrics.jsonl to the last bit`);
}
