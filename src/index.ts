/**
 * @file Exports what the commands are made of; the rooms, such as `redistill/data` and `redistill/objectives`, export
 * their parts. Importing this loads no libtorch: `trainInProcess` and the stages load it when they run. What computes with
 * tensors in the caller's own thread is in `redistill/train`, `redistill/generate`, `redistill/models` and
 * `redistill/torch`.
 */
/// <reference types="node" preserve="true" />

export { getModel, type GetModelOptions, type ModelLocation } from './hub/get.js';
export { collect, type CollectOptions, type CollectSummary } from './teacher/collect.js';
export { openEndpoint, type Endpoint, type EndpointOptions } from './teacher/endpoint.js';
export { endpointSampler } from './teacher/endpointSampler.js';
export { collectSettings, type CollectSettings } from './teacher/settings.js';
export { verify, type Verdict } from './verify/verify.js';
export { verifyFiles, type VerifyFilesOptions, type VerifySummary } from './verify/files/verifyFiles.js';
export { curate } from './curate/curate.js';
export { curateSettings, type CurateSettings } from './curate/settings.js';
export { examine, type Examination, type ExamineOptions } from './doctor/examine.js';
export { openStudent } from './train/preflight.js';
export { reportTraining } from './train/narrate.js';
export { trainRecipe, type TrainRecipe } from './train/settings.js';
export type { StepMetrics, TrainEvent, TrainResult } from './train/trainer.js';
export { trainInProcess } from './train/process.js';
export {
  evaluate,
  evaluateSettings,
  regrade,
  type EvaluateOptions,
  type EvaluateSettings,
} from './evaluate/evaluate.js';
export type { EvaluationSummary } from './evaluate/summary.js';
export { parsePipeline, type Pipeline } from './pipeline/pipeline.js';
export { runPipeline, type RunOptions } from './pipeline/run.js';
export { stageKinds, type StageKind } from './pipeline/stages/index.js';
export { askedModel } from './pipeline/stages/model.js';
export type { StageContext, StageDefinition } from './pipeline/stages/stage.js';
export { parseRecipe } from './recipe/parse.js';
export { readRecipe, type Recipe } from './recipe/recipe.js';
export { UserError } from './util/errors.js';
export { createProgress, silentProgress, type Progress } from './util/progress.js';
