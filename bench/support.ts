import { availableParallelism, cpus } from 'node:os';
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
