/**
 * @file Exports rewards and advantages of the samples of a problem: pure functions. Loads no libtorch; this is
 * `redistill/rewards`.
 */
/// <reference types="node" preserve="true" />

export {
  advantageNames,
  advantageRules,
  optimalValue,
  type AdvantageName,
  type AdvantageRule,
} from './advantages.js';
export { flipVerdicts, labelRewards } from './labels.js';
export { cosineLength, groupLength, overlong } from './lengths.js';
export { rewardGroup, type RewardScalars, type RewardSettings } from './rewards.js';
export type { Sample } from './sample.js';
export { rewardUnlikely } from './unlikely.js';
