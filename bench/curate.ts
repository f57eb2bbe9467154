/**
 * Curating a synthetic OpenR1-Math-Raw: rows a second and peak memory, beside the same rules in plain Python.
 *
 *   npm run bench:curate [-- --rows 100000 --file FILE --model DIR --python PATH --work DIR]
 *
 * The file (Parquet, 1 GB for 100,000 rows) is made unless --file names one. --model adds a run with REDI's length
 * filter, tokens counted by that model's tokenizer. --python names a Python with pyarrow and runs bench/peers/curate.py,
 * which reads the whole file into memory. Each run is a process of its own; peak memory is its high-water mark.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parquetSize } from '../src/data/parquet.js';
import { formatTable } from '../src/util/table.js';
import { machine, root } from './support.js';
import { writeSyntheticTraces } from './syntheticTraces.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    file: { type: 'string' },
    model: { type: 'string' },
    python: { type: 'string' },
    work: { type: 'string', default: tmpdir() },
  },
});

const work = mkdtempSync(join(values.work, 'redistill-bench-'));
const file = values.file ?? join(work, 'traces.parquet');
if (!existsSync(file)) writeSyntheticTraces(file, Number(values.rows), 1);
const { rows, bytes } = await parquetSize(file);
const { size } = statSync(file);

interface Run {
  seconds: number;
  peakBytes: number;
  sft: number;
  pref: number;
}

/** Leaves the process's high-water mark in a file when it ends; Linux alone has it. */
const peakFile = join(work, 'peak');
const hook = `import { readFileSync, writeFileSync } from 'node:fs';
process.on('exit', () => writeFileSync(${JSON.stringify(peakFile)}, readFileSync('/proc/self/status')));`;

function execute(command: string, args: readonly string[]): number {
  const started = performance.now();
  const run = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (run.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${run.status}`);
  return (performance.now() - started) / 1000;
}

function result(seconds: number, out: string): Run {
  const peak = /VmHWM:\s*(\d+) kB/.exec(readFileSync(peakFile, 'utf8'))![1]!;
  const { sft, pref } = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Run;
  return { seconds, peakBytes: Number(peak) * 1024, sft, pref };
}

function ours(name: string, flags: readonly string[]): Run {
  const out = join(work, name);
  const importHook = `data:text/javascript,${encodeURIComponent(hook)}`;
  const cli = [join(root, 'bin/redistill.js'), 'curate', file, '--out', out, ...flags];
  return result(execute(process.execPath, ['--import', importHook, ...cli]), out);
}

function peer(): Run {
  const out = join(work, 'peer');
  return result(execute(values.python!, [join(root, 'bench/peers/curate.py'), file, out, peakFile]), out);
}

const runs: [string, Run][] = [
  ['redistill curate --no-length-filter', ours('plain', ['--no-length-filter'])],
];
if (values.model !== undefined)
  runs.push(['redistill curate --model', ours('lengths', ['--model', values.model])]);
if (values.python !== undefined)
  runs.push(['Python, whole file in memory, no duplicates, no lengths', peer()]);
rmSync(work, { recursive: true });

const gigabytes = (count: number): string => `${(count / 1e9).toFixed(2)} GB`;
process.stdout.write(
  `${machine()}; ${rows.toLocaleString('en-US')} rows, ${gigabytes(size)} of Parquet, ${gigabytes(bytes)} of text\n`,
);
process.stdout.write(
  `${formatTable(
    ['', 'seconds', 'rows/s', 'peak memory', 'D_SFT', 'D_Pref'],
    runs.map(([name, { seconds, peakBytes, sft, pref }]) => [
      name,
      seconds.toFixed(1),
      Math.round(rows / seconds).toLocaleString('en-US'),
      gigabytes(peakBytes),
      String(sft),
      String(pref),
    ]),
  )}\n`,
);
