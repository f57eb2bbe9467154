import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { Decontaminator, loadEvaluationSets } from './decontaminate.js';

const directory = mkdtempSync(join(tmpdir(), 'redistill-exams-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});
const file = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

/** redi.md §2.7, with the whole of texts that are shorter. */
function grams(text: string): Set<string> {
  const words = text.toLowerCase().trim().split(/\s+/);
  if (words.length < 8) return new Set([words.join(' ')]);
  const found = new Set<string>();
  for (let i = 0; i + 8 <= words.length; i++) found.add(words.slice(i, i + 8).join(' '));
  return found;
}

describe('Decontaminator', () => {
  it('finds what a search through all runs of eight words finds', () => {
    const random = new Random(4);
    const text = (words: number) =>
      Array.from({ length: words }, () => ['a', 'B', 'c,', 'D?'][random.nextInt(4)]!).join(
        [' ', '\n', '  '][random.nextInt(3)],
      );
    const sets = ['one', 'two'].map((name) => ({
      name,
      problems: Array.from({ length: 60 }, () => text(1 + random.nextInt(14))),
    }));
    const decontaminator = new Decontaminator(sets);
    let hits = 0;
    for (let i = 0; i < 1000; i++) {
      const problem = text(1 + random.nextInt(14));
      const runs = grams(problem);
      const expected = sets.filter(({ problems }) =>
        problems.some((known) => [...grams(known)].some((run) => runs.has(run))),
      );
      const found = decontaminator.find(problem);
      expect(found.map(({ set }) => set).sort()).toEqual(expected.map(({ name }) => name));
      for (const { set, item, words } of found) {
        expect(runs.has(words)).toBe(true);
        expect(grams(sets.find(({ name }) => name === set)!.problems[item]!).has(words)).toBe(true);
      }
      hits += found.length;
    }
    expect(hits).toBeGreaterThan(50);
    expect(hits).toBeLessThan(1500);
  });
});

describe('loadEvaluationSets', () => {
  it('reads arrays, JSON lines and Parquet', async () => {
    const parquet = fileURLToPath(new URL('../../test/fixtures/parquet/empty.parquet', import.meta.url));
    const sets = await loadEvaluationSets([
      file('math.json', '[{"problem": "x"}, {"problem": "y"}]'),
      file('gsm.jsonl', '{"question": "q"}\n{"prompt": "p"}\n'),
    ]);
    expect(sets).toEqual([
      { name: 'math', problems: ['x', 'y'] },
      { name: 'gsm', problems: ['q', 'p'] },
    ]);
    await expect(loadEvaluationSets([parquet])).rejects.toThrow(/empty\.parquet has no problems/);
  });

  it('says what is wrong', async () => {
    const load = (path: string) => loadEvaluationSets([path]);
    expect(await load(file('a.json', '{"problem": "x"}'))).toEqual([{ name: 'a', problems: ['x'] }]);
    await expect(load(file('b.json', '[{'))).rejects.toThrow(/b\.json is not JSON/);
    await expect(load(file('c.jsonl', '{"text": "x"}'))).rejects.toThrow(/row 1: the field "problem"/);
    await expect(load(join(directory, 'none.json'))).rejects.toThrow(/does not exist/);
  });
});
