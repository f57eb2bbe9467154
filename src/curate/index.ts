/**
 * @file Exports what makes D_SFT and D_Pref of trace rows. Loads no libtorch; this is `redistill/curate`.
 */
/// <reference types="node" preserve="true" />

export { curate } from './curate.js';
export { Decontaminator, loadEvaluationSets, type EvaluationSet, type Overlap } from './decontaminate.js';
export { DuplicateFinder, type Duplicate } from './duplicates.js';
export { curateSettings, type CurateSettings } from './settings.js';
export type { Counts, Summary } from './summary.js';
