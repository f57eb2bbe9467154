import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { curate } from '../../src/curate/curate.js';
import { curateSettings, type CurateSettings } from '../../src/curate/settings.js';
import type { Summary } from '../../src/curate/summary.js';
import { parseRecipe } from '../../src/recipe/parse.js';
import { silentProgress } from '../../src/util/progress.js';
import { writeTinyTokenizer } from './tinyTokenizer.js';

export type Row = Record<string, unknown>;
export type Given = Omit<z.input<typeof curateSettings>, 'data'>;

export interface Result {
  summary: Summary;
  out: string;
  sft: Row[];
  pref: Row[];
  dropped: Row[];
}

/** A directory for runs of `curate`, with a student whose every character is a token. */
export class CurationRuns {
  readonly root = mkdtempSync(join(tmpdir(), 'redistill-curate-'));
  readonly model = join(this.root, 'student');
  #names = 0;

  constructor() {
    mkdirSync(this.model);
    writeTinyTokenizer(this.model);
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }

  /** Writes rows of JSON lines, those that are texts as they are. */
  write(rows: readonly unknown[]): string {
    const path = join(this.root, `rows-${++this.#names}.jsonl`);
    const line = (row: unknown) => (typeof row === 'string' ? row : JSON.stringify(row));
    writeFileSync(path, rows.map((row) => `${line(row)}\n`).join(''));
    return path;
  }

  async run(data: string[], given: Given = {}): Promise<Result> {
    const out = join(this.root, `out-${++this.#names}`);
    const summary = await curate(settingsFor(data, given), out, silentProgress, new AbortController().signal);
    const read = (name: string) => readOutput(out, name);
    return { summary, out, sft: read('sft'), pref: read('pref'), dropped: read('dropped') };
  }
}

/** Settings that leave lengths alone unless they name a model. */
export function settingsFor(data: string[], given: Given = {}): CurateSettings {
  const settings = { data, length_filter: given.model !== undefined, ...given };
  return parseRecipe<CurateSettings>(curateSettings, settings, 'settings');
}

export function readOutput(out: string, name: string): Row[] {
  const lines = readFileSync(join(out, `${name}.jsonl`), 'utf8')
    .split('\n')
    .slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Row);
}
