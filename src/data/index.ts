/**
 * @file Exports readers of rows: traces, training rows, problems, prompts, and JSON lines and Parquet as they are. Loads no
 * libtorch; this is `redistill/data`.
 */
/// <reference types="node" preserve="true" />

export { isCutOff } from './finishReasons.js';
export { readJsonLines, RowError, writeJsonLines, type BadLine, type JsonLine } from './jsonl.js';
export { isParquet, parquetSize, readParquetRows, type ParquetRow } from './parquet.js';
export {
  readProblemRows,
  readProblems,
  type Problem,
  type ProblemFields,
  type ProblemRow,
  type ProblemSelection,
} from './problems.js';
export { readPrompts } from './prompts.js';
export { readRows } from './readRows.js';
export {
  parseRecord,
  readTrainingRecords,
  type GroupRecord,
  type MessageRecord,
  type PreferenceRecord,
  type Text,
  type TrainingRecord,
} from './records.js';
export { openRowOutput, type RowOutput } from './rowOutput.js';
export type { TraceRow, VerdictList } from './traceRow.js';
export { readTraceRows } from './traceRows.js';
