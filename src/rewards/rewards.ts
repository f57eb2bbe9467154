/** @file Applies the rewards that settings name to the samples of a group, in one fixed order. */
import { z } from 'zod';
import { advantageNames, advantageRules, optimalValue, type AdvantageName } from './advantages.js';
import { flipVerdicts, labelRewards } from './labels.js';
import { cosineLength, groupLength, overlong } from './lengths.js';
import { meanOf, type Sample } from './sample.js';
import { rewardUnlikely } from './unlikely.js';

const longest = z.int().positive();

/** The settings of rewards, for the schema of whoever takes them. */
export const rewardKeys = {
  right: z.number().default(1).describe('reward of a right sample'),
  wrong: z
    .number()
    .default(-1)
    .describe('reward of a wrong one; what is above 0 counts as right in training'),
  flip: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('probability with which all verdicts of a problem are flipped, as a test of label noise'),
  unlikely: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'β of a factor 1 − β·rank/G of right samples, by the rank of their likelihood; needs the column "behaviour"; 0.25 in the paper',
    ),
  cosine_length: longest
    .optional()
    .describe('tokens at which a factor of the reward has fallen along a cosine from 1 to a half'),
  group_length: z
    .number()
    .min(0)
    .optional()
    .describe('weight of a reward for being shorter than the other samples of the problem (Kimi k1.5)'),
  overlong: longest
    .optional()
    .describe('tokens beyond which a sample loses 1; the loss begins at four fifths of them (DAPO)'),
  advantage: z
    .enum(advantageNames)
    .default('grpo')
    .describe('how advantages are made of the rewards of a problem'),
  beta: z
    .number()
    .positive()
    .default(0.1)
    .describe('β of the value V* = β·log mean exp(r/β), which a2po reads'),
};

export interface RewardSettings {
  right: number;
  wrong: number;
  flip?: number | undefined;
  unlikely?: number | undefined;
  cosine_length?: number | undefined;
  group_length?: number | undefined;
  overlong?: number | undefined;
  advantage: AdvantageName;
  beta: number;
}

/** What objectives read of a sample, by the names of their scalars. */
export interface RewardScalars {
  reward: number;
  advantage: number;
  /** The share of the group that is right, by the verdicts that were rewarded. */
  pass_rate: number;
  /** The mean reward of the group. */
  baseline: number;
  /** V* of the group. */
  value: number;
}

/**
 * Computes the rewards and the advantages of a group: verdicts (flipped if asked), their rewards, then factors (`unlikely`,
 * `cosine_length`), then what is added (`group_length`, `overlong`), then the advantage.
 * @param group the samples of a problem, one at least
 * @param draw uniform in [0, 1), which decides on `flip`
 * @returns undefined where the advantage leaves the group out
 * @throws RangeError where a sample lacks what the settings need, or a reward is negative that must not be
 */
export function rewardGroup(
  group: readonly Sample[],
  settings: RewardSettings,
  draw: number,
): RewardScalars[] | undefined {
  const { right, wrong, flip, unlikely, cosine_length: cosine, group_length: weight } = settings;
  const samples = flip === undefined ? group : flipVerdicts(group, flip, draw);
  let rewards = labelRewards(samples, right, wrong);
  if (unlikely !== undefined) rewards = rewardUnlikely(rewards, samples, unlikely);
  if (cosine !== undefined) rewards = cosineLength(rewards, samples, cosine);
  if (weight !== undefined) rewards = groupLength(rewards, samples, weight);
  if (settings.overlong !== undefined) rewards = overlong(rewards, samples, settings.overlong);

  const rule = advantageRules[settings.advantage];
  const passRate = samples.filter((sample) => sample.right).length / samples.length;
  if (rule.mixedOnly && (passRate === 0 || passRate === 1)) return undefined;
  if (rule.dividesByMean && rewards.some((reward) => reward < 0))
    throw new RangeError(
      `the advantage ${settings.advantage} divides by the mean reward, and a reward is negative: set "wrong" to 0`,
    );
  const shared = {
    pass_rate: passRate,
    baseline: meanOf(rewards),
    value: optimalValue(rewards, settings.beta),
  };
  return rule.of(rewards).map((advantage, i) => ({ reward: rewards[i]!, advantage, ...shared }));
}
