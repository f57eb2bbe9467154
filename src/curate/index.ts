/**
 * @file Exports what makes D_SFT, D_Pref and groups with rewards of trace rows. Loads no libtorch; this is `redistill/curate`.
 */
/// <reference types="node" preserve="true" />

export { curate } from './curate.js';
export { Decontaminator, loadEvaluationSets, type EvaluationSet, type Overlap } from './decontaminate.js';
export { DuplicateFinder, type Duplicate } from './duplicates.js';
export { writeRewards, type RewardFileSettings, type RewardSummary } from './rewardFile.js';
export { readSampleGroups, type GroupSample, type SampleGroup } from './sampleGroups.js';
export { curateSettings, type CurateSettings } from './settings.js';
export type { Counts, Summary } from './summary.js';
