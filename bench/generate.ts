/**
 * Sampling speed and memory, ours against transformers and llama.cpp, on the same model, prompts, batch and machine, one
 * after the other.
 *
 *   npm run bench:generate -- [--prompts 64,128] [--tokens 96] [--rounds 3] [--dtype bf16] [--against CHECKOUT]
 *     [--python PATH] [--gguf FILE,…]
 *   npm run bench:generate -- --long 2000 [--dtype bf16]
 *
 * Every prompt gets so many new tokens (stop tokens are drawn like others), all prompts at once, at temperature 0.8 and
 * top-p 0.95. Tokens a second are the new ones over the whole time, reading the prompts included. CHECKOUT is another
 * commit of this repository, set up, which takes its turn in each round. PATH is a Python with
 * bench/peers/requirements.txt installed, and llama-cpp-python for the GGUF files of the same model.
 *
 * With --long, a step of 64 rows of 100 tokens is compared with one of the same rows and a row of so many tokens.
 *
 * The limit is what the model's own products of so many rows reach when nothing else runs, as libtorch's `linear` or
 * our kernel does them, whichever is faster, measured in the same process after our run.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readPrompts } from '../src/data/prompts.js';
import { Decoder } from '../src/generate/decoder.js';
import { openGenerator } from '../src/generate/open.js';
import { encodePrompts } from '../src/generate/prompts.js';
import { getModel } from '../src/hub/get.js';
import type { Transformer } from '../src/models/transformer.js';
import { ChatTokenizer } from '../src/text/tokenizer.js';
import { formatTable } from '../src/util/table.js';
import { machine, median, root, spread } from './support.js';

const { values } = parseArgs({
  options: {
    prompts: { type: 'string', default: '64,128' },
    tokens: { type: 'string', default: '96' },
    rounds: { type: 'string', default: '3' },
    dtype: { type: 'string', default: 'bf16' },
    against: { type: 'string' },
    python: { type: 'string' },
    gguf: { type: 'string' },
    long: { type: 'string' },
    /** Internal: run this file's task once, with the sources of that checkout. */
    task: { type: 'string' },
    checkout: { type: 'string' },
  },
});

/** One side's run, in a process of its own. */
interface Task {
  model: string;
  prompts: number[][];
  tokens: number;
  dtype: 'f32' | 'bf16';
  temperature: number;
  topP: number;
  /** Where the result is written. */
  out: string;
}

interface Run {
  tokensPerSecond: number;
  peakBytes: number;
  /** Tokens a second that the products alone would allow. Ours alone. */
  limit?: number;
}

/** Runs one side once, with the sources of a checkout that may be an older commit. */
async function runTask({ model: dir, prompts, tokens, dtype, temperature, topP, out }: Task): Promise<void> {
  const from = values.checkout!;
  const load = <M>(file: string) => import(join(from, 'dist', file)) as Promise<M>;
  const { openGenerator } = await load<typeof import('../src/generate/open.js')>('generate/open.js');
  const { Generator } = await load<typeof import('../src/generate/generator.js')>('generate/generator.js');
  const { memoryStats } = await load<typeof import('../src/torch/runtime.js')>('torch/runtime.js');
  using opened = openGenerator(dir, { dtype, device: 'cpu' });
  const { tokenizer, model } = opened;
  const endless = {
    encode: tokenizer.encode.bind(tokenizer),
    decode: tokenizer.decode.bind(tokenizer),
    stopTokenIds: [],
  };
  const generator = new Generator(model, endless);
  const asked = prompts.map((ids) => ({ ids: Int32Array.from(ids) }));
  const options = { temperature, topP, batchSize: prompts.length, seed: 1 };
  await generator.generate(asked, { ...options, maxNewTokens: 3 });
  const started = performance.now();
  const completions = await generator.generate(asked, { ...options, maxNewTokens: tokens });
  const seconds = (performance.now() - started) / 1000;
  const drawn = completions.reduce((sum, { ids }) => sum + ids.length, 0);
  const run: Run = { tokensPerSecond: drawn / seconds, peakBytes: memoryStats('cpu').peakAllocated };
  if (from === resolve(root)) run.limit = await limit(model, prompts.length);
  writeFileSync(out, JSON.stringify(run));
}

/** Tokens a second if a step of `rows` were nothing but the products of the model. */
async function limit(model: Transformer, rows: number): Promise<number> {
  const load = <M>(file: string) => import(join(values.checkout!, 'dist', file)) as Promise<M>;
  const ops = await load<typeof import('../src/torch/ops.js')>('torch/ops.js');
  const { linearOfFew } = await load<typeof import('../src/torch/decoding.js')>('torch/decoding.js');
  const { noGrad } = await load<typeof import('../src/torch/autograd.js')>('torch/autograd.js');
  const { scope } = await load<typeof import('../src/torch/tensor.js')>('torch/tensor.js');
  return noGrad(() =>
    scope(() => {
      const matrices = [...model.parameters]
        .filter(([name, { shape }]) => shape.length === 2 && name !== 'embedding')
        .map(([, weight]) => weight);
      matrices.push(model.head);
      const inputs = new Map(
        matrices.map((weight) => [
          weight.size(1),
          ops.toDtype(ops.randn([rows, weight.size(1)], { dtype: 'f32' }), model.dtype),
        ]),
      );
      const best = (body: () => void): number => {
        const times = Array.from({ length: 12 }, () => {
          const started = performance.now();
          scope(body);
          return (performance.now() - started) / 1000;
        });
        return Math.min(...times);
      };
      const plain = best(() => {
        for (const weight of matrices) ops.linear(inputs.get(weight.size(1))!, weight);
      });
      const few = best(() => {
        for (const weight of matrices) linearOfFew(inputs.get(weight.size(1))!, weight);
      });
      return rows / Math.min(plain, few);
    }),
  );
}

/** Runs a task in a process of its own; `command` is what runs it, and the task's file comes last. */
function runOnce(command: readonly string[], task: Omit<Task, 'out'>): Run {
  const work = mkdtempSync(join(tmpdir(), 'redistill-bench-'));
  const file = join(work, 'task.json');
  const out = join(work, 'run.json');
  writeFileSync(file, JSON.stringify({ ...task, out }));
  const [program, ...args] = command;
  const run = spawnSync(program!, [...args, file], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`${command.join(' ')}: ${run.stderr.slice(-2000)}`);
  const result = JSON.parse(readFileSync(out, 'utf8')) as Run;
  rmSync(work, { recursive: true });
  return result;
}

/** A side by its name, and what runs a task for it. */
function sides(): Map<string, string[]> {
  const own = (checkout: string) => [
    process.execPath,
    ...process.execArgv,
    process.argv[1]!,
    '--checkout',
    resolve(checkout),
    '--task',
  ];
  const peer = (file: string, ...args: string[]) => [
    values.python!,
    join(root, 'bench/peers', file),
    ...args,
  ];
  const all = new Map([['redistill', own(root)]]);
  if (values.against !== undefined) all.set(values.against, own(values.against));
  if (values.python !== undefined) all.set('transformers', peer('generate_transformers.py'));
  for (const gguf of values.gguf?.split(',') ?? [])
    all.set(`llama.cpp, ${basename(gguf)}`, peer('generate_llama_cpp.py', '--gguf', gguf));
  return all;
}

/** Our least speed over another's most, and the medians'. */
const ratio = (ours: readonly number[], theirs: readonly number[]): string =>
  `${(Math.min(...ours) / Math.max(...theirs)).toFixed(2)}; ${(median(ours) / median(theirs)).toFixed(2)} ×`;

async function compare(): Promise<void> {
  const { path: model } = await getModel('smollm2-135m');
  const file = join(root, 'examples/word-problems/test.jsonl');
  const asked = await encodePrompts(ChatTokenizer.load(model), file, await readPrompts(file), { raw: false });
  const rows: string[][] = [];
  for (const count of values.prompts.split(',').map(Number)) {
    const task = {
      model,
      prompts: asked.slice(0, count).map(({ ids }) => [...ids]),
      tokens: Number(values.tokens),
      dtype: values.dtype as Task['dtype'],
      temperature: 0.8,
      topP: 0.95,
    };
    const runs = new Map(Array.from(sides(), ([name]) => [name, [] as Run[]]));
    for (let round = 0; round < Number(values.rounds); round++)
      for (const [name, command] of sides()) runs.get(name)!.push(runOnce(command, task));
    const speeds = (name: string) => runs.get(name)!.map((run) => run.tokensPerSecond);
    for (const [name, all] of runs) {
      const shares = all.flatMap((run) => (run.limit === undefined ? [] : [run.tokensPerSecond / run.limit]));
      rows.push([
        String(count),
        name,
        spread(speeds(name)),
        shares.length > 0 ? `${spread(shares.map((share) => 100 * share))} %` : '',
        `${(Math.max(...all.map((run) => run.peakBytes)) / 1e9).toFixed(2)} GB`,
        name === 'redistill' ? '' : ratio(speeds('redistill'), speeds(name)),
      ]);
    }
  }
  process.stdout.write(`${machine()}; ${values.dtype}, ${values.tokens} tokens, ${values.rounds} rounds\n`);
  const heading = [
    'prompts',
    'who',
    'tokens/s (min–max)',
    'of the limit',
    'peak',
    'ours over it, least; medians',
  ];
  process.stdout.write(`${formatTable(heading, rows)}\n`);
}

/** Prints the milliseconds of a step with and without one long row among short ones. */
async function compareLong(long: number): Promise<void> {
  const { path } = await getModel('smollm2-135m');
  using opened = openGenerator(path, { dtype: values.dtype as Task['dtype'], device: 'cpu' });
  const short = Array<number>(64).fill(100);
  const cases = [short, [...short, long]].map((lengths) => {
    const decoder = new Decoder(opened.model, lengths);
    decoder.joinIdle(lengths);
    return { decoder, tokens: new Int32Array(lengths.length).fill(5), times: [] as number[] };
  });
  for (let step = 0; step < 24; step++) {
    for (const { decoder, tokens, times } of cases) {
      const started = performance.now();
      decoder.step(tokens).dispose();
      if (step >= 4) times.push(performance.now() - started);
    }
  }
  const [without, beside] = cases.map(({ times }) => times) as [number[], number[]];
  process.stdout.write(
    `${machine()}; ${values.dtype}, a step of 64 rows of 100 tokens: ${spread(without, 1)} ms; ` +
      `with a row of ${long}: ${spread(beside, 1)} ms; ${(median(beside) / median(without)).toFixed(2)} ×\n`,
  );
  for (const { decoder } of cases) decoder[Symbol.dispose]();
}

if (values.long !== undefined) await compareLong(Number(values.long));
else if (values.task === undefined) await compare();
else await runTask(JSON.parse(readFileSync(values.task, 'utf8')) as Task);
