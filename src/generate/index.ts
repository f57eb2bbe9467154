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
  type RunOptions,
  type SequenceSource,
} from './generator.js';
export { localModel } from './localModel.js';
export { openGenerator, type OpenedGenerator } from './open.js';
export type { SamplingOptions } from './sampling.js';
export { Sequence, type FinishReason, type SequenceOptions } from './sequence.js';
