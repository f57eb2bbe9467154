/** @file Makes advantages of the rewards of a group, in the ways that papers have. */
import { areEqual, meanOf } from './sample.js';

/** A way to make advantages. */
export interface AdvantageRule {
  /** The advantage of a sample with the reward r. */
  readonly formula: string;
  /** The paper, with the equation or section. */
  readonly source: string;
  /** @param rewards of the samples of a group, of which there is one at least */
  readonly of: (rewards: readonly number[]) => number[];
  /** Leaves out groups whose samples are all right or all wrong. */
  readonly mixedOnly?: boolean;
  /** Divides by the mean reward, so that no reward may be negative. */
  readonly dividesByMean?: boolean;
}

/** r − mean. */
function centred(rewards: readonly number[]): number[] {
  if (areEqual(rewards)) return rewards.map(() => 0); // to the last bit
  const mean = meanOf(rewards);
  return rewards.map((reward) => reward - mean);
}

/** (r − mean)/std, 0 where all rewards are equal. */
function standardised(rewards: readonly number[]): number[] {
  const deviations = centred(rewards);
  const deviation = Math.sqrt(meanOf(deviations.map((own) => own ** 2)));
  return deviation === 0 ? deviations : deviations.map((own) => own / deviation);
}

const rules = {
  grpo: {
    formula: '(r − mean)/std, std over all G samples; 0 where all rewards are equal',
    source: 'arXiv 2402.03300, section 4.1.2',
    of: standardised,
  },
  'dr-grpo': {
    formula: 'r − mean',
    source: 'arXiv 2503.20783, section 3.2',
    of: centred,
  },
  dapo: {
    formula: 'grpo’s; groups that are all right or all wrong are left out',
    source: 'arXiv 2503.14476, Eq. 9 and 11',
    of: standardised,
    mixedOnly: true,
  },
  'grpo-n': {
    formula: 'min(0, (r − mean)/std): only what is worse than the group is trained',
    source: '“The Debate on RLVR Reasoning Capability Boundary” (GRPO-N)',
    of: (rewards) => standardised(rewards).map((own) => Math.min(own, 0)),
  },
  rloo: {
    formula: 'r − mean of the other samples; 0 where there is no other',
    source: 'arXiv 2402.14740',
    of: (rewards) => {
      const { length } = rewards;
      return centred(rewards).map((own) => (own * length) / Math.max(length - 1, 1));
    },
  },
  maxrl: {
    formula: '(r − mean)/mean; 0 where the mean is 0',
    source: 'arXiv 2602.02710',
    of: (rewards) => {
      const mean = meanOf(rewards);
      return centred(rewards).map((own) => (mean === 0 ? 0 : own / mean));
    },
    dividesByMean: true,
  },
  r3l: {
    formula: '1 where r ≥ 1, else 3·(r − mean) where that is above 0, else r − mean',
    source: 'R³L’s code',
    of: (rewards) => centred(rewards).map((own, i) => (rewards[i]! >= 1 ? 1 : own >= 0 ? 3 * own : own)),
  },
  none: {
    formula: 'r',
    source: 'REINFORCE without a baseline; W-REINFORCE (arXiv 2506.01347) with the rewards 0.1 and −1',
    of: (rewards) => [...rewards],
  },
} as const satisfies Record<string, AdvantageRule>;

export type AdvantageName = keyof typeof rules;

/** All rules by name. */
export const advantageRules: Readonly<Record<AdvantageName, AdvantageRule>> = rules;

export const advantageNames = Object.keys(rules) as AdvantageName[];

/**
 * Computes V* = β·log mean exp(r/β), the value of the best policy that stays near the sampler, from its samples (A*-PO, arXiv
 * 2505.20686). It lies between the mean and the largest reward.
 */
export function optimalValue(rewards: readonly number[], beta: number): number {
  const largest = Math.max(...rewards);
  return largest + beta * Math.log(meanOf(rewards.map((reward) => Math.exp((reward - largest) / beta))));
}
