/** @file What the package exports as `redistill/report`: the model of a report, and the writer of its page. */
export type * from './model.js';
export { writeReportPage } from './html.js';
