/**
 * What a large data file costs before the first step: resident memory, and the time of the first and the second start.
 *
 *   npm run bench:data -- --model DIR [--megabytes 200] [--out FOLDER]
 *
 * The file holds conversations of about 6 kB in Greek, Cyrillic, Chinese and formulas. Each start is a process of its own
 * that ends where the first step would begin. What the model needs by itself is the peak of a start with 1 MB of such data.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheDir } from '../src/util/cacheDir.js';
import { parseRecipe } from '../src/recipe/parse.js';
import { trainRecipe } from '../src/train/settings.js';
import { train } from '../src/train/trainer.js';
import { Random } from '../src/util/random.js';
import { formatTable } from '../src/util/table.js';
import { machine } from './support.js';

const WORDS = [
  ...['доказательство', 'число', 'следует', 'корень', 'сумма', 'пусть', 'тогда'],
  ...['απόδειξη', 'αριθμός', 'άθροισμα', 'ρίζα', 'έστω', 'τότε'],
  ...['所以', '方程', '我们', '得到', '平方根', '证明'],
  ...['√2 → 1.414', 'x² + y² = z²', '∑ᵢ aᵢ ≤ n', 'therefore', 'so', 'the answer is 42'],
];

/** Writes a file of conversations of at least so many bytes; every file is another one. */
function writeData(path: string, bytes: number): void {
  const random = new Random(Date.now());
  const text = (words: number): string =>
    Array.from({ length: words }, () => WORDS[Math.floor(random.nextFloat() * WORDS.length)]!).join(' ');
  const fd = openSync(path, 'w');
  for (let written = 0; written < bytes;) {
    const messages = [
      { role: 'user', content: text(20) },
      { role: 'assistant', content: text(300 + Math.floor(random.nextFloat() * 400)) },
    ];
    written += writeSync(fd, `${JSON.stringify({ messages })}\n`);
  }
  closeSync(fd);
}

interface Start {
  seconds: number;
  /** High-water mark of resident memory, in bytes. */
  peak: number;
}

/** Is the child: trains until the first step would begin. */
async function measure(model: string, data: string, out: string): Promise<void> {
  const started = performance.now();
  const keys = { model, data, out, objective: { name: 'sft' }, optimizer: { lr: 1e-5 }, batch_size: 8 };
  const recipe = parseRecipe(trainRecipe, { ...keys, doctor: 'warn' }, 'recipe');
  const onEvent = ({ kind }: { kind: string }) => {
    if (kind !== 'start') return;
    const [, kilobytes] = /VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))!;
    const start: Start = { seconds: (performance.now() - started) / 1000, peak: Number(kilobytes) * 1024 };
    process.send!(start, () => process.exit());
  };
  await train(recipe, { onEvent });
}

async function start(model: string, data: string, folder: string): Promise<Start> {
  const out = mkdtempSync(join(folder, 'run-'));
  const child = fork(fileURLToPath(import.meta.url), [
    '--measure',
    '--model',
    model,
    '--data',
    data,
    '--out',
    out,
  ]);
  const [said] = (await once(child, 'message')) as [Start];
  await once(child, 'exit');
  return said;
}

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    megabytes: { type: 'string', default: '200' },
    out: { type: 'string', default: tmpdir() },
    data: { type: 'string' },
    measure: { type: 'boolean', default: false },
  },
});
const { model, out } = values;
if (model === undefined) throw new Error('--model: name a model directory');
if (values.measure) await measure(model, values.data!, out);
else {
  const folder = mkdtempSync(join(out, 'redistill-data-'));
  const tokens = join(cacheDir(), 'tokens');
  const before = new Set(names(tokens));
  try {
    const rows: string[][] = [];
    let own = 0;
    for (const megabytes of [1, Number(values.megabytes)]) {
      const data = join(folder, `${megabytes}.jsonl`);
      writeData(data, megabytes * 1e6);
      const starts = [await start(model, data, folder), await start(model, data, folder)];
      own ||= Math.max(...starts.map(({ peak }) => peak));
      const cells = starts.flatMap(({ seconds, peak }) => [
        seconds.toFixed(1),
        String(Math.round((peak - own) / 1e6)),
      ]);
      rows.push([String(Math.round(statSync(data).size / 1e6)), ...cells]);
    }
    process.stdout.write(`${machine()}; the model's own peak is ${Math.round(own / 1e6)} MB\n\n`);
    const heading = [
      'MB of data',
      'first start, s',
      'MB beside the model',
      'second start, s',
      'MB beside the model',
    ];
    process.stdout.write(`${formatTable(heading, rows)}\n`);
  } finally {
    rmSync(folder, { recursive: true });
    for (const name of names(tokens)) if (!before.has(name)) rmSync(join(tokens, name));
  }
}

function names(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
