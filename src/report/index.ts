/** @file Reports: results of folders as JSON, and as a page. */
export type * from './model.js';
export { readReport, type OpenReport } from './read/report.js';
