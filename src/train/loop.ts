/** @file The loop over a run's steps: each is computed, accounted for and, where it is due, saved. */
import { messageOf } from '../util/errors.js';
import type { Example } from './examples.js';
import type { RunIdentity } from './identity.js';
import { lastingOf, type LastingMetrics, type MetricsFiles, type StepMetrics } from './metricsFiles.js';
import type { StepPlan } from './plan.js';
import { nextRows } from './resume.js';
import type { Saver } from './saving.js';
import type { RunPosition } from './state.js';
import type { Stepper } from './stepper.js';

export interface LoopParts {
  identity: RunIdentity;
  examples: readonly Example[];
  plan: StepPlan;
  stepper: Stepper;
  saver: Saver;
  metrics: MetricsFiles;
  onStep: (metrics: StepMetrics) => void;
  onNotice: (sentence: string) => void;
  /** Whether the run was asked to stop. */
  isStopped: () => boolean;
}

/**
 * Runs the steps that are left.
 * @param from where the run goes on; without it it begins
 * @throws what ends the run; a run that is asked to stop saves its state first
 */
export async function runSteps(
  parts: LoopParts,
  from: RunPosition | undefined,
): Promise<{ model: string; last: StepMetrics }> {
  const { plan, stepper, saver, metrics } = parts;
  let last: LastingMetrics | undefined = from?.last;
  const position = (): RunPosition => ({
    step: last!.step,
    steps: plan.steps,
    updates: plan.updatesBefore + last!.step,
    last: last!,
    metrics: { bytes: metrics.bytes },
    data: { rows: parts.examples.length, next: nextRows(last!.step, plan, parts.examples) },
    identity: parts.identity,
  });
  try {
    for (let step = last?.step ?? 0; step < plan.steps; step++) {
      const done = await stepper.run(step, last?.num_tokens ?? 0);
      metrics.append(done);
      last = lastingOf(done);
      parts.onStep(done);
      if (done.step === plan.steps || saver.isDue(done.step)) await stepper.refuseRuinedWeights(done.step);
      if (done.step < plan.steps && saver.isDue(done.step)) await saver.begin(position(), metrics.flush());
    }
  } catch (error) {
    const save =
      parts.isStopped() && last !== undefined
        ? () => saver.stop(position(), metrics.flush())
        : () => saver.settle();
    await save().catch((reason: unknown) => {
      if (reason !== error) parts.onNotice(`not saved: ${messageOf(reason)}`);
    });
    throw error;
  }
  return { model: await saver.finish(position(), metrics.flush()), last: metrics.last() };
}
