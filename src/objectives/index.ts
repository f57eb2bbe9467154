/**
 * @file Exports objectives: those of the list, and what is needed to define one. Loads no libtorch; this is
 * `redistill/objectives`.
 */
/// <reference types="node" preserve="true" />

export {
  defineObjective,
  meanOver,
  numberFrom,
  oneOf,
  scaleNumber,
  type ObjectiveAbout,
  type ObjectiveDefinition,
} from './definition.js';
export { linearLoss, linearObjective } from './linear.js';
export { marginObjective, negativeLogSigmoid, type MarginLoss, type MarginTerms } from './margin.js';
export { sequenceMetrics } from './metrics.js';
export {
  checkRows,
  columnOf,
  countStep,
  scalarOf,
  spread,
  readColumns,
  stepOf,
  tokenWeight,
  topKColumn,
  weightedSum,
  weightOf,
} from './objective.js';
export type {
  Clock,
  ColumnShape,
  Evaluation,
  Memory,
  Metrics,
  Objective,
  Role,
  ScoredBatch,
  SequenceInfo,
  Step,
  StepCounts,
  StepPlace,
  TokenBatch,
} from './objective.js';
export { openObjective } from './open.js';
export { pairsOf, type PairPositions } from './pairs.js';
export {
  isRight,
  overTokens,
  responseObjective,
  shareIn,
  sideMetrics,
  type LossOf,
  type ResponsePart,
} from './responses.js';
export { divergence, type DivergenceKind } from './divergence.js';
export { topKOf, type ReadValues, type TopK } from './topK.js';
export { sumOfTerms, type Term } from './terms.js';
export { clippedRatio, negativeLog, negativeLogRest, thirdEstimator } from './shapes.js';
export {
  createObjective,
  createTerms,
  objectiveDefinitions,
  objectiveNames,
  type ObjectiveSetting,
  type ObjectiveSpec,
  type TermSetting,
} from './registry.js';
