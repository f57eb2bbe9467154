import { describe, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { DuplicateFinder, jaccard, NEAR, shingleSet } from './duplicates.js';

/** Runs of three words, by hand. */
function runs(text: string): Set<string> {
  const words = text.toLowerCase().split(' ');
  return new Set(words.slice(0, -2).map((_, i) => words.slice(i, i + 3).join(' ')));
}
function exactJaccard(one: Set<string>, two: Set<string>): number {
  const both = [...one].filter((run) => two.has(run)).length;
  return both / (one.size + two.size - both);
}

const vocabulary = Array.from(
  { length: 500 },
  (_, i) => `w${String.fromCharCode(97 + (i % 26))}${'x'.repeat(i / 26)}`,
);
function randomText(random: Random, words: number): string {
  return Array.from({ length: words }, () => vocabulary[random.nextInt(500)]!).join(' ');
}
/** Some words replaced, others dropped. */
function changed(random: Random, text: string, changes: number): string {
  const words = text.split(' ');
  for (let i = 0; i < changes; i++) {
    const at = random.nextInt(words.length);
    if (random.nextInt(2) === 0) words[at] = vocabulary[random.nextInt(500)]!;
    else words.splice(at, 1);
  }
  return words.join(' ');
}

describe('DuplicateFinder', () => {
  it('finds what the exact Jaccard similarity calls near, and nothing else', () => {
    const random = new Random(1);
    const finder = new DuplicateFinder();
    const kept: { id: number; text: string; runs: Set<string> }[] = [];
    let near = 0;
    let missed = 0;
    for (let id = 0; id < 1000; id++) {
      const old = kept.length > 0 && random.nextInt(2) === 0 ? kept[random.nextInt(kept.length)] : undefined;
      const text = old
        ? changed(random, old.text, 1 + random.nextInt(6))
        : randomText(random, 30 + random.nextInt(60));
      const own = runs(text);
      const best = Math.max(0, ...kept.map((other) => exactJaccard(own, other.runs)));
      const found = finder.add(text, id);
      if (found?.kind === 'near') {
        const other = kept.find((row) => row.id === found.of)!;
        expect(found.similarity).toBeCloseTo(exactJaccard(own, other.runs), 12);
        expect(found.similarity).toBeGreaterThanOrEqual(NEAR);
      }
      if (best >= NEAR) {
        near++;
        if (!found) missed++;
      } else expect(found).toBeUndefined();
      if (!found) kept.push({ id, text, runs: own });
    }
    expect(near).toBeGreaterThan(150);
    expect(missed).toBeLessThanOrEqual(1); // 4 in 10,000 are expected to be missed
    expect(finder.cutShort).toBe(0);
  });

  it('finds repetitions whatever case and spacing', () => {
    const finder = new DuplicateFinder();
    expect(finder.add('What is  2+2?', 7)).toBeUndefined();
    expect(finder.add(' what IS\n2+2? ', 8)).toEqual({ kind: 'exact', of: 7, similarity: 1 });
    expect(finder.add('What is 2-2?', 9)).toBeUndefined();
    expect(finder.add('', 10)).toBeUndefined();
    expect(finder.add(' ', 11)).toMatchObject({ kind: 'exact', of: 10 });
  });

  it('takes problems with other numbers for other problems', () => {
    const finder = new DuplicateFinder();
    const text = (n: number) =>
      `A train leaves the station at noon and travels north at ${n} miles an hour until it meets another train that left the other station an hour before; where do they meet and when does that happen`;
    expect(finder.add(text(60), 1)).toBeUndefined();
    expect(finder.add(text(70), 2)).toBeUndefined();
    expect(finder.add(`${text(60)}?`, 3)).toMatchObject({ kind: 'near', of: 1 });
  });

  it('compares with the first of a kind, and keeps its work within limits', () => {
    const finder = new DuplicateFinder();
    const random = new Random(3);
    const text = randomText(random, 80);
    finder.add(text, 0);
    for (let i = 1; i < 300; i++) expect(finder.add(`${text} ${vocabulary[i]!}`, i)).toMatchObject({ of: 0 });
    // From one mould with different numbers: all share their bands, none is a duplicate.
    const many = new DuplicateFinder();
    for (let i = 0; i < 2000; i++) expect(many.add(`${text} ${i}`, i)).toBeUndefined();
    expect(many.cutShort).toBeGreaterThan(1000);
  });
});

describe('shingleSet and jaccard', () => {
  it('agree with sets', () => {
    const random = new Random(2);
    for (let i = 0; i < 200; i++) {
      const a = randomText(random, 3 + random.nextInt(20));
      const b = changed(random, a, random.nextInt(3));
      if (b.split(' ').length < 3) continue;
      expect(jaccard(shingleSet(a), shingleSet(b))).toBeCloseTo(exactJaccard(runs(a), runs(b)), 12);
    }
  });

  it('take signs as words and a short text as one run', () => {
    expect(shingleSet('x + y')).toHaveLength(1);
    expect(shingleSet('x')).toHaveLength(1);
    expect(shingleSet('$x+y$')).toHaveLength(3);
    expect(jaccard(shingleSet('x + y'), shingleSet('x - y'))).toBe(0);
  });
});
