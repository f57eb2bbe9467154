/** @file Exports advice on data before a run; this is `redistill/advise`. */
/// <reference types="node" preserve="true" />

export { advise, adviseSettings, type Advice, type AdviseSettings } from './advise.js';
export { knownRuns, sumOfRates, type KnownRun } from './knownRuns.js';
export { describeStatements, type Statement } from './statements.js';
