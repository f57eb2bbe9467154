/**
 * @file Exports what brings models onto the disk, and out to other programs. Loads libtorch for GGUF files only; this is `redistill/hub`.
 */
/// <reference types="node" preserve="true" />

export { getModel, type GetModelOptions, type ModelLocation } from './get.js';
export { exportGguf, type ExportOptions } from './gguf/export.js';
export type { GgufType } from './gguf/fileTypes.js';
export { resolveModel } from './resolve.js';
