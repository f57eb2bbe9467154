/** @file Exports benchmarks: tasks, protocols and their table; this is `redistill/benchmarks`. */
/// <reference types="node" preserve="true" />

export {
  benchmark,
  describeBenchmark,
  planBenchmark,
  type BenchmarkOptions,
  type BenchmarkResult,
  type TaskResult,
} from './benchmark.js';
export { protocolNames, protocols, readTask, taskNames, type ProtocolName, type Task } from './tasks.js';
