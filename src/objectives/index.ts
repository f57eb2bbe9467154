/**
 * @file Exports objectives: those of the list, and what is needed to define one. Loads no libtorch; this is
 * `redistill/objectives`.
 */
/// <reference types="node" preserve="true" />

export { defineObjective, numberFrom, scaleNumber, type ObjectiveDefinition } from './definition.js';
export { linearLoss, linearObjective } from './linear.js';
export { marginObjective, negativeLogSigmoid, type MarginLoss, type MarginTerms } from './margin.js';
export { sequenceMetrics } from './metrics.js';
export { checkRows, countStep } from './objective.js';
export type {
  Evaluation,
  Metrics,
  Objective,
  Role,
  ScoredBatch,
  SequenceInfo,
  StepCounts,
  TokenBatch,
} from './objective.js';
export { openObjective } from './open.js';
export { pairsOf, type PairPositions } from './pairs.js';
export {
  createObjective,
  objectiveDefinitions,
  objectiveNames,
  type ObjectiveSetting,
  type ObjectiveSpec,
} from './registry.js';
