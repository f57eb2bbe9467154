/**
 * @file Exports pipelines and their stages, which are the commands. Loads libtorch only when a stage needs it; this is
 * `redistill/pipeline`.
 */
/// <reference types="node" preserve="true" />

export { parsePipeline, type Pipeline } from './pipeline.js';
export { runPipeline, type RunOptions } from './run.js';
export type { RunSelection } from './stageCache.js';
export { stageKinds, type StageConfig, type StageKind } from './stages/index.js';
export { askedModel } from './stages/model.js';
export type { StageContext, StageDefinition } from './stages/stage.js';
export { makeTable, tableSettings, type TableSettings } from './stages/table.js';
