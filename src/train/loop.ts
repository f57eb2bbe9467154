/** @file The loop over a run's steps: each is computed, accounted for and, where it is due, saved. */
import { messageOf, UserError } from '../util/errors.js';
import type { Examples } from './examples.js';
import { writeFinished, type Finished } from './finished.js';
import type { RunIdentity } from './identity.js';
import { lastingOf, type LastingMetrics, type MetricsFiles, type StepMetrics } from './metricsFiles.js';
import type { StepPlan } from './plan.js';
import { RankStopped } from './ranks.js';
import { nextRows } from './resume.js';
import type { Saver } from './saving.js';
import type { RunPosition } from './state.js';
import { NotFinite, type Stepper } from './stepper.js';
import { snapshot } from './watch/state.js';
import type { Ending, Watch } from './watch/watch.js';

export interface LoopParts {
  identity: RunIdentity;
  examples: Examples;
  plan: StepPlan;
  stepper: Stepper;
  saver: Saver;
  watch: Watch;
  metrics: MetricsFiles;
  /** It goes on with what was allowed to differ: its state is to say so, that it may go on again as it does now. */
  isChanged: boolean;
  onStep: (metrics: StepMetrics) => void;
  onNotice: (sentence: string) => void;
  /** Whether the run was asked to stop. */
  isStopped: () => boolean;
}

const NOTHING_LEARNT =
  'The gradient was 0 in every step, so nothing was learnt and there is no trained model: the terms of the objective cancel, no row has a weight or an advantage, or the loss is flat where the policy is its own reference.';

/**
 * Runs the steps that are left.
 * @param from where the run goes on; without it it begins
 * @throws what ends the run; a run that is asked to stop saves its state first
 */
export async function runSteps(parts: LoopParts, from: RunPosition | undefined): Promise<Finished> {
  const { plan, stepper, saver, watch, metrics } = parts;
  let last: LastingMetrics | undefined = from?.last;
  const position = (): RunPosition => ({
    step: last!.step,
    steps: plan.steps,
    updates: plan.updatesBefore + last!.step,
    skipped: stepper.skipped,
    last: last!,
    metrics: { bytes: metrics.bytes },
    data: { rows: parts.examples.length, next: nextRows(last!.step, plan, parts.examples) },
    watch: snapshot(watch.state),
    ...(stepper.memory.size > 0 && { memory: Object.fromEntries(stepper.memory) }),
    identity: parts.identity,
  });
  let ending: Ending | undefined;
  // Of a part that ran before, only its last step is known.
  let hasGradient = from !== undefined && from.step > 0;
  /** Measures what is due after a step, and saves what is to be saved of it. */
  const look = async (step: number): Promise<void> => {
    const before = watch.state.measured;
    const { keep, isHealthy, ...found } = await watch.after(step);
    ending = found.ending;
    const isNew = step !== from?.last.step || watch.state.measured !== before;
    const isDue = isHealthy || (step > 0 && step < plan.steps && saver.isDue(step));
    const isSaved = isNew && ending === undefined && isDue;
    if (!isSaved && keep.length === 0) return;
    await stepper.refuseRuinedWeights(step);
    await saver.begin(metrics.flush(), keep, isSaved ? position() : undefined);
  };
  try {
    let step = last?.step ?? 0;
    if (parts.isChanged) await saver.stop(position(), metrics.flush());
    if (!watch.state.ended) await look(step);
    while (step < plan.steps && ending === undefined && !watch.state.ended) {
      const done = await stepper.run(step, last);
      metrics.append(done);
      last = lastingOf(done);
      step = done.step;
      hasGradient ||= done.grad_norm !== 0;
      watch.see(done);
      parts.onStep(done);
      if (step === plan.steps) await stepper.refuseRuinedWeights(step);
      await look(step);
    }
    if (ending?.kind === 'stop') throw new Error(ending.sentence);
    // One step may be flat where the policy begins as its own reference; a second is not.
    if (!hasGradient && plan.steps > 1) throw new UserError(NOTHING_LEARNT);
  } catch (error) {
    const isSkipped = error instanceof NotFinite;
    const save = async (): Promise<void> => {
      const isStopped = error instanceof RankStopped || parts.isStopped();
      const keepsState = isSkipped || isStopped || ending?.kind === 'stop';
      if (!keepsState || last === undefined || !Number.isFinite(stepper.weightNorm())) return saver.settle();
      await saver.stop(position(), metrics.flush());
    };
    await save().catch((reason: unknown) => {
      if (reason !== error) parts.onNotice(`not saved: ${messageOf(reason)}`);
    });
    throw isSkipped ? new Error(`${error.message}; ${await stepper.parts.remedy()}`) : error;
  }
  if (ending?.kind === 'early') watch.state.ended = true;
  if (ending) parts.onNotice(ending.sentence);
  const sentinel = watch.finish(last!.step);
  const end = { last: last!, sentinel };
  const whole = () => {
    writeFinished(saver.out, parts.identity, end);
  };
  if (ending?.kind === 'rollback') await saver.goBack(ending.to, ending.keep, whole);
  else await saver.finish(position(), metrics.flush(), watch.insteadOfBest(last!.step), whole);
  return end;
}
