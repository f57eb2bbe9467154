/** The library: what the commands are made of. It loads libtorch; `redistill/setup` is what gets that ready. */
export { getModel } from './models/get.js';
export { loadModel, saveModel, type LoadedModel } from './models/checkpoint.js';
export { Transformer } from './models/transformer.js';
export { ChatTokenizer } from './text/tokenizer.js';
export { encodePrompt, tokenRow, type Layout, type TokenRow } from './text/rows.js';
export type { ChatMessage } from './text/template.js';
export { readTrainingRecords, type TrainingRecord } from './data/records.js';
export { readProblems, type Problem } from './data/problems.js';
export { createObjective, objectiveNames, type Objective } from './objectives/index.js';
export { parseRecipe, trainRecipe, type TrainRecipe } from './train/recipe.js';
export { trainInWorker } from './train/worker.js';
export { type StepMetrics, type TrainEvent, type TrainResult } from './train/trainer.js';
export { scoreFile, type RowScore } from './train/score.js';
export { Generator, type Completion, type GenerateOptions } from './generate/generator.js';
export { answerProblems, summarize, type AnsweredProblem } from './evaluate/evaluate.js';
export { comparePaired, passAt1, passAtK } from './evaluate/statistics.js';
export { UserError } from './util/errors.js';
