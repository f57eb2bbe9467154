/** @file Takes the steps of a run for which all is ready: begins or goes on from a state, saves, looks, and says what it came to. */
import { join } from 'node:path';
import type { LoadedModel } from '../models/checkpoint.js';
import { parameterCount } from '../models/parameters.js';
import type { Objective } from '../objectives/index.js';
import { begin, goOn, placeOf, type Changes } from './beginning.js';
import type { Engine } from './engine.js';
import type { DatedRecipe } from './examples.js';
import type { Finished } from './finished.js';
import type { TrainEvent, TrainHooks, TrainResult } from './hooks.js';
import { computesAlike, differences, type RunIdentity } from './identity.js';
import { runSteps } from './loop.js';
import { MetricsFiles, withSpeed } from './metricsFiles.js';
import type { Pause } from './pause.js';
import type { StepPlan } from './plan.js';
import { requireSameStep, stateToVerify, type ResumeOptions } from './resume.js';
import { Saver } from './saving.js';
import { warmupSteps } from './schedule.js';
import type { TrainRecipe } from './settings.js';
import { loadState, memoryOf, type TrainedTensors, type TrainState } from './state.js';
import { checkpointsOf, statesOf, stepFolders } from './stateFolder.js';
import { Stepper } from './stepper.js';
import { BEST } from './watch/files.js';
import type { Watched } from './watch/open.js';
import { freshWatch } from './watch/state.js';
import { Watch } from './watch/watch.js';
import type { TrainableWeights } from './weights.js';

/** What a run consists of before its first step. */
export interface ReadyRun {
  /** As it is written into the run's folder, and with what was found out about it. */
  filled: TrainRecipe & { token_budget: number };
  recipe: DatedRecipe;
  objective: Objective;
  /** The state that it goes on from, and that of another stage. */
  from: TrainState | undefined;
  continued: TrainState | undefined;
  identity: RunIdentity;
  watched: Watched;
  plan: StepPlan;
  pause: Pause;
  loaded: LoadedModel;
  engine: Engine;
  trained: TrainedTensors;
}

/** @returns what it came to when it is done */
export async function takeSteps(run: ReadyRun, { onEvent, resume = {} }: TrainHooks): Promise<TrainResult> {
  const { filled, recipe, objective, from, continued, identity, watched, plan, pause, loaded } = run;
  const { engine, trained } = run;
  const { out } = recipe;
  const { examples } = watched;
  const tokenBudget = filled.token_budget;
  const onNotice = (sentence: string): void => {
    onEvent({ kind: 'notice', sentence });
  };
  const saver = new Saver(loaded, trained, out, recipe.save, onEvent, from?.position);
  const stepper = new Stepper({
    ...{ recipe, tokenBudget, engine, optimizer: trained.optimizer, objective, examples, plan },
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
  if (from) onNotice(goesOn(from, plan, engine.weights.ranks.world));
  onEvent(startOf(recipe, objective, plan, engine.weights));
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

/** Puts weights, moments and what is known of steps where a state has them. */
function takeUp(
  from: TrainState,
  { trained, stepper, resume }: { trained: TrainedTensors; stepper: Stepper; resume: ResumeOptions },
): void {
  loadState(from, trained);
  const skipped = { ...from.position.skipped, ...(resume.allowChanges && { inARow: 0 }) };
  stepper.know({ skipped, memory: memoryOf(from) });
}

/** Says what a run came to that is done. */
export function resultOf({ out, best }: TrainRecipe, { last, sentinel }: Finished): TrainResult {
  const model = join(out, best ? BEST : 'model');
  return { model, steps: last.step, last: withSpeed(out, last), ...(sentinel && { sentinel }) };
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

/** Says from where a run goes on, and whether as it was before. */
function goesOn(state: TrainState, plan: StepPlan, world: number): string {
  const { folder, position } = state;
  const changed = changedProcesses(state, world);
  return [
    `goes on after step ${position.step} of ${plan.steps}, from ${folder}`,
    ...(changed ? [changed] : []),
  ].join('; ');
}

/** Says that another number of processes trains than when a state was written; undefined where it is the same. */
function changedProcesses({ position }: TrainState, world: number): string | undefined {
  const { processes = '1' } = position.identity.build;
  return Number(processes) === world
    ? undefined
    : `in ${inProcesses(world)}, and ${processes} before: sums are rounded in another order`;
}

const inProcesses = (world: number): string => (world === 1 ? 'one process' : `${world} processes`);

function startOf(
  { layout }: TrainRecipe,
  { formula }: Objective,
  { steps, idle, schedule, updatesBefore }: StepPlan,
  { model, count }: TrainableWeights,
): TrainEvent {
  const warmup = Math.max(0, warmupSteps(schedule.totalSteps, schedule.warmupRatio) - updatesBefore);
  const parameters = parameterCount(model.config);
  return { kind: 'start', formula, layout, steps, warmup, idle, parameters, trained: count };
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
  requireSameStep(out, again, changedProcesses(state, trained.weights.ranks.world));
  onNotice(`step ${again.step}, computed again from ${folder}, is that of metrics.jsonl to the last bit`);
}
