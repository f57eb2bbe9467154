import { afterAll, describe, expect, it } from 'vitest';
import { bare, labelled, naive, randomRows } from '../../../test/support/curationRows.js';
import { CurationRuns, type Given } from '../../../test/support/curationRuns.js';

const runs = new CurationRuns();
const { model } = runs;
const write = (rows: readonly unknown[]) => runs.write(rows);
const run = (data: string[], given?: Given) => runs.run(data, given);
afterAll(() => {
  runs.remove();
});

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
    expect(summary.generations).toEqual({ total: 4, blank: 2, cut_off: 0 });
  });
});
