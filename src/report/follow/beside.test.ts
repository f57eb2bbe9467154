import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BesideRuns } from '../../../test/support/besideRuns.js';
import { LiveRun } from '../../../test/support/liveRuns.js';
import type { Change } from '../live.js';
import type { TracedRow, TraceSet } from '../model.js';
import { WATCHED } from '../read/limits.js';
import { readReport } from '../read/report.js';
import { Watcher } from './watcher.js';

const top = mkdtempSync(join(tmpdir(), 'redistill-beside-'));
afterAll(() => {
  rmSync(top, { recursive: true, force: true });
});

/** What a report has of a set, which names folders in another way. */
const placeless = ({ asked: name, ...set }: TraceSet) => ({ ...set, dir: '', isAsked: name !== undefined });

async function rowsOf(watcher: Watcher, { asked }: TraceSet): Promise<TracedRow[]> {
  const { rows } = (await watcher.traces(asked!))!;
  const chunks = await Promise.all(rows.chunks.map((_, i) => watcher.tracedRows(asked!, i)));
  return chunks.flatMap((chunk) => chunk!);
}

describe('what stands beside runs', () => {
  it('is what a whole reading says: tables, findings with their rows, and rows of traces with their tokens', async () => {
    const beside = new BesideRuns(join(top, 'whole'));
    const run = new LiveRun(beside.path('redi'), {
      data: beside.path('pairs/pref.jsonl'),
      model: beside.model,
    });
    run.run(3);
    beside.curation('pairs', 60);
    beside.curation('second', 3);
    beside.columns('alone', 'nowhere.jsonl', 2, (i) => [`a${i}`, `b${i}`]);
    beside.doctor('check', 4);
    beside.study('study', 0.25);
    beside.benchmark('bench');
    using watcher = new Watcher(beside.dir);
    await watcher.look();
    const { report } = watcher;
    const whole = await readReport([beside.dir]);
    expect(report.tables).toEqual(whole.report.tables);
    expect(report.tables!.map(({ id }) => id)).toEqual(['study/arms', 'study/held-out', 'bench']);

    expect(report.examinations!.map(({ rows }) => rows)).toEqual([[]]);
    const examined = report.examinations!.map(({ asked, ...one }) => ({
      ...one,
      rows: watcher.examinedRows(asked!),
    }));
    expect(examined).toEqual(whole.report.examinations);

    const byId = (sets: readonly TraceSet[]) => [...sets].sort((a, b) => (a.id < b.id ? -1 : 1));
    const sets = byId(report.traces!);
    expect(sets.map(({ rows, notes, columns }) => [rows.ids, notes, columns])).toEqual(
      sets.map(() => [[], [], []]),
    );
    const opened = await Promise.all(sets.map(({ asked }) => watcher.traces(asked!)));
    const expected = byId(whole.report.traces!);
    expect(expected.map(({ id }) => id)).toEqual(['alone', 'pairs', 'second']);
    expect(opened.map((set) => placeless(set!))).toEqual(
      expected.map((set) => ({ ...placeless(set), isAsked: true })),
    );
    const rows = new Map<string, TracedRow[]>();
    for (const placed of whole.chunks())
      if ('rows' in placed) {
        const { id } = whole.report.traces![placed.traces]!;
        rows.set(id, [...(rows.get(id) ?? []), ...placed.rows]);
      }
    for (const set of sets) expect(await rowsOf(watcher, set)).toEqual(rows.get(set.id));
    const [pair] = rows.get('pairs')!;
    expect(pair!.traces[0]!.tokens!.columns['pairs-columns: before']).toHaveLength('so 0'.length + 1);
    expect(pair!.way.map(({ name }) => name)).toEqual(['pairs-all', 'verdicts', 'pairs', 'check', 'redi']);
  });

  it('is told of when it changes and not otherwise, and is known by another name then', async () => {
    const beside = new BesideRuns(join(top, 'changes'));
    const run = new LiveRun(beside.path('redi'));
    run.run(1);
    using watcher = new Watcher(beside.dir);
    const parts = async () => {
      const change: Change | undefined = await watcher.look();
      return Object.keys(change?.parts ?? {}).filter(
        (name) => !['date', 'sentences', 'answers', 'stages'].includes(name),
      );
    };
    expect(await parts()).toEqual([]);
    beside.study('study', 0.25);
    expect(await parts()).toEqual(['tables', 'comparisons']);
    run.run(5);
    expect(await parts()).toEqual([]);
    beside.study('study', 0.5);
    expect(await parts()).toEqual(['tables', 'comparisons']);
    expect(watcher.report.tables!.find(({ id }) => id === 'study/held-out')!.rows[0]![1]).toBe(0.5);
    beside.doctor('check', 3);
    expect(await parts()).toEqual(['examinations']);
    const then = watcher.report.examinations![0]!.asked!;
    beside.doctor('check', 5, 'other');
    expect(await parts()).toEqual(['examinations']);
    expect(watcher.examinedRows(then)).toBeUndefined();
    expect(watcher.examinedRows(watcher.report.examinations![0]!.asked!)).toHaveLength(5);
    beside.curation('pairs', 3);
    expect(await parts()).toEqual(['traces']);
    const [before] = watcher.report.traces!;
    expect(await watcher.look()).toBeUndefined();
    expect(watcher.report.traces![0]).toBe(before);
    expect(await rowsOf(watcher, before!)).toHaveLength(3);
    beside.curation('pairs', 7);
    expect(await parts()).toEqual(['traces']);
    expect(await watcher.traces(before!.asked!)).toBeUndefined();
    expect(await watcher.tracedRows(before!.asked!, 0)).toBeUndefined();
    expect(await rowsOf(watcher, watcher.report.traces![0]!)).toHaveLength(7);
    rmSync(beside.path('study'), { recursive: true });
    rmSync(beside.path('pairs'), { recursive: true });
    rmSync(beside.path('pairs-all'), { recursive: true });
    rmSync(beside.path('pairs-columns'), { recursive: true });
    expect((await parts()).sort()).toEqual(['comparisons', 'tables', 'traces']);
    expect([watcher.report.tables, watcher.report.traces]).toEqual([[], []]);
  });

  it('is left out and told of where it is damaged, and does not keep runs from being followed', async () => {
    const beside = new BesideRuns(join(top, 'damaged'));
    const run = new LiveRun(beside.path('redi'));
    run.run(1);
    for (const name of ['study', 'benchmark', 'doctor', 'curate', 'collect', 'columns']) {
      beside.record(name, name, { data: { toString: 1 }, model: [1] });
      for (const file of [
        'study.json',
        'benchmarks.json',
        'summary.json',
        'shown.jsonl',
        'pref.jsonl',
        'traces.jsonl',
        'rows.jsonl',
      ])
        writeFileSync(beside.path(`${name}/${file}`), '{"tests": [{}], "sequences": 1}\n{\n[]\nnull\n\0');
    }
    using watcher = new Watcher(beside.dir);
    await watcher.look();
    run.run(1);
    await watcher.look();
    expect(watcher.report.runs[0]!.steps.done).toBe(2);
    expect([watcher.report.tables, watcher.report.examinations]).toEqual([[], []]);
    for (const { asked } of watcher.report.traces!) {
      const set = await watcher.traces(asked!).catch((error: unknown) => String(error));
      expect(set).toBeDefined();
    }
  });

  it('is read within the folder that is watched alone', async () => {
    const beside = new BesideRuns(join(top, 'outside'));
    beside.curation('watched/pairs', 2, 'so', 'secret');
    using watcher = new Watcher(beside.path('watched'));
    await watcher.look();
    const [set] = watcher.report.traces!;
    const rows = await rowsOf(watcher, set!);
    expect((await watcher.traces(set!.asked!))!.notes.join()).toContain('lies outside');
    expect(rows.map(({ gold }) => gold)).toEqual([null, null]);
    expect(JSON.stringify(rows)).not.toContain('gold ');
  });
});

describe('rows of traces', () => {
  it('are as many as a watcher holds, which it says', async () => {
    const beside = new BesideRuns(join(top, 'many'));
    const rows = WATCHED.rows + 10;
    beside.curation('pairs', rows, 'x');
    using watcher = new Watcher(beside.dir);
    await watcher.look();
    const [set] = watcher.report.traces!;
    const { rows: index, notes } = (await watcher.traces(set!.asked!))!;
    expect(index.ids.length).toBeLessThanOrEqual(WATCHED.rows);
    expect(index.ids.length).toBeGreaterThan(WATCHED.rows / 2);
    expect(notes.join()).toMatch(
      /1,700 of 2,010 rows are in this report, pairs first; `redistill report .*many --all`/,
    );
  });

  it('of the two sets that were asked for last stay, and are let go when nobody asks for minutes', async () => {
    const beside = new BesideRuns(join(top, 'kept'));
    for (const name of ['a', 'b', 'c']) beside.curation(name, 2);
    let now = 1e12;
    using watcher = new Watcher(beside.dir, { now: () => now });
    await watcher.look();
    const names = watcher.report.traces!.map(({ asked }) => asked!);
    expect(names).toHaveLength(3);
    const rows = (place: number) => watcher.tracedRows(names[place]!, 0);
    const [a, b] = [await rows(0), await rows(1)];
    expect([await rows(0), await rows(1)].map((one, i) => one === [a, b][i])).toEqual([true, true]);
    await rows(2);
    expect(await rows(1)).toBe(b);
    expect(await rows(0)).not.toBe(a);
    expect(await rows(0)).toEqual(a);
    const again = await rows(0);
    now += 4 * 60_000;
    await watcher.look();
    expect(await rows(0)).toBe(again);
    now += 6 * 60_000;
    await watcher.look();
    expect(await rows(0)).not.toBe(again);
  });

  it('of a set that cannot be read are a sentence, and are there when it can be', async () => {
    const beside = new BesideRuns(join(top, 'later'));
    beside.curation('pairs', 2);
    using watcher = new Watcher(beside.dir);
    await watcher.look();
    const { asked } = watcher.report.traces![0]!;
    rmSync(beside.path('pairs/pref.jsonl'));
    mkdirSync(beside.path('pairs/pref.jsonl'));
    await expect(watcher.traces(asked!)).rejects.toThrow('pref.jsonl');
    rmSync(beside.path('pairs/pref.jsonl'), { recursive: true });
    beside.curation('pairs', 2);
    await watcher.look();
    expect(await rowsOf(watcher, watcher.report.traces![0]!)).toHaveLength(2);
  });
});

describe('responses under way', () => {
  const journal = (name: string, command: string) => {
    const dir = join(top, 'verdicts', name);
    mkdirSync(dir, { recursive: true });
    writeFileSync(
      join(dir, 'redistill.json'),
      JSON.stringify({ made_by: 'redistill', command, version: '0.1.0', settings: { samples: 1 } }),
    );
    return (sample: number, more: object) => {
      const entry = {
        id: { problem: 0, sample },
        text: 'x',
        finish_reason: 'stop',
        completion_tokens: 1,
        ...more,
      };
      appendFileSync(join(dir, 'journal.jsonl'), `${JSON.stringify(entry)}\n`);
    };
  };

  it('are right or wrong as their file says, as whoever wrote it counts them, and say where it does not', async () => {
    const verdict = (correct: boolean, extracted: string | null = '1') => ({
      verdict: { correct, extracted, reason: 'because', stage: 's' },
    });
    const add = journal('collected', 'collect');
    add(0, { ...verdict(true), reparsed: true });
    add(1, { ...verdict(true, null), reparsed: true, finish_reason: 'length' });
    add(2, { ...verdict(false, 'y'.repeat(1_000)), reparsed: true });
    add(3, verdict(false));
    add(4, {});
    add(5, { verdict: 'damaged', reparsed: 'x' });
    journal('evaluated', 'evaluate')(0, {});
    using watcher = new Watcher(join(top, 'verdicts'));
    await watcher.look();
    const of = (kind: string) => watcher.live.activities.find((one) => one.kind === kind)!;
    expect(of('collect')).toMatchObject({ done: 6, graded: { right: 2, of: 4 } });
    expect(of('collect').samples.map((one) => one.verdict)).toEqual([
      undefined,
      undefined,
      { right: false, extracted: '1', reason: 'because' },
    ]);
    expect(of('evaluate').graded).toBeUndefined();
    expect(of('evaluate').samples[0]).not.toHaveProperty('verdict');
    add(6, { ...verdict(true, 'y'.repeat(1_000)), reparsed: true });
    await watcher.look();
    expect(of('collect')).toMatchObject({ graded: { right: 3, of: 5 } });
    expect(of('collect').samples[0]!.verdict).toMatchObject({ right: true, extracted: 'y'.repeat(300) });
  });
});
