import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeFuzzFiles } from '../../test/support/fuzz/files.js';
import type { FuzzMessage, FuzzTask } from '../../test/support/fuzz/worker.js';

/** More runs, or other ones: REDISTILL_FUZZ_RUNS=20000 REDISTILL_FUZZ_SEED=7. */
const RUNS = Number(process.env.REDISTILL_FUZZ_RUNS ?? 2000);
const SEED = Number(process.env.REDISTILL_FUZZ_SEED ?? 1);
const PROCESSES = 2;
/** A run that takes longer hangs. */
const PATIENCE_MS = 60_000;

const root = mkdtempSync(join(tmpdir(), 'redistill-fuzz-'));
beforeAll(() => {
  writeFuzzFiles(join(root, 'template'));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

interface Outcome {
  codes: number[];
  faults: string[];
}

/** Runs a share of the runs; a process that dies or hangs is replaced by one that goes on behind that run. */
async function share(from: number, to: number, outcome: Outcome): Promise<void> {
  while (from < to) from = await inProcess(from, to, outcome);
}

function inProcess(from: number, to: number, { codes, faults }: Outcome): Promise<number> {
  const places = join(root, `places-${from}`);
  mkdirSync(places);
  const child = fork(fileURLToPath(new URL('../../test/support/fuzz/worker.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, OMP_NUM_THREADS: '1', XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? '' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  let next = from;
  let under: { run: number; args: string[] } | undefined;
  let watch: NodeJS.Timeout | undefined;
  child.on('message', (message: FuzzMessage) => {
    clearTimeout(watch);
    if (message.kind === 'begin') {
      under = message;
      watch = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      return;
    }
    const args = under?.args ?? [];
    codes.push(message.code);
    for (const fault of message.faults)
      faults.push(
        `run ${message.run}: ${fault}\n  redistill ${args.map((arg) => JSON.stringify(arg)).join(' ')}\n  ${message.stderr.trim()}`,
      );
    next = message.run + 1;
    under = undefined;
  });
  const task: FuzzTask = {
    ...{ template: join(root, 'template'), places, seed: SEED, from, to },
    program: new URL('../../dist/cli/program.js', import.meta.url).href,
  };
  child.send(task);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(watch);
      if (under) {
        const how = signal === 'SIGKILL' ? 'hangs' : `ends the process with ${code ?? signal}`;
        faults.push(
          `run ${under.run} ${how}\n  redistill ${under.args.map((arg) => JSON.stringify(arg)).join(' ')}\n${stderr.slice(-2000)}`,
        );
        resolve(under.run + 1);
      } else if (next === from) {
        faults.push(`no run from ${from} began: ${stderr.slice(-2000)}`);
        resolve(to);
      } else resolve(next);
    });
  });
}

it(`${RUNS} random command lines harm nothing and are understood`, async () => {
  const outcome: Outcome = { codes: [], faults: [] };
  const each = Math.ceil(RUNS / PROCESSES);
  await Promise.all(
    Array.from({ length: PROCESSES }, (_, i) => share(i * each, Math.min(RUNS, (i + 1) * each), outcome)),
  );
  const { codes, faults } = outcome;
  expect(faults.join('\n\n'), `${faults.length} faults`).toBe('');
  // A fuzzer whose every run is refused at the door would find nothing.
  expect(codes.filter((code) => code === 0).length).toBeGreaterThan(RUNS / 20);
  expect(codes.length).toBe(RUNS);
}, 1_200_000);
