import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../../shared/data/benchmarks');

export const BENCHMARKS = ['math', 'aime', 'amc', 'minerva', 'olympiad_bench', 'gsm8k'] as const;
export type Benchmark = (typeof BENCHMARKS)[number];

interface Item {
  answer: string | number | string[] | null;
  solution?: string | string[];
}

/**
 * The gold answers of a benchmark file, one list an item since some have several spellings; undefined where the shared
 * data is not there.
 */
export function benchmarkGolds(name: Benchmark): string[][] | undefined {
  const path = join(folder, `${name}.json`);
  if (!existsSync(path)) return undefined;
  const items = JSON.parse(readFileSync(path, 'utf8')) as Item[];
  return items.map(({ answer, solution }) => {
    // GSM8K has its answers behind the solutions' last mark.
    const answers = answer ?? String(solution).split('####').at(-1)!;
    return [answers].flat().map((text) => String(text).trim());
  });
}

/** A gold as it stands inside of a formula or box: without its own dollar signs. */
export const withoutDollars = (gold: string): string => gold.replace(/(?<!\\)\$/g, ' ').trim();
