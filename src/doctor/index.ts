/**
 * @file Exports what looks for rows that would spoil training. Loads no libtorch; this is `redistill/doctor`.
 */
/// <reference types="node" preserve="true" />

export { examine, type Examination, type ExamineOptions, type ShownRow } from './examine.js';
export { findingKinds, severityOf, type Finding, type FindingCode, type Severity } from './findings.js';
export { htmlPage } from './page.js';
export { printSummary } from './print.js';
export type { Student } from './student.js';
export { hasErrors, type DoctorSummary, type FindingGroup } from './summary.js';
export type { RowVerdict } from './verdict.js';
