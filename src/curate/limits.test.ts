import { afterAll, describe, expect, it } from 'vitest';
import { labelled } from '../../test/support/curationRows.js';
import { CurationRuns, type Given, type Row } from '../../test/support/curationRuns.js';

const runs = new CurationRuns();
const { model } = runs;
const run = (rows: readonly Row[], given?: Given) =>
  runs.run([runs.write(rows)], { model, length_filter: false, ...given });
afterAll(() => {
  runs.remove();
});

const x = (length: number) => 'x'.repeat(length);
const indices = (rows: readonly Row[]) =>
  rows
    .map((row) => [row.original_index, row.chosen_gen_idx, row.rejected_gen_idx].map(Number))
    .sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]!);

/** The tiny tokenizer has a token a character, and its template one token before and one after each turn. */
const tokens = (...turns: string[]) => turns.reduce((sum, { length }) => sum + length + 2, 0);

describe('max_tokens', () => {
  const rows = [
    labelled('p', [x(30), x(31), x(10), x(9), x(40)], [true, false, true, false, false]),
    labelled('p', [x(30), x(10)], [true, false]),
    labelled('ppppp', [x(10), x(40)], [true, false]),
    labelled('q', [x(11)], [true]),
  ];

  it('leaves traces out before any choice, the prompt counted', async () => {
    const { sft, pref, dropped, summary } = await run(rows, { max_tokens: tokens('p', x(10)) });
    expect(sft.map((row) => [row.original_index, row.chosen_gen_idx])).toEqual([[0, 2]]);
    expect(indices(pref)).toEqual([[0, 2, 3]]);
    expect(dropped).toEqual([1, 2, 3].map((original_index) => ({ original_index, reason: 'length' })));
    expect(summary.traces).toEqual({ measured: 10, too_long: 7 });
    expect(summary.account).toEqual([
      '4 rows of 1 file = 4 read',
      '4 read = 1 in sft.jsonl + 3 dropped',
      '3 dropped = 3 length',
      '1 in sft.jsonl = 1 with a pair',
      `10 traces measured = 3 of at most ${tokens('p', x(10))} tokens with the prompt + 7 longer and left out`,
      '1 pair in pref.jsonl = 1 formed − 0 too long',
    ]);
  });

  it('leaves a row without its wrong traces in sft.jsonl', async () => {
    const { sft, pref, summary } = await run(rows, { max_tokens: tokens('ppppp', x(10)) });
    expect(sft.map((row) => Number(row.original_index)).sort()).toEqual([0, 2, 3]);
    expect(indices(pref)).toEqual([[0, 2, 3]]);
    expect(summary.sft_only).toEqual({ no_wrong_trace: 2, pair_too_long: 0, not_shortest: 0 });
  });

  it('does not change how a problem ranks', async () => {
    const { sft } = await run(rows, { max_tokens: 1000, keep: 1, by: 'hardest' });
    expect(sft.map((row) => row.original_index)).toEqual([0]);
  });

  it('measures a longer prompt as a whole', async () => {
    const prompt = [
      { role: 'system', content: x(20) },
      { role: 'user', content: 'q' },
    ];
    const answer = (content: string) => [{ role: 'assistant', content }];
    const most = tokens(x(20), 'q', 'ab');
    const pair = { prompt, chosen: answer('ab'), rejected: answer('abc') };
    expect((await run([pair], { max_tokens: most })).summary).toMatchObject({ sft: 1, pref: 0 });
    await expect(run([pair], { max_tokens: most - 1 })).rejects.toThrow('1 row = 1 length');
  });
});

describe('a trace that was cut off', () => {
  const details = (...reasons: (string | undefined)[]) => ({
    generation_details: reasons.map((finish_reason) => ({ finish_reason })),
  });
  const labels = [true, true, false];

  it('is wrong, whatever its verdicts', async () => {
    const rows = [
      labelled('p', ['half', 'whole', 'other'], labels, details('length', 'stop', 'stop')),
      labelled('p', ['half', 'whole'], [true, false], details('max_tokens', 'stop')),
      labelled('p', ['half', 'whole', 'other'], labels, { finish_reasons: ['LENGTH', null] }),
      labelled('p', ['whole', 'whole'], [true, false], details('stop', undefined)),
    ];
    const { pref, dropped, summary } = await run(rows, { pairs: 9 });
    expect(indices(pref)).toEqual([
      [0, 1, 0],
      [0, 1, 2],
      [2, 1, 0],
      [2, 1, 2],
      [3, 0, 1],
    ]);
    expect(dropped).toEqual([{ original_index: 1, reason: 'no_correct_trace' }]);
    expect(summary.generations.cut_off).toBe(3);
    expect(summary.account).toContain('3 of 10 generations cut off, which count as wrong');
  });

  it('is wrong beside verdicts of OpenR1 and beside those that were given here', async () => {
    const verdicts = { llama_verification: labels, math_verify_reparsed_answer: labels };
    const row = {
      problem: 'p',
      problem_is_valid: 'Yes',
      generations: ['half', 'whole', 'other'],
      correctness: verdicts,
      finish_reasons: ['length', 'stop', 'stop'],
    };
    const own = await run([row]);
    expect(indices(own.pref)).toEqual([[0, 1, 0]]);
    expect(own.sft).toMatchObject([{ chosen_gen_idx: 1, finish_reason: 'stop' }]);
    expect(own.pref).toMatchObject([{ chosen_finish_reason: 'stop', rejected_finish_reason: 'length' }]);
    expect(own.summary.generations.cut_off).toBe(1);
    const unfinished = await run([
      { ...row, finish_reasons: null, is_reasoning_complete: [false, true, true] },
    ]);
    expect(indices(unfinished.pref)).toEqual([[0, 1, 0]]);
    const here = await run([{ ...row, generation_details: [{ verdict: {} }, null, {}] }]);
    expect(indices(here.pref)).toEqual([[0, 1, 0]]);
  });

  it('stays wrong where rows of one trace are joined', async () => {
    const row = (trace: string, correct: boolean, more: Row = {}) => ({
      problem: 'p',
      trace,
      correct,
      ...more,
    });
    const { pref } = await run(
      [
        row('whole', false),
        row('half', true, { finish_reason: 'length' }),
        row('whole', true, { finish_reason: 'stop' }),
        row('whole', true),
      ],
      { pairs: 'all' },
    );
    expect(indices(pref)).toEqual([
      [0, 2, 0],
      [0, 2, 1],
      [0, 3, 0],
      [0, 3, 1],
    ]);
  });
});

describe('shortest_pairs', () => {
  const rows = [
    labelled('p', [x(5), x(9), x(1)], [true, false, false]),
    labelled('p', [x(2), x(3)], [true, false]),
    labelled('p', [x(3), x(2)], [true, false]),
    labelled('pppppp', [x(1), x(1)], [true, false]),
    labelled('p', [x(1)], [true]),
  ];
  // Tokens without what the template adds: 16, 7, 7, 14; with all pairs row 0 has another of 8.

  it('keeps the pairs with the fewest tokens, ties going to the earlier row', async () => {
    const kept = async (shortest_pairs: number, more: Given = {}) =>
      indices((await run(rows, { shortest_pairs, ...more })).pref);
    expect(await kept(1)).toEqual([[1, 0, 1]]);
    expect(await kept(2)).toEqual([
      [1, 0, 1],
      [2, 0, 1],
    ]);
    expect(await kept(3)).toEqual([
      [1, 0, 1],
      [2, 0, 1],
      [3, 0, 1],
    ]);
    expect(await kept(3, { pairs: 'all' })).toEqual([
      [0, 0, 2],
      [1, 0, 1],
      [2, 0, 1],
    ]);
    expect(await kept(9)).toHaveLength(4);
  });

  it('counts the pairs that it leaves out', async () => {
    const { summary } = await run(rows, { shortest_pairs: 3, pairs: 'all' });
    expect(summary).toMatchObject({
      pref: 3,
      pairs: { formed: 5, too_long: 0, not_shortest: 2 },
      sft_only: { no_wrong_trace: 1, pair_too_long: 0, not_shortest: 1 },
    });
    expect(summary.account.slice(3)).toEqual([
      '5 in sft.jsonl = 3 with a pair + 1 without a wrong trace + 1 whose pairs are not among the shortest',
      '3 pairs in pref.jsonl = 5 formed − 0 too long − 2 not among the shortest',
    ]);
  });

  it('chooses among the pairs that the length filter leaves', async () => {
    const { pref, summary } = await run(rows, {
      ...{ length_filter: true, length_count: 'content', max_prompt_tokens: 1, shortest_pairs: 3 },
    });
    expect(indices(pref)).toEqual([
      [0, 0, 1],
      [1, 0, 1],
      [2, 0, 1],
    ]);
    expect(summary.pairs).toMatchObject({ formed: 4, too_long: 1, prompt: 1, not_shortest: 0 });
  });

  it('chooses among the problems that "keep" leaves', async () => {
    const { pref } = await run(rows, { keep: 1, by: 'hardest', shortest_pairs: 1 });
    expect(indices(pref)).toEqual([[0, 0, 1]]);
  });
});

describe('pairs: all', () => {
  it('makes every pair once, in the order of the traces', async () => {
    const { pref } = await run([labelled('p', ['w', 'r', 'v', 's'], [false, true, false, true])], {
      pairs: 'all',
    });
    expect(pref.map((row) => [row.chosen_gen_idx, row.rejected_gen_idx])).toEqual([
      [1, 0],
      [1, 2],
      [3, 0],
      [3, 2],
    ]);
  });
});

describe('normalize_answers', () => {
  it('rewrites every trace before it is measured', async () => {
    const row = labelled('p', ['so\nA: 5', 'so\n#### 6', 'cut off in'], [true, false, false]);
    const max_tokens = tokens('p', 'so\nThe answer is 5');
    const { pref, sft } = await run([row], { normalize_answers: true, max_tokens, pairs: 2 });
    expect(sft).toMatchObject([{ messages: [{ content: 'p' }, { content: 'so\nThe answer is 5' }] }]);
    expect(pref).toMatchObject([
      { rejected: [{ content: 'so\nThe answer is 6' }] },
      { rejected: [{ content: 'cut off in' }] },
    ]);
    const shorter = run([row], { normalize_answers: true, max_tokens: max_tokens - 1 });
    await expect(shorter).rejects.toThrow('1 row = 1 length');
    expect((await run([row], { max_tokens: max_tokens - 1 })).summary.sft).toBe(1);
  });
});
