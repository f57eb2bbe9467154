/** @file Exports studies, which compare objectives and settings over seeds at equal compute; this is `redistill/study`. */
/// <reference types="node" preserve="true" />

export { study, describePlan, type StudyOptions } from './study.js';
export type { ArmResult, StudyResults, TestResult, TestRow } from './results.js';
export type { Study } from './settings.js';
