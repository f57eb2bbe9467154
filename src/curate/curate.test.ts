import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { writeTinyTokenizer } from '../../test/support/tinyTokenizer.js';
import { Random } from '../util/random.js';
import { silentProgress } from '../util/progress.js';
import { readTrainingRecords } from '../data/records.js';
import { parseRecipe } from '../recipe/parse.js';
import { curate } from './curate.js';
import { curateSettings, type CurateSettings } from './settings.js';
import type { Summary } from './summary.js';

type Row = Record<string, unknown>;

const root = mkdtempSync(join(tmpdir(), 'redistill-curate-'));
const model = join(root, 'student');
beforeAll(() => {
  mkdirSync(model);
  writeTinyTokenizer(model);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

let runs = 0;
function write(rows: readonly unknown[]): string {
  const path = join(root, `rows-${++runs}.jsonl`);
  writeFileSync(path, rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
  return path;
}

type Given = Omit<z.input<typeof curateSettings>, 'data'>;

/** Settings that leave lengths alone unless they name a model. */
function settingsFor(data: string[], given: Given = {}): CurateSettings {
  const settings = { data, length_filter: given.model !== undefined, ...given };
  return parseRecipe<CurateSettings>(curateSettings, settings, 'settings');
}

interface Result {
  summary: Summary;
  out: string;
  sft: Row[];
  pref: Row[];
  dropped: Row[];
}

async function run(data: string[], given: Given = {}): Promise<Result> {
  const out = join(root, `out-${++runs}`);
  const summary = await curate(settingsFor(data, given), out, silentProgress, new AbortController().signal);
  return { summary, out, sft: read(out, 'sft'), pref: read(out, 'pref'), dropped: read(out, 'dropped') };
}

function read(out: string, name: string): Row[] {
  const text = readFileSync(join(out, `${name}.jsonl`), 'utf8');
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Row);
}

/** The paper's code, read line by line: redi.md §2.2–2.4. */
function naive(rows: readonly Row[], limits?: { prompt: number; response: number }) {
  const sft: Row[] = [];
  const pref: Row[] = [];
  const dropped: Row[] = [];
  for (const [original_index, row] of rows.entries()) {
    const drop = (reason: string) => dropped.push({ original_index, reason });
    const { problem, generations, source } = row as {
      problem: string | null;
      generations: string[] | null;
      source: string | null;
    };
    const valid = row.problem_is_valid;
    if (typeof valid !== 'string' || valid.trim().toLowerCase() !== 'yes') {
      drop('invalid_problem');
      continue;
    }
    if (source === 'cn_k12') {
      drop('cn_k12');
      continue;
    }
    if (!problem) {
      drop('empty_problem');
      continue;
    }
    if (!generations || generations.length === 0) {
      drop('no_generations');
      continue;
    }
    const correctness = row.correctness as Record<string, (boolean | null)[] | null> | null;
    const llama = correctness?.llama_verification;
    const mv = correctness?.math_verify_reparsed_answer;
    if (!llama || !mv || llama.length !== generations.length || mv.length !== generations.length) {
      drop('verdicts_missing');
      continue;
    }
    let right = -1;
    let wrong = -1;
    for (let i = 0; i < generations.length; i++) {
      const verdict = Boolean(llama[i]) && Boolean(mv[i]);
      if (verdict && right < 0) right = i;
      if (!verdict && wrong < 0) wrong = i;
    }
    if (right < 0) {
      drop('no_correct_trace');
      continue;
    }
    const user = { role: 'user', content: problem };
    const answer = (i: number) => ({ role: 'assistant', content: generations[i]! });
    sft.push({ messages: [user, answer(right)], chosen_gen_idx: right, source, original_index });
    if (wrong < 0) continue;
    // The tiny tokenizer: a token a character, and the template puts one token before and one after each turn.
    const [prompt_len, chosen_len, rejected_len] = [problem, generations[right]!, generations[wrong]!].map(
      (text) => text.length + 2 + 1,
    ) as [number, number, number];
    if (
      limits &&
      !(prompt_len <= limits.prompt && chosen_len <= limits.response && rejected_len <= limits.response)
    )
      continue;
    pref.push({
      prompt: [user],
      chosen: [answer(right)],
      rejected: [answer(wrong)],
      source,
      original_index,
      chosen_gen_idx: right,
      rejected_gen_idx: wrong,
      ...(limits && { prompt_len, chosen_len, rejected_len }),
    });
  }
  return { sft, pref, dropped };
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random.nextInt(list.length)]!;

function randomRows(count: number, seed: number): Row[] {
  const random = new Random(seed);
  const verdict = () => pick(random, [true, true, false, false, null]);
  return Array.from({ length: count }, () => {
    const generations = Array.from({ length: random.nextInt(5) }, () => 'x'.repeat(1 + random.nextInt(40)));
    const list = () =>
      random.nextInt(12) === 0
        ? pick(random, [null, []])
        : Array.from({ length: generations.length + (random.nextInt(15) === 0 ? 1 : 0) }, verdict);
    return {
      problem: pick(random, [
        null,
        '',
        ...Array.from({ length: 20 }, () => 'p'.repeat(1 + random.nextInt(30))),
      ]),
      source: pick(random, ['olympiads', 'aops_forum', 'cn_k12', null]),
      problem_is_valid: pick(random, ['Yes', 'yes', ' YES ', 'Yes', 'Yes', 'No', 'Incomplete', null]),
      generations: random.nextInt(15) === 0 ? null : generations,
      correctness:
        random.nextInt(15) === 0
          ? null
          : {
              llama_verification: list(),
              math_verify_answer: list(),
              math_verify_reparsed_answer: list(),
            },
    };
  });
}

const byIndex = (a: Row, b: Row) => Number(a.original_index) - Number(b.original_index);
const bare = (rows: readonly Row[]) =>
  rows
    .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'uuid')))
    .sort(byIndex);

describe('the rule "redi"', () => {
  it('gives what an obvious implementation of it gives', async () => {
    const rows = randomRows(2000, 1);
    const expected = naive(rows);
    const result = await run([write(rows)]);
    expect(bare(result.sft)).toEqual(expected.sft);
    expect(bare(result.pref)).toEqual(expected.pref);
    expect(result.dropped).toEqual(expected.dropped);
    expect(expected.pref.length).toBeGreaterThan(100);
    expect(new Set(expected.dropped.map(({ reason }) => reason)).size).toBe(6);
  });

  it('gives it with the length filter', async () => {
    const rows = randomRows(1000, 2);
    const limits = { prompt: 25, response: 30 };
    const expected = naive(rows, limits);
    const result = await run([write(rows)], {
      model,
      max_prompt_tokens: limits.prompt,
      max_response_tokens: limits.response,
    });
    expect(bare(result.sft)).toEqual(expected.sft);
    expect(bare(result.pref)).toEqual(expected.pref);
    expect(result.dropped).toEqual(expected.dropped);
    const { pairs, sft_only: only, pref, sft } = result.summary;
    expect(pairs.too_long).toBe(naive(rows).pref.length - expected.pref.length);
    expect(only.pair_too_long).toBe(pairs.too_long);
    expect(sft - only.no_wrong_trace - only.pair_too_long).toBe(pref);
  });

  it('counts content only when asked', async () => {
    const rows = [1, 2].map((more) => labelled('pp', ['x'.repeat(9 + more), 'y'], [true, false]));
    const { pref } = await run([write(rows)], {
      model,
      length_count: 'content',
      max_prompt_tokens: 2,
      max_response_tokens: 10,
    });
    expect(pref).toMatchObject([{ original_index: 0, prompt_len: 2, chosen_len: 10, rejected_len: 1 }]);
  });

  it('limits D_SFT when asked', async () => {
    const rows = [10, 11].map((length) => labelled('p', ['x'.repeat(length)], [true]));
    const { sft, dropped, summary } = await run([write(rows)], {
      model,
      length_count: 'content',
      max_prompt_tokens: 5,
      max_response_tokens: 10,
      limit_sft: true,
    });
    expect(sft.map(({ original_index: i }) => i)).toEqual([0]);
    expect(dropped).toEqual([{ original_index: 1, reason: 'length' }]);
    expect(summary.dropped.length).toBe(1);
  });

  it('passes over blank generations', async () => {
    const rows = [labelled('p', [' ', 'a', '', 'b'], [true, true, false, false])];
    const { sft, pref, summary } = await run([write(rows)]);
    expect(sft).toMatchObject([{ chosen_gen_idx: 1 }]);
    expect(pref).toMatchObject([{ chosen_gen_idx: 1, rejected_gen_idx: 3 }]);
    expect(summary.generations).toEqual({ total: 4, blank: 2 });
  });
});

function labelled(problem: string, generations: string[], correct: boolean[], more: Row = {}): Row {
  return { problem, answer: '1', generations, correct, ...more };
}

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
    expect(readTrainingRecords(join(out, 'sft.jsonl'))).toHaveLength(sft.length);
    const pairs = readTrainingRecords(join(out, 'pref.jsonl'));
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
    expect(read(out, 'quarantine')).toMatchObject([
      { file: path, line: 2, text: 'not JSON' },
      { file: path, line: 3, problem: expect.stringContaining('not a row of traces') as string },
    ]);
  });

  it('leaves no files of an earlier run that are not true any more, nor its own tools', async () => {
    const bad = await run([write(['nonsense', labelled('p', ['a'], [true])])]);
    expect(readdirSync(bad.out)).toContain('quarantine.jsonl');
    await curate(settingsFor([write([])]), bad.out, silentProgress, new AbortController().signal);
    expect(readdirSync(bad.out).sort()).toEqual([
      'dropped.jsonl',
      'duplicates.jsonl',
      'pref.jsonl',
      'sft.jsonl',
      'summary.json',
    ]);
    expect(read(bad.out, 'sft')).toEqual([]);
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
    const missing = settingsFor([write(rows), join(root, 'none.jsonl')]);
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
    expect(read(out, 'duplicates')).toEqual([
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
    const set = join(root, 'exam.json');
    writeFileSync(set, JSON.stringify([{ problem: 'x' }, { problem: `Suppose ${long}` }]));
    const reported = await run(files(), { decontaminate: [set] });
    expect(reported.sft).toHaveLength(4);
    expect(reported.summary.contamination).toEqual({
      sets: [{ name: 'exam', problems: 2, rows: 3 }],
      rows: 3,
      dropped: false,
    });
    expect(read(reported.out, 'contaminated')[0]).toEqual({
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

describe('the rule "ablation"', () => {
  it('trains half of the problems on wrong traces and makes two arms of pairs', async () => {
    const rows = randomRows(3000, 5);
    const path = write(rows);
    const limits = { prompt: 1, response: 34 };
    const { sft, pref, dropped, summary, out } = await run([path], {
      rule: 'ablation',
      model,
      max_prompt_tokens: limits.prompt,
      max_response_tokens: limits.response,
    });
    const opposite = read(out, 'pref_inverted');
    expect(dropped).toEqual(naive(rows).dropped);

    /** First index with both verdicts, and first with neither. */
    const find = (index: unknown, wanted: boolean) => {
      const { llama_verification: llama, math_verify_reparsed_answer: mv } = rows[Number(index)]!
        .correctness as Record<string, (boolean | null)[]>;
      return llama!.findIndex((verdict, i) => Boolean(verdict) === wanted && Boolean(mv![i]) === wanted);
    };
    const of = (source: string) => sft.filter((row) => row.sft_source === source);
    const [one, two, b] = ['group1_correct', 'group2_incorrect', 'typeB_correct'].map(of) as [
      Row[],
      Row[],
      Row[],
    ];
    expect(one.length + two.length + b.length).toBe(sft.length);
    expect(two.length - one.length).toBeGreaterThanOrEqual(0);
    expect(two.length - one.length).toBeLessThanOrEqual(1);
    for (const row of one) expect(row.chosen_gen_idx).toBe(find(row.original_index, true));
    for (const row of two) expect(row.chosen_gen_idx).toBe(find(row.original_index, false));
    for (const row of b) expect(find(row.original_index, false)).toBe(-1);

    expect(pref.length).toBe(opposite.length);
    expect(pref.length).toBeGreaterThan(30);
    const group = (list: readonly Row[]) =>
      new Map(list.map((row) => [row.original_index, row.messages as Row[]]));
    // In both arms the chosen trace is the one that was fine-tuned on.
    for (const [arm, taught] of [
      [pref, group(one)],
      [opposite, group(two)],
    ] as const) {
      for (const row of arm) {
        expect([...(row.prompt as Row[]), ...(row.chosen as Row[])]).toEqual(taught.get(row.original_index));
        for (const side of ['chosen', 'rejected']) {
          const [{ content }] = row[side] as [{ content: string }];
          expect(row[`${side}_len`]).toBe(content.length + 1);
          expect(content.length).toBeLessThanOrEqual(33);
        }
      }
    }
    const fitting = (list: readonly Row[]) =>
      list.filter(({ original_index: i }) => {
        const generations = rows[Number(i)]!.generations as string[];
        return Math.max(generations[find(i, true)]!.length, generations[find(i, false)]!.length) <= 33;
      }).length;
    expect(pref.length).toBe(Math.min(fitting(one), fitting(two)));
    expect(summary.ablation).toMatchObject({ group_1: one.length, group_2: two.length, type_b: b.length });
    expect(summary.lengths).toMatchObject({ count: 'ablation', limits: { prompt: null, response: 34 } });
  });

  it('has no choices', async () => {
    await expect(run([write([])], { rule: 'ablation', pairs: 2 })).rejects.toThrow(
      /the rule "ablation" fixes/,
    );
    await expect(run([write([])], { rule: 'ablation', verdicts: 'mv' })).rejects.toThrow(
      /leave those options/,
    );
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
    expect(readTrainingRecords(join(out, 'sft.jsonl'))).toHaveLength(summary.sft);
    expect(readTrainingRecords(join(out, 'pref.jsonl'))).toHaveLength(summary.pref);
    if (name.startsWith('gsm8k')) {
      const all = await run([path], { pairs: 100 });
      expect(all.summary.pref).toBe(2429);
    }
    if (name.startsWith('mathcoder')) expect((await run([path], { pairs: 100 })).summary.pref).toBe(1966);
  });
});
