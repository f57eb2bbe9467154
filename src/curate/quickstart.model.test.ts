import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRows } from '../../test/support/tinyModel.js';
import { getModel } from '../hub/get.js';
import type { ChatMessage } from '../text/template.js';
import { silentProgress } from '../util/progress.js';
import { curate } from './curate.js';
import { curateSettings } from './settings.js';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** What the quickstart trained on before `curate` made its rows: test/oracles/quickstart_rows.py. */
interface Fixture {
  golds: string[];
  sft: [index: number, chosen: number, texts: string][];
  pairs: Record<string, [index: number, chosen: number, rejected: number, texts: string][]>;
}
const fixture = JSON.parse(readFileSync(path('test/fixtures/curate/quickstart.json'), 'utf8')) as Fixture;

const root = mkdtempSync(join(tmpdir(), 'redistill-quickstart-'));
let model: string;
beforeAll(async () => {
  model = (await getModel('smollm2-135m')).path;
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** The first 16 digits of the SHA-256 of a row's texts. */
const digest = (...messages: unknown[]) =>
  createHash('sha256')
    .update((messages as ChatMessage[][]).flatMap((list) => list.map(({ content }) => content)).join('\0'))
    .digest('hex')
    .slice(0, 16);

/** In the order of `original_index`, then of the traces. */
const sorted = <T extends readonly (number | string)[]>(rows: readonly T[]): T[] =>
  rows.toSorted(
    (a, b) => Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1]) || Number(a[2]) - Number(b[2]),
  );

describe("the quickstart's teacher rows are what they were", () => {
  it.each<[string, object]>([
    ['first', {}],
    ['first-shortest', { shortest_pairs: 160 }],
    ['all', { pairs: 'all' }],
    ['all-shortest', { pairs: 'all', shortest_pairs: 160 }],
  ])('%s', async (name, more) => {
    const out = join(root, name);
    const settings = curateSettings.parse({
      data: path('examples/gsm8k-solutions/example_model_solutions.jsonl'),
      model,
      length_filter: false,
      max_tokens: 200,
      normalize_answers: true,
      ...more,
    });
    const summary = await curate(settings, out, silentProgress, new AbortController().signal);
    const sft = readRows(join(out, 'sft.jsonl')).map(
      (row) => [Number(row.original_index), Number(row.chosen_gen_idx), digest(row.messages)] as const,
    );
    const pref = readRows(join(out, 'pref.jsonl')).map(
      (row) =>
        [
          Number(row.original_index),
          Number(row.chosen_gen_idx),
          Number(row.rejected_gen_idx),
          digest(row.prompt, row.chosen, row.rejected),
        ] as const,
    );
    expect(sorted(sft)).toEqual(sorted(fixture.sft));
    expect(sorted(pref)).toEqual(sorted(fixture.pairs[name]!));
    expect(summary).toMatchObject({ rows: 1319, sft: fixture.sft.length, pref: fixture.pairs[name]!.length });
  });
});
