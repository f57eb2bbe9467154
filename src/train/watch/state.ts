/** @file What the watch over a run remembers; a run's state holds it, so that a resumed run sees what it would have seen. */
import { z } from 'zod';
import { bestSoFar } from './best.js';
import { signs, verdicts } from './sentinel.js';

const step = z.int().min(0);

/** A verdict that differs from the one before. */
export const sighting = z.strictObject({ step, verdict: z.enum(verdicts), sentence: z.string() });
export type Sighting = z.output<typeof sighting>;

const perToken = z.strictObject({ chosen: z.number(), rejected: z.number().optional() });

export const watchState = z.strictObject({
  /** The last step after which was measured what is due there; absent before the first. */
  measured: step.optional(),
  best: bestSoFar.optional(),
  /** What was measured at the start, and last. */
  start: signs,
  now: signs,
  /** Log-probs of the steps that the start is the mean of, and of the last few. */
  first: z.array(perToken),
  recent: z.array(perToken),
  sightings: z.array(sighting),
  /** The step whose state is kept to go back to. */
  healthy: step.optional(),
  /** The run has ended before its last step. */
  ended: z.literal(true).optional(),
});
export type WatchState = z.output<typeof watchState>;

/** A copy as of now, its keys in one order, for a state that is written while the run goes on. */
export const snapshot = (state: WatchState): WatchState => watchState.parse(structuredClone(state));

export const freshWatch = (): WatchState => ({ start: {}, now: {}, first: [], recent: [], sightings: [] });
