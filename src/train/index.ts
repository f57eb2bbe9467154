/**
 * @file Exports training: whole stages, and the parts that a loop of one's own is made of. Loads libtorch, which
 * `redistill setup` provides; this is `redistill/train`.
 */
/// <reference types="node" preserve="true" />

export { stepRows, stepsPerEpoch, type DataOrder } from './dataOrder.js';
export { Engine, type Activations } from './engine.js';
export { Examples, prepareExamples, type Example, type ExamplePart, type PreparedData } from './examples.js';
export { reportTraining } from './narrate.js';
export { openStudent } from './preflight.js';
export { decays, learningRate, type Decay, type Schedule } from './schedule.js';
export { scoreFile, type RowScore, type ScoreOptions, type SequenceScore } from './score.js';
export { trainRecipe, trainSettings, type TrainRecipe } from './settings.js';
export type { TrainSequence } from './sequences.js';
export { runStep, stepByPacks, type StepResult } from './step.js';
export { packByTokenBudget } from './tokenBudget.js';
export { train, type StepMetrics, type TrainEvent, type TrainHooks, type TrainResult } from './trainer.js';
export { TrainableWeights } from './weights.js';
export { trainInProcess } from './process.js';
export type { ResumeOptions } from './resume.js';
export type { SavedEvent } from './saving.js';
