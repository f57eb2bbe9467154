/**
 * What one call of an operator costs, and how fast matrix products run; ours against Python's on the same machine.
 *
 *   npm run bench:ops [-- --python PATH --rounds 3]
 *
 * PATH is a Python with bench/peers/requirements.txt installed; its side is bench/peers/ops.py with the same cases. The
 * two take turns, each round in a process of its own, so that a disturbance falls on both. One thread for the calls,
 * all for the products. Everything is on the CPU.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as ops from '../src/torch/ops.js';
import { setThreads, torchVersion } from '../src/torch/runtime.js';
import { scope, type Tensor } from '../src/torch/tensor.js';
import { formatTable } from '../src/util/table.js';
import { machine, median, root, spread } from './support.js';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    /** Internal: measure once and write the result there. */
    out: { type: 'string' },
    threads: { type: 'string' },
  },
});

interface Measured {
  /** Microseconds a call. */
  overhead_us: Record<string, number>;
  /** By dtype and size. */
  gemm_gflops: Record<string, Record<string, number>>;
  /** Milliseconds of projections of one input, as one product and each by itself. Ours alone. */
  projections_ms?: Record<string, { fused: number; split: number }>;
}

const calls = 20_000;

/** Median microseconds a call of what `body` does `perBody` times, after a warm-up. */
function microseconds(body: () => void, perBody = 1): number {
  const samples: number[] = [];
  for (let sample = 0; sample <= 9; sample++) {
    const started = performance.now();
    for (let i = 0; i < calls; i += perBody) body();
    if (sample > 0) samples.push(((performance.now() - started) * 1000) / calls);
  }
  return median(samples);
}

function overhead(): Record<string, number> {
  return scope(() => {
    const vector = () => ops.randn([4], { dtype: 'f32' });
    const [a, b, recorded] = [vector(), vector(), vector()];
    recorded.requiresGrad = true;
    const x = ops.randn([4, 8], { dtype: 'f32' });
    const w = ops.randn([8, 8], { dtype: 'f32' });
    const eight = Array.from({ length: 8 }, vector);
    const one = ops.randn([], { dtype: 'f32' });
    const freed = (call: () => Tensor) =>
      microseconds(() => {
        call().dispose();
      });
    return {
      add: freed(() => ops.add(a, b)),
      add_scope: microseconds(() => {
        scope(() => {
          for (let i = 0; i < 100; i++) ops.add(a, b);
        });
      }, 100),
      add_grad: freed(() => ops.add(recorded, b)),
      linear: freed(() => ops.linear(x, w)),
      cat8: freed(() => ops.cat(eight)),
      item: microseconds(() => one.item()),
    };
  });
}

/** Seconds of `body`: the median over half a second and at least five, after three to warm up. */
function seconds(body: () => void): number {
  for (let i = 0; i < 3; i++) body();
  const samples: number[] = [];
  const end = performance.now() + 500;
  while (samples.length < 5 || performance.now() < end) {
    const started = performance.now();
    body();
    samples.push((performance.now() - started) / 1000);
  }
  return median(samples);
}

const random = (shape: number[], dtype: 'f32' | 'bf16') =>
  ops.toDtype(ops.randn(shape, { dtype: 'f32' }), dtype);

/** Billions of operations a second of [n, n] by [n, n], 2n³ each. */
function gflops(size: number, dtype: 'f32' | 'bf16'): number {
  return scope(() => {
    const [a, b] = [random([size, size], dtype), random([size, size], dtype)];
    return (
      (2 * size ** 3) /
      seconds(() => {
        ops.mm(a, b).dispose();
      }) /
      1e9
    );
  });
}

/** SmolLM2-135M's projections of one input of 1,024 tokens in bf16. */
const projections = { 'q, k and v': [576, 192, 192], 'gate and up': [1536, 1536] };

function projectionTimes(): Measured['projections_ms'] {
  const time = (widths: readonly number[]): number =>
    scope(() => {
      const x = random([1024, 576], 'bf16');
      const weights = widths.map((width) => random([width, 576], 'bf16'));
      return (
        1000 *
        seconds(() => {
          for (const weight of weights) ops.linear(x, weight).dispose();
        })
      );
    });
  return Object.fromEntries(
    Object.entries(projections).map(([name, widths]) => [
      name,
      { fused: time([widths.reduce((sum, width) => sum + width, 0)]), split: time(widths) },
    ]),
  );
}

function measure(threads: number): Measured {
  setThreads(threads);
  const products = (dtype: 'f32' | 'bf16') =>
    Object.fromEntries([512, 1024, 2048].map((size) => [size, gflops(size, dtype)]));
  return {
    overhead_us: overhead(),
    gemm_gflops: { f32: products('f32'), bf16: products('bf16') },
    projections_ms: projectionTimes(),
  };
}

/** Runs one side once, in a process of its own. */
function runOnce(command: string, args: readonly string[], threads: number): Measured {
  const work = mkdtempSync(join(tmpdir(), 'redistill-bench-'));
  const out = join(work, 'result.json');
  const run = spawnSync(command, [...args, '--threads', String(threads), '--out', out], {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
  });
  if (run.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${run.stderr.slice(-2000)}`);
  const result = JSON.parse(readFileSync(out, 'utf8')) as Measured;
  rmSync(work, { recursive: true });
  return result;
}

const cases: readonly (readonly [key: string, label: string, peer: string])[] = [
  ['add', 'add, 4 floats', 'add'],
  ['add_scope', 'add, 4 floats, in a scope of 100', 'add'],
  ['add_grad', 'add, recorded for autograd', 'add_grad'],
  ['linear', 'linear, [4, 8] by [8, 8]', 'linear'],
  ['cat8', 'cat of 8', 'cat8'],
  ['item', 'item', 'item'],
];

function compare(): void {
  const script = process.argv[1]!;
  const cores = availableParallelism();
  const own: Record<'one' | 'all', Measured[]> = { one: [], all: [] };
  const peer: Record<'one' | 'all', Measured[]> = { one: [], all: [] };
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [kind, threads] of [
      ['one', 1],
      ['all', cores],
    ] as const) {
      own[kind].push(runOnce(process.execPath, [...process.execArgv, script], threads));
      if (values.python !== undefined) {
        peer[kind].push(runOnce(values.python, [join(root, 'bench/peers/ops.py')], threads));
      }
    }
  }
  const row = (label: string, ours: number[], theirs: number[], digits: number): string[] => [
    label,
    spread(ours, digits),
    ...(theirs.length > 0 ? [spread(theirs, digits), `${(median(ours) / median(theirs)).toFixed(2)} ×`] : []),
  ];
  const heading = (what: string) =>
    values.python === undefined
      ? [what, 'redistill (min–max)']
      : [what, 'redistill (min–max)', 'Python (min–max)', 'ratio'];
  process.stdout.write(`${machine()}; libtorch ${torchVersion()}; ${values.rounds} rounds\n\n`);
  const overheads = cases.map(([key, label, peerKey]) =>
    row(
      label,
      own.one.map((run) => run.overhead_us[key]!),
      peer.one.map((run) => run.overhead_us[peerKey]!),
      2,
    ),
  );
  process.stdout.write(`${formatTable(heading('µs a call, 1 thread'), overheads)}\n`);
  process.stdout.write(
    'The result is freed within the call. A ratio below 1 means that a call costs less than in Python.\n\n',
  );
  const products = ['f32', 'bf16'].flatMap((dtype) =>
    ['512', '1024', '2048'].map((size) =>
      row(
        `${dtype} ${size}`,
        own.all.map((run) => run.gemm_gflops[dtype]![size]!),
        peer.all.map((run) => run.gemm_gflops[dtype]![size]!),
        0,
      ),
    ),
  );
  process.stdout.write(`${formatTable(heading(`mm, GFLOP/s, ${cores} threads`), products)}\n`);
  process.stdout.write(
    'A product of two n × n matrices counts 2n³ operations. A ratio above 1 means faster than Python.\n\n',
  );
  const fused = Object.keys(projections).map((name) => {
    const [one, each] = (['fused', 'split'] as const).map((kind) =>
      own.all.map((run) => run.projections_ms![name]![kind]),
    ) as [number[], number[]];
    return [name, spread(one, 2), spread(each, 2), `${(median(one) / median(each)).toFixed(2)} ×`];
  });
  process.stdout.write(
    `${formatTable([`ms, bf16, 1024 tokens, ${cores} threads`, 'one product', 'one each', 'ratio'], fused)}\n`,
  );
}

if (values.out === undefined) compare();
else writeFileSync(values.out, JSON.stringify(measure(Number(values.threads))));
