/** @file Exports advice on data before a run; this is `redistill/advise`. */
/// <reference types="node" preserve="true" />

export { advise, type Advice } from './advise.js';
export { knownRuns, sumOfRates, type KnownRun } from './knownRuns.js';
export { adviseSettings, type AdviseSettings } from './settings.js';
export { describeStatements, type Statement } from './statements.js';
