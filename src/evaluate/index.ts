/**
 * @file Exports evaluations and their statistics. Loads no libtorch; this is `redistill/evaluate`.
 */
/// <reference types="node" preserve="true" />

export { compareEvaluations, type ComparedRow, type CompareOptions, type Comparison } from './compare.js';
export { describeComparison, verdictOf } from './compareWords.js';
export type { SampleEstimates } from './estimates.js';
export { makePlan, planSettings, readPlan, type FrozenPlan, type PlanSettings } from './plan.js';
export {
  describeEvaluation,
  evaluate,
  evaluateSettings,
  regrade,
  type EvaluateOptions,
  type EvaluateSettings,
} from './evaluate.js';
export { readSamples, type GradedRow } from './samples.js';
export type { ComparedPair } from './taskFolders.js';
export { passAt1, passAtK, type Estimate, type ProblemResult } from '../statistics/estimators.js';
export { comparePaired, type PairedComparison } from '../statistics/paired.js';
export {
  readResults,
  summarize,
  type EvaluationResults,
  type EvaluationSummary,
  type GraderSummary,
} from './summary.js';
