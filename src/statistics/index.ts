/**
 * @file Exports the statistics of evaluations: functions of numbers, which read no files. Loads no libtorch; this is
 * `redistill/statistics`.
 */
/// <reference types="node" preserve="true" />

export {
  betaCdf,
  betaQuantile,
  logGamma,
  normalCdf,
  normalQuantile,
  studentCdf,
  studentQuantile,
  twoSidedNormal,
  twoSidedStudent,
} from './distributions.js';
export {
  gPassAtK,
  majorityAtK,
  meanGPassAtK,
  passAt1,
  passAtK,
  varianceComponents,
  type AnsweredProblem,
  type Estimate,
  type MajorityEstimate,
  type MajorityOptions,
  type ProblemResult,
  type VarianceComponents,
} from './estimators.js';
export {
  averageOf,
  betaInterval,
  clopperPearsonInterval,
  clusteredError,
  normalInterval,
  runsError,
  studentInterval,
  wilsonInterval,
  type ClusteredError,
  type Interval,
} from './intervals.js';
export {
  bootstrapInterval,
  comparePaired,
  mcnemarChiSquare,
  midP,
  pairedDifferences,
  pairedVariance,
  probabilityBetter,
  signTest,
  type Discordant,
  type PairedComparison,
  type PairedOptions,
} from './paired.js';
export {
  detectableEffect,
  differenceVariance,
  problemsNeeded,
  responsesForSeeds,
  samplesNeeded,
  seedsNeeded,
  seedVariance,
  type DifferenceVariance,
  type TestLevel,
} from './power.js';
export { compareOverSeeds, holm, pool, type SeedComparison } from './seeds.js';
export { alwaysValid, type AlwaysValid } from './sequential.js';
