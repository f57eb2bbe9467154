import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { VerifyPool, type TimedVerdict, type VerifyItem, type WorkerStart } from './pool.js';

/** Compares texts, and does what a verifier must not do where the answer says so. */
const standIn = `
  const { parentPort, workerData } = require('node:worker_threads');
  const begun = new Int32Array(workerData.begun);
  parentPort.on('message', (items) => {
    const verdicts = items.map(({ gold, pred }, index) => {
      Atomics.store(begun, 0, index);
      if (pred === 'hang') for (;;);
      if (pred === 'die') process.exit(1);
      if (pred === 'throw') throw new Error('a fault');
      if (pred === 'memory') for (const all = []; ; ) all.push(new Array(1e5).fill({}));
      const correct = gold === pred;
      const reason = correct ? 'equal' : 'different';
      return { correct, reason, stage: 'string', extracted: pred, goldParsed: gold, predParsed: pred, ms: 0 };
    });
    Atomics.store(begun, 0, -1);
    parentPort.postMessage(verdicts);
  });`;

/** Only a worker that hangs reaches it, however busy the machine. */
const LONG_MS = 60_000;

function open(threads: number, lastResortMs = LONG_MS): { pool: VerifyPool; started: () => number } {
  let started = 0;
  const pool = new VerifyPool({
    threads,
    lastResortMs,
    startWorker: (start: WorkerStart) => {
      started++;
      return new Worker(standIn, {
        eval: true,
        workerData: start,
        resourceLimits: { maxOldGenerationSizeMb: 32 },
      });
    },
  });
  return { pool, started: () => started };
}

const items = (...preds: string[]): VerifyItem[] =>
  preds.map((pred) => ({ gold: '7', pred, preset: 'mathVerify' }));
const reasons = (verdicts: readonly TimedVerdict[]) => verdicts.map(({ reason }) => reason);

describe('VerifyPool', () => {
  it.each([1, 2, 3])('gives the verdicts of every batch in order with %i threads', async (threads) => {
    const { pool, started } = open(threads);
    const batches = Array.from({ length: 40 }, (_, i) =>
      items(...Array.from({ length: 1 + (i % 5) }, (_, j) => String((i + j) % 9))),
    );
    const verdicts = await Promise.all(batches.map((batch) => pool.verify(batch)));
    await pool.close();
    expect(verdicts.map((batch) => batch.map(({ predParsed }) => predParsed))).toEqual(
      batches.map((batch) => batch.map(({ pred }) => pred)),
    );
    expect(verdicts.flat().every(({ correct, predParsed }) => correct === (predParsed === '7'))).toBe(true);
    expect(started()).toBe(threads);
  });

  it.each([
    ['die', 'worker-died'],
    ['throw', 'worker-died'],
    ['memory', 'worker-died'],
    ['hang', 'timed-out'],
  ])('sets the item aside at which a worker does this: %s', async (fault, reason) => {
    const { pool, started } = open(2, fault === 'hang' ? 600 : LONG_MS);
    const [first, second, third] = await Promise.all([
      pool.verify(items('7', fault, '8')),
      pool.verify(items('7')),
      pool.verify(items(fault, '7', fault)),
    ]);
    expect(reasons(first)).toEqual(['equal', reason, 'different']);
    expect(reasons(second)).toEqual(['equal']);
    expect(reasons(third)).toEqual([reason, 'equal', reason]);
    expect(first[1]).toMatchObject({ correct: false, extracted: null, stage: 'none' });
    expect(await pool.verify(items('8', '7'))).toHaveLength(2); // and goes on
    expect(started()).toBeGreaterThanOrEqual(4);
    await pool.close();
  });

  it('rejects where no worker can be started, and when it is closed', async () => {
    const broken = new VerifyPool({
      threads: 1,
      startWorker: () => new Worker('throw new Error("no such module")', { eval: true }),
    });
    await expect(broken.verify(items('7'))).rejects.toThrow('could not be started');
    await broken.close();

    const { pool } = open(1);
    const underWay = [pool.verify(items('hang')), pool.verify(items('7'))].map((batch) =>
      expect(batch).rejects.toThrow('closed'),
    );
    await pool.close();
    await Promise.all(underWay);
  });
});
