/** @file Defines the contrastive loss of QCRD: the best right response of a problem, and a wrong one up to a margin. */

import { z } from 'zod';
import { defineObjective, numberFrom } from './definition.js';
import { meanLogp } from './linear.js';
import {
  scalarOf,
  spread,
  weightedSum,
  weightOf,
  type Evaluation,
  type Objective,
  type ScoredBatch,
} from './objective.js';
import { isRight, sideMetrics } from './responses.js';

/**
 * QCRD (arXiv 2405.13014) learns the right response of a row whose −mean log p is least, and raises that of a wrong one up to
 * δ. Which wrong one, and where the quality stands, are not known to us: here it is the wrong one that costs most.
 */
export const qcrd = defineObjective(
  'qcrd',
  {
    beta: numberFrom(0, 100).default(0.2).describe('weight of the wrong response'),
    delta: numberFrom(0, 1e6)
      .default(3)
      .describe('−mean logp of a wrong response from which on nothing pushes it'),
    quality: z
      .boolean('true or false')
      .default(false)
      .describe(
        'whether responses have a number `quality` q from 0 to 1: a right one counts q times, a wrong one 1 − q times; what is beyond counts as 0 or 1',
      ),
  },
  ({ beta, delta, quality }): Objective => {
    const of = (right: string, wrong: string) =>
      `min of ${right}−mean logp(y)${right && ')'} over a row’s right responses + ${beta}·max of ${wrong}max(0, ${delta} + mean logp(y)) over its wrong ones, mean over rows`;
    return {
      name: 'qcrd',
      formula: quality ? of('q·(', '(1 − q)·') : of('', ''),
      data: 'groups',
      needs: { reward: 'sequence', ...(quality && { quality: 'sequence' }) },
      couples: 'group',
      evaluate: (batch) => contrast(batch, { beta, delta, quality }),
    };
  },
  {
    gradient: '−q/N of the best right response; β(1 − q)/N of the wrong one while −M < δ, 0 beyond',
    source:
      'arXiv 2405.13014 with its β 0.2 and δ 3; its formula is known to us in words alone, so the choice of the wrong response and the place of q are ours; its discriminator is whatever gives q',
    use: 'on several right and wrong responses of a problem: nothing is pushed further than δ, and the student learns the right one that it finds easiest.',
    fails:
      'Right responses that the student finds hard are never learned; δ below the usual −M of wrong responses turns the push off.',
  },
);

/** What a row has of a kind so far: the response that decides, and what it adds. */
interface Chosen {
  place: number;
  value: number;
  /** By the response's mean log-prob. */
  slope: number;
}

function contrast(
  batch: ScoredBatch,
  { beta, delta, quality }: { beta: number; delta: number; quality: boolean },
): Evaluation {
  const { sequences, logps, step } = batch;
  const best = new Map<number, Chosen>();
  const worst = new Map<number, Chosen>();
  sequences.forEach((sequence, place) => {
    const { group } = sequence;
    const mean = meanLogp(sequence, weightedSum(sequence, logps[place]!));
    const q = quality ? Math.min(Math.max(scalarOf(sequence, 'quality'), 0), 1) : undefined;
    if (isRight(sequence)) {
      const found = { place, value: -(q ?? 1) * mean, slope: -(q ?? 1) };
      if (found.value < (best.get(group)?.value ?? Infinity)) best.set(group, found);
    } else {
      const weight = beta * (1 - (q ?? 0));
      const found = { place, value: weight * (delta + mean), slope: weight };
      if (found.value > (worst.get(group)?.value ?? 0)) worst.set(group, found);
    }
  });
  let loss = 0;
  const gradient: Float64Array[] = sequences.map(({ length }) => new Float64Array(length));
  for (const { place, value, slope } of [...best.values(), ...worst.values()]) {
    const sequence = sequences[place]!;
    loss += value / step.counts.groups;
    gradient[place] = spread(sequence, slope / (weightOf(sequence) * step.counts.groups));
  }
  return { loss, gradient, metrics: sideMetrics(batch) };
}
