/** The pairs that training is timed on: of GSM8K's example solutions, of each problem the first right and the first wrong one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { curate } from '../src/curate/curate.js';
import { curateSettings } from '../src/curate/settings.js';
import { silentProgress } from '../src/util/progress.js';
import { root } from './support.js';

/** Writes the first `count` pairs, in the order of the problems, to a file in the folder `work`; returns its path. */
export async function writePairs(work: string, count: number): Promise<string> {
  const data = join(root, 'examples/gsm8k-solutions/example_model_solutions.jsonl');
  const out = join(work, 'curated');
  await curate(
    curateSettings.parse({ data, length_filter: false }),
    out,
    silentProgress,
    new AbortController().signal,
  );
  const lines = readFileSync(join(out, 'pref.jsonl'), 'utf8').trimEnd().split('\n');
  const placeOf = (line: string) => (JSON.parse(line) as { original_index: number }).original_index;
  const path = join(work, 'pairs.jsonl');
  const first = lines.toSorted((a, b) => placeOf(a) - placeOf(b)).slice(0, count);
  writeFileSync(path, first.map((line) => `${line}\n`).join(''));
  return path;
}
