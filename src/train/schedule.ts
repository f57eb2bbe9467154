/** @file Computes the learning rate of a step from the schedule alone. */

export const decays = ['linear', 'cosine', 'constant'] as const;
export type Decay = (typeof decays)[number];

export interface Schedule {
  /** The learning rate after the warm-up. */
  peak: number;
  /** Optimizer steps of the whole run. */
  totalSteps: number;
  /** The share of the steps that warm up, 0 to 1; rounded up to whole steps. */
  warmupRatio: number;
  decay: Decay;
}

/**
 * Returns the learning rate of an optimizer step, counted from 0, as transformers' schedules with warm-up do: it rises
 * linearly from 0 over the first ⌈warmupRatio·totalSteps⌉ steps, then falls to 0 linearly or along half a cosine, or
 * stays. The first step of a run with a warm-up has rate 0, and the step after the last one would have rate 0.
 */
export function learningRate(step: number, { peak, totalSteps, warmupRatio, decay }: Schedule): number {
  const warmup = warmupSteps(totalSteps, warmupRatio);
  if (step < warmup) return peak * (step / warmup);
  const left = Math.max(0, totalSteps - step) / Math.max(1, totalSteps - warmup);
  switch (decay) {
    case 'linear':
      return peak * left;
    case 'cosine':
      return peak * 0.5 * (1 - Math.cos(Math.PI * left));
    case 'constant':
      return peak;
  }
}

/**
 * Counts the steps of a run whose learning rate is 0. A warm-up begins with one; the decay would reach 0 only after the
 * last step.
 */
export function idleSteps({ totalSteps, warmupRatio }: Schedule): number {
  return warmupSteps(totalSteps, warmupRatio) > 0 ? 1 : 0;
}

/** Counts the steps before the peak. */
export function warmupSteps(totalSteps: number, warmupRatio: number): number {
  return Math.ceil(totalSteps * warmupRatio);
}
