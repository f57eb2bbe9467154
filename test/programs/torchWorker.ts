// A worker thread that computes with the main thread's tensors and hands over some of its own.
import { parentPort, workerData } from 'node:worker_threads';
import { backward } from '../../src/torch/autograd.js';
import { fromArray } from '../../src/torch/data.js';
import * as ops from '../../src/torch/ops.js';
import { setThreads, threads } from '../../src/torch/runtime.js';
import { scope, Tensor } from '../../src/torch/tensor.js';

setThreads(1);
const { handle } = workerData as { handle: number };
const given = new Tensor(handle);
const made = scope(() => {
  backward([ops.sum(ops.mul(given, given))]);
  return ops.full([3], 5, { dtype: 'f32' });
});
const borrowed = fromArray(Float32Array.of(1, 2)); // over this thread's memory, which ends with it
// The other thread frees them: here they must not be collected, which would free them as well.
Object.assign(globalThis, { handedOver: [given, made, borrowed] });
parentPort!.postMessage({ threads: threads(), made: made.handle, borrowed: borrowed.handle });
