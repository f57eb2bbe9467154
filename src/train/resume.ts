/** @file Decides from which state a run goes on, and proves by a step that it goes on as it went. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OtherRun } from '../teacher/header.js';
import { UserError } from '../util/errors.js';
import { stepRows } from './dataOrder.js';
import type { Examples } from './examples.js';
import { hasFinished, whatDiffers } from './finished.js';
import { differences, type RunIdentity } from './identity.js';
import { lastingOf, lineOf, stepLines, type StepMetrics } from './metricsFiles.js';
import type { StepPlan } from './plan.js';
import { readState, type TrainState } from './state.js';
import { BEST, bestStep } from './watch/files.js';
import { checkpointsOf, runOf, stateAt, statesOf, stepFolders } from './stateFolder.js';

export interface ResumeOptions {
  /** Go on although recipe, data, model or build are not what they were. */
  allowChanges?: boolean;
  /** Compute a step of metrics.jsonl again before going on, and compare. */
  verify?: boolean;
}

/**
 * Finds the newest state of a run.
 * @throws OtherRun where there is none or it is that of another recipe, data or model; UserError where it is damaged, or
 * another build or machine would go on
 */
export function stateToResume(out: string, identity: RunIdentity, options: ResumeOptions): TrainState {
  const newest = stepFolders(statesOf(out))[0]?.path;
  if (newest === undefined) throw nothingToResume(out, identity, options);
  const state = readState(newest);
  const { run, build } = differences(state.position.identity, identity);
  if (options.allowChanges) return state;
  const allow = allowIn(newest);
  if (run.length > 0) throw new OtherRun(`${newest} is a state of another run: ${run.join('; ')}; ${allow}.`);
  const { threads } = state.position.identity.build;
  const same =
    threads === identity.build.threads ? '' : `OMP_NUM_THREADS=${threads} takes as many threads as then; `;
  if (build.length > 0)
    throw new UserError(
      `${newest} was written by another build or machine, and numbers would be rounded in other ways: ${build.join('; ')}; ${same}${allow}.`,
    );
  return state;
}

function nothingToResume(out: string, identity: RunIdentity, { verify }: ResumeOptions): UserError {
  const differs = hasFinished(out) ? whatDiffers(out, identity) : undefined;
  if (verify && differs === '')
    return new UserError(
      `--verify: ${out} holds this run, and it is done; it has kept no state from which a step could be computed again (save.states: 2 keeps the state before the last)`,
    );
  const why =
    differs === undefined
      ? 'states are written every save.every steps and where a run is stopped'
      : `the run that was there is done, and is another one: ${differs}`;
  return new OtherRun(
    `${out} has no state to go on from (${why}): without --resume the recipe runs from its start.`,
  );
}

/** @throws UserError where a folder holds a run that is not done: beginning anew would lose what it has saved */
export function refuseUnfinished(out: string): void {
  if (hasFinished(out)) return; // one that went back has only states of earlier steps
  const newest = stepFolders(statesOf(out))[0]?.path;
  const anew = (folder: string) => `to begin anew, name another out, or remove ${folder}`;
  if (newest !== undefined) {
    const { step, steps, watch } = readState(newest).position;
    if (step < steps && !watch.ended)
      throw new UserError(
        `${out} holds a run that stopped after step ${step} of ${steps}: \`redistill train --resume ${out}\` goes on; ${anew(statesOf(out))}.`,
      );
    return;
  }
  const without = `${out} holds a run that was stopped and has no state to go on from, but`;
  const checkpoint = stepFolders(checkpointsOf(out))[0];
  if (checkpoint !== undefined)
    throw new UserError(`${without} checkpoints up to ${checkpoint.path}: ${anew(checkpointsOf(out))}.`);
  const best = join(out, BEST);
  if (existsSync(best)) throw new UserError(`${without} its best weights in ${best}: ${anew(best)}.`);
}

/** Opens the state that a stage continues. @throws UserError where there is none */
export function stateToContinue(path: string): TrainState {
  const folder = stateAt(path);
  if (folder === undefined)
    throw new UserError(
      `continue: ${path} has no training state; a run keeps its last one where save.states says how many`,
    );
  return readState(folder);
}

/**
 * Compares what of adapters their tensors do not tell. All weights are in the state of a run that trains them; what adapters are over
 * is not.
 * @throws UserError where a stage would put a state's adapters over another model, or compute with them in another way
 */
export function requireSameAdapters({ folder, position }: TrainState, now: RunIdentity): void {
  const then = position.identity;
  const trains = ({ settings }: RunIdentity) => ('lora.rank' in settings ? 'adapters (lora)' : 'all weights');
  if (trains(then) !== trains(now))
    throw new UserError(
      `continue: ${folder} is the state of a run that trained ${trains(then)}, and the recipe trains ${trains(now)}`,
    );
  for (const key of ['rank', 'alpha', 'use_rslora', 'use_dora'].map((name) => `lora.${name}`))
    if (then.settings[key] !== now.settings[key])
      throw new UserError(
        `${key}: ${folder}, which is gone on with, has ${then.settings[key]} and the recipe ${now.settings[key]}: set ${key} to ${then.settings[key]}`,
      );
  if (then.inputs.base !== now.inputs.base)
    throw new UserError(
      `continue: ${folder} has adapters over another model than the recipe's: name as model what that run had, or what it trained`,
    );
}

/** Says from which step a stage goes on; best weights that its run has kept of another step are not those. */
export function continuesFrom({ folder, position: { step } }: TrainState): string {
  const run = runOf(folder);
  const best = bestStep(run);
  const other =
    best === undefined || best === step
      ? ''
      : `; ${join(run, BEST)}, of step ${best}, is not gone on with (as \`model\`, without \`continue\`, it is what a stage starts from)`;
  return `continues after step ${step}, from ${folder}: its weights, moments and place in the schedule${other}`;
}

/** How a run goes on from a state of its own although something is another. */
const allowIn = (folder: string): string =>
  `\`redistill train --resume ${runOf(folder)} --allow-changes\` goes on all the same`;

/** @throws OtherRun where the rows are other tokens than they were */
export function requireSameTokens(
  { folder, position }: TrainState,
  { inputs: now }: RunIdentity,
  { allowChanges = false }: ResumeOptions,
): void {
  const { inputs: then } = position.identity;
  if (allowChanges || then.tokens === now.tokens) return;
  throw new OtherRun(
    `${folder}: what the rows say as tokens has changed, though the files have not (another version of the tokenizer, or of this program): the run would go on with other rows; ${allowIn(folder)}`,
  );
}

/** @throws OtherRun where the next step would not take the rows that it would have taken then */
export function requireSamePlace(
  { folder, position }: TrainState,
  plan: StepPlan,
  examples: Examples,
  { allowChanges = false }: ResumeOptions,
): void {
  const { step, data } = position;
  if (step > plan.steps)
    throw new OtherRun(`${folder} is after step ${step}, and the run has only ${plan.steps} steps now`);
  if (allowChanges) return;
  if (data.rows === examples.length && data.next.join() === nextRows(step, plan, examples).join()) return;
  throw new OtherRun(
    `${folder}: the next step would take other rows than it would have taken then (there were ${data.rows} rows, and ${examples.length} now); ${allowIn(folder)}`,
  );
}

/** The ids of the rows that a step takes; none after the last step. */
export function nextRows(step: number, plan: StepPlan, examples: Examples): string[] {
  return step < plan.steps ? stepRows(step, plan.order).map((row) => examples.at(row).id) : [];
}

/**
 * Finds the newest state after which metrics.jsonl has a step.
 * @throws UserError where there is none
 */
export function stateToVerify(out: string): TrainState {
  const lines = stepLines(out);
  const found = stepFolders(statesOf(out)).find(({ step }) => lineOf(lines, step + 1) !== undefined);
  if (found === undefined)
    throw new UserError(
      `--verify: ${out} has no step after a state that could be computed again; without --verify the run goes on (save.states: 2 keeps the state before the last)`,
    );
  return readState(found.path);
}

/**
 * @param changed what is known to round sums in another way than when the state was written
 * @throws Error naming what differs between a step that was computed again and its line in metrics.jsonl
 */
export function requireSameStep(out: string, again: StepMetrics, changed?: string): void {
  const then = lineOf(stepLines(out), again.step)!;
  const now = JSON.stringify(lastingOf(again));
  if (then === now) return;
  const [before, after] = [then, now].map((line) => JSON.parse(line) as Record<string, number>);
  const differing = Object.keys(after!).filter((name) => before![name] !== after![name]);
  throw new Error(
    `--verify: step ${again.step}, computed again, is not that of metrics.jsonl: ` +
      differing.map((name) => `${name} ${before![name]} then, ${after![name]} now`).join('; ') +
      (changed === undefined ? '' : `; it was computed ${changed}`),
  );
}
