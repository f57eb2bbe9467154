/**
 * @file Exports transformers: loading, saving, running and scoring. Loads libtorch, which `redistill setup` provides; this is
 * `redistill/models`.
 */
/// <reference types="node" preserve="true" />

export { loadModel, saveModel, type LoadedModel, type LoadOptions } from './checkpoint.js';
export { parseConfig, type ModelConfig } from './config.js';
export type { Family } from './families.js';
export type { RopeConfig } from './ropeConfig.js';
export type { RopeScaling } from './ropeScaling.js';
export type { AttentionKind } from './slidingLayers.js';
export { readConfig } from './directory.js';
export type { ModelOverrides } from './overrides.js';
export { packSequences, type Pack } from './pack.js';
export { parameterCount } from './parameters.js';
export { Scorer } from './scorer.js';
export { Transformer, type Branch, type LayerContext } from './transformer.js';
