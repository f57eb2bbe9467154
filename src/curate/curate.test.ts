import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { bare, labelled, randomRows } from '../../test/support/curationRows.js';
import {
  CurationRuns,
  readOutput,
  settingsFor,
  type Given,
  type Row,
} from '../../test/support/curationRuns.js';
import { readTrainingRecords } from '../data/records.js';
import { silentProgress } from '../util/progress.js';
import { curate } from './curate.js';
import type { CurateSettings } from './settings.js';

const runs = new CurationRuns();
const write = (rows: readonly unknown[]) => runs.write(rows);
const run = (data: string[], given?: Given) => runs.run(data, given);
afterAll(() => {
  runs.remove();
});

describe('output', () => {
  const rows = randomRows(500, 3);

  it('is in one shuffled order, the same in every run and however the rows are spread over files', async () => {
    const one = await run([write(rows)]);
    const indices = one.sft.map(({ original_index: i }) => Number(i));
    expect(indices).not.toEqual(indices.toSorted((a, b) => a - b));
    const order = new Map(indices.map((index, place) => [index, place]));
    const places = one.pref.map(({ original_index: i }) => order.get(Number(i))!);
    expect(places).toEqual(places.toSorted((a, b) => a - b));

    const two = await run([write(rows.slice(0, 123)), write(rows.slice(123))]);
    for (const name of ['sft', 'pref', 'dropped'] as const) expect(two[name]).toEqual(one[name]);
    const other = await run([write(rows)], { seed: 43 });
    expect(bare(other.sft)).toEqual(bare(one.sft));
    expect(other.sft).not.toEqual(one.sft);
  });

  it('has uuids of version 4’s form, one a row, the same in both sets; a row’s own is kept', async () => {
    const uuid = 'a-uuid-of-its-own';
    const { sft, pref } = await run([write([...rows, labelled('p', ['a'], [true], { uuid })])]);
    const found = new Map(sft.map((row) => [row.original_index, row.uuid as string]));
    expect(new Set(found.values()).size).toBe(sft.length);
    expect(found.get(500)).toBe(uuid);
    for (const [index, id] of found)
      if (index !== 500)
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    for (const row of pref) expect(row.uuid).toBe(found.get(Number(row.original_index)));
  });

  it('can be trained on', async () => {
    const { out, sft, pref } = await run([write(rows)]);
    expect(await readTrainingRecords(join(out, 'sft.jsonl'))).toHaveLength(sft.length);
    const pairs = await readTrainingRecords(join(out, 'pref.jsonl'));
    expect(pairs.map(({ kind }) => kind)).toEqual(pref.map(() => 'preference'));
  });

  it('can be curated again: pairs give the same pairs', async () => {
    const first = await run([write(rows)]);
    const again = await run([join(first.out, 'pref.jsonl')]);
    const texts = ({ prompt, chosen, rejected, original_index }: Row) => ({
      prompt,
      chosen,
      rejected,
      original_index,
    });
    expect(again.pref.map(texts)).toEqual(first.pref.map(texts));
    expect(again.summary).toMatchObject({ rows: first.pref.length, sft: first.pref.length, dropped_rows: 0 });
  });

  it('sets bad lines aside and says how every number came about', async () => {
    const path = write([
      labelled('p', ['a', 'b'], [true, false]),
      'not JSON',
      { nothing: 1 },
      labelled('q', ['a', 'b'], [false, false]),
      labelled('r', ['a'], [true]),
      { prompt: 's', completion: 'a', label: true },
      { prompt: 's', completion: 'b', label: false },
    ]);
    const { summary, out } = await run([path]);
    expect(summary.account).toEqual([
      '7 rows of 1 file = 4 read + 2 set aside in quarantine.jsonl + 1 joined to the row of their prompt',
      '4 read = 3 in sft.jsonl + 1 dropped',
      '1 dropped = 1 no_correct_trace',
      '3 in sft.jsonl = 2 with a pair + 1 without a wrong trace',
      '2 pairs in pref.jsonl = 2 formed − 0 too long',
    ]);
    expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))).toEqual(summary);
    expect(readOutput(out, 'quarantine')).toMatchObject([
      { file: path, line: 2, text: 'not JSON' },
      { file: path, line: 3, problem: expect.stringContaining('not a row of traces') as string },
    ]);
  });

  it('leaves no files of an earlier run that are not true any more, nor its own tools', async () => {
    const bad = await run([write(['nonsense', labelled('p', ['a'], [true])])]);
    expect(readdirSync(bad.out)).toContain('quarantine.jsonl');
    await curate(
      settingsFor([write([labelled('q', ['a'], [true])])]),
      bad.out,
      silentProgress,
      new AbortController().signal,
    );
    expect(readdirSync(bad.out).sort()).toEqual([
      'dropped.jsonl',
      'duplicates.jsonl',
      'pref.jsonl',
      'sft.jsonl',
      'summary.json',
    ]);
    expect(readOutput(bad.out, 'sft')).toMatchObject([{ messages: [{ content: 'q' }, { content: 'a' }] }]);
  });

  it('leaves the files of the run before when it is stopped or fails', async () => {
    const { out } = await run([write(rows)]);
    const before = readdirSync(out).map((name) => readFileSync(join(out, name), 'utf8'));
    const controller = new AbortController();
    const progress = {
      ...silentProgress,
      update: (done: number) => {
        if (done === 400) controller.abort();
      },
    };
    const given = settingsFor([write(rows)]);
    await expect(curate(given, out, progress, controller.signal)).rejects.toThrow(/abort/i);
    const missing = settingsFor([write(rows), join(runs.root, 'none.jsonl')]);
    await expect(curate(missing, out, silentProgress, new AbortController().signal)).rejects.toThrow(
      /none\.jsonl/,
    );
    expect(readdirSync(out).map((name) => readFileSync(join(out, name), 'utf8'))).toEqual(before);
  });
});

describe('choices', () => {
  const problem = labelled('p', ['aaa', 'b', 'cc', 'w', 'ww'], [true, true, true, false, false]);
  const indices = (rows: readonly Row[]) => rows.map((row) => [row.chosen_gen_idx, row.rejected_gen_idx]);

  it('of the right trace', async () => {
    const path = write([problem]);
    const chosen = async (order: CurateSettings['chosen'], seed = 42) =>
      (await run([path], { chosen: order, seed })).sft[0]!.chosen_gen_idx;
    expect(await chosen('first')).toBe(0);
    expect(await chosen('shortest')).toBe(1);
    expect(await chosen('longest')).toBe(0);
    const random = new Set();
    for (let seed = 0; seed < 20; seed++) random.add(await chosen('random', seed));
    expect(random).toEqual(new Set([0, 1, 2]));
  });

  it('of pairs', async () => {
    const path = write([problem]);
    expect(indices((await run([path], { pairs: 2 })).pref)).toEqual([
      [0, 3],
      [1, 4],
    ]);
    expect(indices((await run([path], { pairs: 'balanced' })).pref)).toHaveLength(2);
    expect(new Set(indices((await run([path], { pairs: 9 })).pref).map(String)).size).toBe(6);
  });

  it('of problems', async () => {
    const path = write([
      labelled('one', ['a', 'b', 'c', 'd'], [true, true, true, false]),
      labelled('two', ['a', 'b', 'c', 'd'], [false, true, false, false]),
      labelled('three', ['a', 'b', 'c', 'd'], [true, true, true, true]),
      labelled('four', ['a', 'b', 'c', 'd'], [false, true, false, true]),
      labelled('five', ['a'], [false]),
    ]);
    const kept = async (options: Given) => {
      const result = await run([path], options);
      expect(result.sft.length + result.dropped.length).toBe(5);
      return result.sft.map(({ original_index: i }) => i).sort();
    };
    expect(await kept({ keep: 2, by: 'hardest' })).toEqual([1, 3]);
    expect(await kept({ keep: 1, by: 'cv' })).toEqual([1]);
    expect(await kept({ keep: 1, by: 'b-star' })).toEqual([2]);
    // CVs are 0.667, 2, 0 and 1.155.
    expect(await kept({ min_cv: 0.667 })).toEqual([1, 3]);
    expect(await kept({ min_cv: 0.66 })).toEqual([0, 1, 3]);
    expect((await run([path], { min_cv: 1 })).dropped).toEqual([
      { original_index: 0, reason: 'not_selected' },
      { original_index: 2, reason: 'not_selected' },
      { original_index: 4, reason: 'no_correct_trace' },
    ]);
  });
});

describe('repeated and known problems', () => {
  const long = 'A farmer has twelve hens and sells nine eggs each day at the market for two dollars a piece';
  const files = () => [
    write([
      labelled(long, ['a'], [false]),
      labelled(long, ['a'], [true]),
      labelled(`  ${long.toUpperCase()} `, ['a'], [true]),
      labelled(`${long}.`, ['a', 'b'], [true, false]),
      labelled('Another problem', ['a'], [true]),
    ]),
  ];

  it('are reported', async () => {
    const { sft, summary, out } = await run(files());
    expect(sft).toHaveLength(4);
    expect(summary.duplicates).toMatchObject({ mode: 'report', exact: 1, near: 1 });
    expect(readOutput(out, 'duplicates')).toEqual([
      { original_index: 2, duplicate_of: 1, kind: 'exact', similarity: 1 },
      { original_index: 3, duplicate_of: 1, kind: 'near', similarity: expect.closeTo(17 / 18, 3) as number },
    ]);
  });

  it('are dropped', async () => {
    const { sft, dropped } = await run(files(), { duplicates: 'drop' });
    expect(sft.map(({ original_index: i }) => i).sort()).toEqual([1, 4]);
    expect(dropped).toEqual([
      { original_index: 0, reason: 'no_correct_trace' },
      { original_index: 2, reason: 'duplicate' },
      { original_index: 3, reason: 'duplicate' },
    ]);
  });

  it('of evaluation sets are reported, and dropped when asked', async () => {
    const set = join(runs.root, 'exam.json');
    writeFileSync(set, JSON.stringify([{ problem: 'x' }, { problem: `Suppose ${long}` }]));
    const reported = await run(files(), { decontaminate: [set] });
    expect(reported.sft).toHaveLength(4);
    expect(reported.summary.contamination).toEqual({
      sets: [{ name: 'exam', problems: 2, rows: 3 }],
      rows: 3,
      dropped: false,
    });
    expect(readOutput(reported.out, 'contaminated')[0]).toEqual({
      original_index: 1,
      set: 'exam',
      item: 1,
      words: 'a farmer has twelve hens and sells nine',
    });
    const { sft, dropped } = await run(files(), { decontaminate: [set], drop_contaminated: true });
    expect(sft.map(({ original_index: i }) => i)).toEqual([4]);
    expect(dropped.slice(1).map(({ reason }) => reason)).toEqual([
      'contaminated',
      'contaminated',
      'contaminated',
    ]);
  });
});

describe('real files', () => {
  const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
  // The counts that SOURCE.md beside each file implies.
  it.each([
    ['gsm8k/example_model_solutions.jsonl', { rows: 1319, sft: 887, pref: 731, dropped_rows: 432 }],
    ['mathcoder-gsm8k/traces.jsonl', { rows: 1319, sft: 1225, pref: 514, dropped_rows: 94 }],
    ['qwen25-math-cot100/math_cot_100.jsonl', { rows: 100, sft: 96, pref: 10, dropped_rows: 4 }],
    ['self-traces/traces.jsonl', { records: 1280, merged: 960, rows: 320, sft: 140, pref: 132 }],
  ])('%s', async (name, expected) => {
    const path = join(shared, name);
    if (!existsSync(path)) {
      console.warn(`skipped: ${path} is absent`);
      return;
    }
    const { summary, out } = await run([path]);
    expect(summary).toMatchObject(expected);
    expect(await readTrainingRecords(join(out, 'sft.jsonl'))).toHaveLength(summary.sft);
    expect(await readTrainingRecords(join(out, 'pref.jsonl'))).toHaveLength(summary.pref);
    if (name.startsWith('gsm8k')) {
      const all = await run([path], { pairs: 100 });
      expect(all.summary.pref).toBe(2429);
    }
    if (name.startsWith('mathcoder')) expect((await run([path], { pairs: 100 })).summary.pref).toBe(1966);
  });
});
