/** @file Defines the offline losses of S²R. */

import { z } from 'zod';
import { defineObjective, numberFrom, oneOf } from './definition.js';
import { columnOf, scalarOf, tokenWeight } from './objective.js';
import { responseObjective } from './responses.js';

/**
 * S²R (arXiv 2502.12853), offline: the reference plays the sampler, and the ratio is exp(M − M_ref) of the response, or of each
 * of its segments.
 */
export const s2r = defineObjective(
  's2r',
  {
    level: oneOf(['outcome', 'process'])
      .default('outcome')
      .describe('whether rewards and baselines are those of responses or of segments'),
    kappa: numberFrom(0, 100).default(0.15).describe('weight of the log-ratio in the advantage'),
    clip: numberFrom(0, 1).default(0.2).describe('how far the ratio may be from 1'),
    detached: z
      .boolean('true or false')
      .default(false)
      .describe(
        'whether the log-ratio in the advantage of a response has no gradient; that of a segment never has',
      ),
  },
  ({ level, kappa, clip, detached }) => {
    const isOutcome = level === 'outcome';
    const isDetached = detached || !isOutcome;
    const shape = isOutcome ? ('sequence' as const) : ('segment' as const);
    return responseObjective(
      {
        name: 's2r',
        formula: `−min(ρA, clip(ρ, ${1 - clip}, ${1 + clip})·A), ρ = exp(M − M_ref) of a ${isOutcome ? 'response' : 'segment'}, A = r − b − ${kappa}·${isDetached ? 'sg ' : ''}(M − M_ref), mean over ${isOutcome ? 'responses' : 'a response’s segments, then over responses'}`,
        data: 'groups',
        needs: { reward: shape, baseline: shape, reference: 'token' },
        couples: 'sequence',
      },
      ({ sequences }) =>
        (sequence, logps) => {
          const reference = columnOf(sequence, 'reference');
          const segmentOf = (t: number) => (isOutcome ? 0 : (sequence.segments?.[t] ?? 0));
          const [sums, weights] = [new Map<number, number>(), new Map<number, number>()];
          logps.forEach((logp, t) => {
            const weight = tokenWeight(sequence, t);
            if (weight === 0) return;
            const k = segmentOf(t);
            sums.set(k, (sums.get(k) ?? 0) + weight * (logp - reference[t]!));
            weights.set(k, (weights.get(k) ?? 0) + Math.abs(weight));
          });
          const numberOf = (name: string, k: number) =>
            isOutcome ? scalarOf(sequence, name) : columnOf(sequence, name)[k]!;
          const share = 1 / (sums.size * sequences.length);
          const slopes = new Map<number, number>();
          let total = 0;
          for (const [k, sum] of sums) {
            const gap = sum / weights.get(k)!;
            const ratio = Math.exp(Math.min(gap, MOST));
            const held = Math.min(Math.max(ratio, 1 - clip), 1 + clip);
            const advantage = numberOf('reward', k) - numberOf('baseline', k) - kappa * gap;
            const isFree = ratio * advantage <= held * advantage;
            const taken = isFree ? ratio : held;
            total -= share * taken * advantage;
            const moves = isFree && gap < MOST ? ratio * advantage : 0;
            slopes.set(k, (-share * (moves - (isDetached ? 0 : kappa * taken))) / weights.get(k)!);
          }
          const gradient = logps.map((_, t) => {
            const weight = tokenWeight(sequence, t);
            return weight === 0 ? 0 : weight * slopes.get(segmentOf(t))!;
          });
          return { loss: total, gradient };
        },
    );
  },
  {
    gradient:
      '−ρA/N of the response or segment while ρ is within the clip, and +κρ/N where the advantage is attached',
    source: 'arXiv 2502.12853; the outcome path of its code has the attached advantage',
    use: 'offline on labelled traces: baselines are mean rewards of problems of like accuracy.',
    fails: 'The mean log-ratio of long traces hardly moves, so the clip rarely bites and κ does the work.',
  },
);

/** A log-ratio counts as no more in ρ, so that nothing overflows. */
const MOST = 20;
