import { afterAll, describe, expect, it } from 'vitest';
import { labelled, naive, randomRows } from '../../../test/support/curationRows.js';
import { CurationRuns, type Given, type Row } from '../../../test/support/curationRuns.js';
import { Random } from '../../util/random.js';

const runs = new CurationRuns();
const { model } = runs;
const run = (rows: readonly Row[], given: Given = { match_length: 0.25 }) =>
  runs.run([runs.write(rows)], given);
afterAll(() => {
  runs.remove();
});

const x = (length: number) => 'x'.repeat(length);
const indices = (rows: readonly Row[]) =>
  rows.map((row) => [Number(row.original_index), Number(row.chosen_gen_idx), Number(row.rejected_gen_idx)]);
const byIndex = (a: readonly number[], b: readonly number[]) => a[0]! - b[0]!;

/** A problem with right and wrong traces of these lengths. */
const ofLengths = (right: readonly number[], wrong: readonly number[]) =>
  labelled(
    'p',
    [...right, ...wrong].map((length) => x(length)),
    [...right.map(() => true), ...wrong.map(() => false)],
  );

describe('the rule "matched"', () => {
  it('gives what a search through all pairs gives', async () => {
    const random = new Random(7);
    const marks = () => '<<1=1>>'.repeat(random.nextInt(3));
    const rows = Array.from({ length: 600 }, () => {
      const generations = Array.from(
        { length: 1 + random.nextInt(7) },
        () => marks() + x(1 + random.nextInt(60)),
      );
      return labelled(
        'p',
        generations,
        generations.map(() => random.nextInt(2) === 0),
      );
    });
    for (const share of [0, 0.1, 0.25, 1]) {
      const expected = rows.flatMap((row, index) => {
        const generations = row.generations as string[];
        const correct = row.correct as boolean[];
        let best: { gap: number; pair: number[] } | undefined;
        for (const [r, a] of generations.entries()) {
          for (const [w, b] of generations.entries()) {
            if (!correct[r] || correct[w]) continue;
            const counts = [a, b].map((text) => text.split('<<').length - 1);
            if (counts[0]! > 0 && counts[1]! > 0 && counts[0] !== counts[1]) continue;
            const gap = Math.abs(a.length - b.length);
            if (gap > share * Math.max(a.length, b.length)) continue;
            if (!best || gap < best.gap) best = { gap, pair: [index, r, w] };
          }
        }
        return best ? [best.pair] : [];
      });
      const { pref, summary } = await run(rows, { match_length: share });
      expect(indices(pref).sort(byIndex)).toEqual(expected);
      expect(expected.length).toBeGreaterThan(10);
      expect(summary.sft).toBe(
        expected.length + summary.sft_only.no_wrong_trace + summary.sft_only.no_like_length!,
      );
    }
  });

  it('has the D_SFT of "redi"', async () => {
    const rows = randomRows(500, 11);
    const { sft, dropped } = await run(rows);
    const expected = naive(rows);
    expect(sft.map((row) => [row.original_index, row.chosen_gen_idx]).sort()).toEqual(
      expected.sft.map((row) => [row.original_index, row.chosen_gen_idx]).sort(),
    );
    expect(dropped).toEqual(expected.dropped);
  });

  it('prefers traces that no pair has yet, then the closest, then the earlier', async () => {
    const pairsOf = async (row: Row, pairs: Given['pairs'], share = 0.25) => {
      const { pref } = await run([row], { match_length: share, pairs });
      return indices(pref).map(([, chosen, rejected]) => [chosen, rejected]);
    };
    // Gaps: 0-2 0, 0-3 2, 1-2 8, 1-3 6.
    const row = ofLengths([40, 48], [40, 42]);
    expect(await pairsOf(row, 1)).toEqual([[0, 2]]);
    expect(await pairsOf(row, 2)).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(await pairsOf(row, 4)).toEqual([
      [0, 2],
      [1, 3],
      [0, 3],
      [1, 2],
    ]);
    expect(await pairsOf(row, 'balanced')).toEqual([
      [0, 2],
      [1, 3],
    ]);
    expect(await pairsOf(row, 'all')).toEqual([
      [0, 2],
      [0, 3],
      [1, 3],
      [1, 2],
    ]);
    expect(await pairsOf(row, 4, 0.15)).toEqual([
      [0, 2],
      [1, 3],
      [0, 3],
    ]);
    expect(await pairsOf(ofLengths([10, 10], [10, 10]), 3)).toEqual([
      [0, 2],
      [1, 3],
      [0, 3],
    ]);
    // One wrong trace: it is used again, by the right one that is closest after the first.
    expect(await pairsOf(ofLengths([12, 11], [10]), 2)).toEqual([
      [1, 2],
      [0, 2],
    ]);
    expect(await pairsOf(ofLengths([12, 11], [10]), 'balanced')).toEqual([[1, 2]]);
  });

  it('takes lengths that differ by just the share of the longer one', async () => {
    const rows = [ofLengths([100], [71]), ofLengths([71], [100]), ofLengths([100], [70])];
    expect(indices((await run(rows, { match_length: 0.29 })).pref).sort(byIndex)).toEqual([
      [0, 0, 1],
      [1, 0, 1],
    ]);
    const quarter = [ofLengths([100], [75]), ofLengths([100], [74])];
    expect(indices((await run(quarter, { rule: 'matched' })).pref)).toEqual([[0, 0, 1]]);
  });

  it('counts the rows that have no pair of like length', async () => {
    const rows = [ofLengths([10], [20]), ofLengths([10], []), ofLengths([10, 20], [20]), ofLengths([], [20])];
    const { summary } = await run(rows);
    expect(summary).toMatchObject({
      rule: 'matched',
      matched: { match_length: 0.25, lengths_in: 'characters' },
      ...{ sft: 3, pref: 1, sft_only: { no_wrong_trace: 1, no_like_length: 1, pair_too_long: 0 } },
    });
    expect(summary.account.slice(1)).toEqual([
      '4 read = 3 in sft.jsonl + 1 dropped',
      '1 dropped = 1 no_correct_trace',
      '3 in sft.jsonl = 1 with a pair + 1 without a wrong trace + 1 without a wrong trace of like length',
      '1 pair in pref.jsonl = 1 formed − 0 too long',
      'lengths of a pair differ by at most 25 % of the longer one, in characters',
    ]);
  });

  it('counts tokens where there is a model', async () => {
    // "<|system|>" is one token of the student.
    const special = '<|system|>'.repeat(10);
    const rows = [labelled('p', [special, x(10), x(100)], [true, false, false])];
    const given: Given = { match_length: 0, length_filter: false };
    expect(indices((await run(rows, given)).pref)).toEqual([[0, 0, 2]]);
    const { pref, summary } = await run(rows, { ...given, model });
    expect(indices(pref)).toEqual([[0, 0, 1]]);
    expect(summary.matched).toEqual({ match_length: 0, lengths_in: 'tokens' });
    expect(summary.account.at(-1)).toBe(
      'lengths of a pair differ by at most 0 % of the longer one, in tokens',
    );
  });

  it('goes with the limits of length', async () => {
    const rows = [ofLengths([10, 30], [30, 14]), ofLengths([20], [20])];
    const limited = await run(rows, { match_length: 0.3, model, max_tokens: 20, length_filter: false });
    expect(indices(limited.pref)).toEqual([[0, 0, 3]]);
    const filtered = await run(rows, {
      ...{ match_length: 0.3, model, length_count: 'content', max_response_tokens: 20, pairs: 2 },
    });
    expect(indices(filtered.pref).sort(byIndex)).toEqual([
      [0, 0, 3],
      [1, 0, 1],
    ]);
    const shortest = await run(rows, { match_length: 0.3, model, length_filter: false, shortest_pairs: 1 });
    expect(indices(shortest.pref)).toEqual([[1, 0, 1]]);
  });
});
