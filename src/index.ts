/** @file Exports the library, the parts that the commands are made of. It loads libtorch, which `redistill/setup` provides. */

export { getModel } from './hub/get.js';
export { loadModel, saveModel, type LoadedModel } from './models/checkpoint.js';
export { Transformer } from './models/transformer.js';
export { ChatTokenizer } from './text/tokenizer.js';
export { encodePrompt, tokenRow, type Layout, type TokenRow } from './text/tokenRows.js';
export { sidesOf, tokenSide, type Side } from './text/sides.js';
export type { ChatMessage } from './text/template.js';
export { readTrainingRecords, type TrainingRecord } from './data/records.js';
export { examine, type Examination, type ExamineOptions } from './doctor/examine.js';
export type { DoctorSummary } from './doctor/summary.js';
export type { RowVerdict } from './doctor/verdict.js';
export { readProblems, type Problem } from './data/problems.js';
export type { TraceRow } from './data/traceRow.js';
export { readTraceRows } from './data/traceRows.js';
export { curate } from './curate/curate.js';
export { curateSettings, type CurateSettings } from './curate/settings.js';
export { openEndpoint, type Endpoint } from './teacher/endpoint.js';
export { collect, type CollectOptions } from './teacher/collect.js';
export { verify, type Verdict } from './verify/verify.js';
export {
  checkRows,
  countStep,
  createObjective,
  defineObjective,
  linearObjective,
  objectiveNames,
  type Objective,
} from './objectives/index.js';
export { AdamW, clipGradNorm } from './torch/optim.js';
export { setThreads } from './torch/runtime.js';
export { parseRecipe } from './recipe/parse.js';
export { trainRecipe, type TrainRecipe } from './train/settings.js';
export { stepRows, stepsPerEpoch, type DataOrder } from './train/dataOrder.js';
export { Engine } from './train/engine.js';
export { runStep, type TrainSequence } from './train/step.js';
export { TrainableWeights } from './train/weights.js';
export { openStudent } from './train/preflight.js';
export { trainInWorker } from './train/worker.js';
export { type StepMetrics, type TrainEvent, type TrainResult } from './train/trainer.js';
export { scoreFile, type RowScore } from './train/score.js';
export { Generator, type Completion, type GenerateOptions } from './generate/generator.js';
export { evaluate, regrade, type EvaluateOptions, type EvaluateSettings } from './evaluate/evaluate.js';
export { readSamples, type GradedRow } from './evaluate/samples.js';
export { summarize, readResults, type EvaluationSummary } from './evaluate/summary.js';
export { graderNames, graderOf, type Grade, type Grader } from './verify/graders/index.js';
export { localModel } from './generate/localModel.js';
export { comparePaired, passAt1, passAtK } from './evaluate/statistics.js';
export { UserError } from './util/errors.js';
