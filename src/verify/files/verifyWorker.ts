/** @file Verifies the batches of pool.ts in a thread of its own. */

import { parentPort, workerData } from 'node:worker_threads';
import { verify } from '../verify.js';
import { IDLE, type TimedVerdict, type VerifyItem, type WorkerStart } from './pool.js';

const port = parentPort!;
const begun = new Int32Array((workerData as WorkerStart).begun);

port.on('message', (items: readonly VerifyItem[]) => {
  const verdicts = items.map((item, index): TimedVerdict => {
    Atomics.store(begun, 0, index);
    const start = performance.now();
    const verdict = verify(item);
    return { ...verdict, ms: Math.round((performance.now() - start) * 1000) / 1000 };
  });
  Atomics.store(begun, 0, IDLE);
  port.postMessage(verdicts);
});
