/**
 * Making a report of many results: seconds, those of a processor, peak memory and the size of the page.
 *
 *   npm run bench:report [-- --evaluations 20 --problems 500 --samples 16 --characters 800 --runs 10 --steps 20000 --rows 5000 --work DIR]
 *
 * Folders of results in the product's own formats are made first. The command is a process of its own; peak memory is its
 * high-water mark.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../src/util/table.js';
import { LARGE_RESULTS, writeLargeResults, type ResultsSize } from '../test/support/largeResults.js';
import { machine, root } from './support.js';

const usual = LARGE_RESULTS;
const { values } = parseArgs({
  options: {
    work: { type: 'string', default: tmpdir() },
    ...Object.fromEntries(
      Object.entries(usual).map(([name, value]) => [
        name,
        { type: 'string' as const, default: String(value) },
      ]),
    ),
  },
});
const size = Object.fromEntries(
  Object.keys(usual).map((name) => [name, Number((values as Record<string, string>)[name])]),
) as unknown as ResultsSize;

const work = mkdtempSync(join(values.work, 'redistill-report-'));
try {
  await writeLargeResults(work, size);
  const page = join(work, 'report.html');
  const { seconds, processor, peak } = await timed(['report', work, '--out', page]);
  const rows = [
    ['seconds', seconds.toFixed(1)],
    ['seconds of a processor', processor.toFixed(1)],
    ['peak memory, MB', (peak / 1e6).toFixed(0)],
    ['page, MB', (statSync(page).size / 1e6).toFixed(1)],
  ];
  const { evaluations, problems, samples, runs, steps, rows: curated } = size;
  console.log(
    `${machine()}\n${evaluations} evaluations × ${problems} problems × ${samples} samples, ${runs} runs × ${steps} steps, ${curated} curated rows`,
  );
  console.log(formatTable(['', 'report'], rows));
} finally {
  rmSync(work, { recursive: true });
}

/** Runs the command and looks at its high-water mark until it ends. */
function timed(args: readonly string[]): Promise<{ seconds: number; processor: number; peak: number }> {
  const started = performance.now();
  const child = spawn(process.execPath, [join(root, 'bin/redistill.js'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let [peak, processor] = [0, 0];
  const look = setInterval(() => {
    try {
      const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid!}/status`, 'utf8'))!;
      peak = Math.max(peak, Number(kilobytes) * 1024);
      // User and system time, in hundredths of a second, are the 12th and 13th after the name.
      const fields = readFileSync(`/proc/${child.pid!}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      processor = (Number(fields[11]) + Number(fields[12])) / 100;
    } catch {
      // It has ended.
    }
  }, 20);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(look);
      if (code === 0) resolve({ seconds: (performance.now() - started) / 1000, processor, peak });
      else reject(new Error(`the command ended with ${code}`));
    });
  });
}
