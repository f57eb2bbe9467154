/** @file What the package exports as `redistill/report`: results of folders as JSON, as text and as a page. */
export { writeReportPage } from './html.js';
export type * from './model.js';
export { singleResults } from './read/folders.js';
export { readReport, type OpenReport, type ReportOptions } from './read/report.js';
export { reportAsText } from './text.js';
