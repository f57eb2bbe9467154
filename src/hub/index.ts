/**
 * @file Exports what brings models onto the disk. Loads libtorch for GGUF files only; this is `redistill/hub`.
 */
/// <reference types="node" preserve="true" />

export { getModel, type GetModelOptions, type ModelLocation } from './get.js';
export { resolveModel } from './resolve.js';
