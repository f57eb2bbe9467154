/** @file Reports: results of folders as JSON, and as a page. */
export type * from './model.js';
export { readReport, type OpenReport } from './read/report.js';
export { singleResults } from './read/folders.js';
export { reportAsText } from './text.js';
