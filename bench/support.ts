import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scope } from '../src/torch/tensor.js';
import { formatTable } from '../src/util/table.js';

/** The repository's root. */
export const root = fileURLToPath(new URL('..', import.meta.url));

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** `median (least–most)` */
export function spread(values: readonly number[], digits = 0): string {
  const fixed = (value: number) => value.toFixed(digits);
  return `${fixed(median(values))} (${fixed(Math.min(...values))}–${fixed(Math.max(...values))})`;
}

/** What it ran on. */
export function machine(): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`;
}

/** A table of the least milliseconds of each part, in turn for so many rounds: what a machine that others use disturbs least. */
export function leastTimes(parts: readonly [name: string, run: () => void][], rounds: number): string {
  const least = parts.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    parts.forEach(([, run], i) => {
      const started = performance.now();
      scope(run);
      least[i] = Math.min(least[i]!, performance.now() - started);
    });
  }
  const rows = parts.map(([name], i) => [name, least[i]!.toFixed(2)]);
  return `${formatTable(['part', 'ms, least'], rows)}\n`;
}

/** Runs `redistill train` in a process of its own. @returns the speed of each of its steps, and the memory at its highest so far */
export function trainedSpeeds(
  settings: Record<string, unknown>,
  work: string,
): { tokens_per_second: number; peak_memory_bytes: number }[] {
  const out = join(work, 'run');
  const recipe = join(work, 'recipe.yaml');
  rmSync(out, { recursive: true, force: true });
  writeFileSync(recipe, JSON.stringify({ ...settings, out }));
  const cli = join(root, 'bin/redistill.js');
  const run = spawnSync(process.execPath, [cli, 'train', recipe], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`redistill train: ${run.stderr.slice(-2000)}`);
  const lines = readFileSync(join(out, 'speed.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as { tokens_per_second: number; peak_memory_bytes: number });
}
