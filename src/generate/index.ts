/**
 * @file Exports the sampling of a local model. Loads libtorch, which `redistill setup` provides; this is
 * `redistill/generate`.
 */
/// <reference types="node" preserve="true" />

export { calculate } from './calculator.js';
export {
  Generator,
  type Completion,
  type GenerateOptions,
  type GenerateProgress,
  type ResponseOptions,
  type RunOptions,
  type SequenceSource,
} from './generator.js';
export { localModel } from './localModel.js';
export { openGenerator, type OpenedGenerator } from './open.js';
export { calculatorRule } from './rules/calculator.js';
export { logitBias } from './rules/logitBias.js';
export { repetitionStop, type RepetitionOptions } from './rules/repetition.js';
export type { Action, Forced, Look, RowRule, RowState, Rule, RuleContext, TokenBias } from './rules/rule.js';
export { stopStrings } from './rules/stopStrings.js';
export type { SamplingOptions } from './sampling.js';
export type { LaneOptions } from './lane.js';
export { Scheduler } from './scheduler.js';
export { Sequence, type FinishReason, type Keep, type SequenceOptions, type TopTokens } from './sequence.js';
