/** @file Makes rewards of verdicts, and verdicts that are wrong on purpose. */
import type { Sample } from './sample.js';

/** Gives right samples one reward and wrong ones another. */
export const labelRewards = (group: readonly Sample[], right: number, wrong: number): number[] =>
  group.map((sample) => (sample.right ? right : wrong));

/**
 * Flips the verdicts of a whole group with a probability, by one draw: label noise of a verifier that misreads a problem
 * ("The Climb Carves Wisdom Deeper Than the Summit", arXiv 2505.22653).
 * @param draw uniform in [0, 1)
 */
export const flipVerdicts = (group: readonly Sample[], probability: number, draw: number): Sample[] =>
  group.map((sample) => (draw < probability ? { ...sample, right: !sample.right } : sample));
