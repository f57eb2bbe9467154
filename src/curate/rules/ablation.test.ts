import { afterAll, describe, expect, it } from 'vitest';
import { naive, randomRows } from '../../../test/support/curationRows.js';
import { CurationRuns, readOutput, type Given, type Row } from '../../../test/support/curationRuns.js';

const runs = new CurationRuns();
const { model } = runs;
const write = (rows: readonly unknown[]) => runs.write(rows);
const run = (data: string[], given?: Given) => runs.run(data, given);
afterAll(() => {
  runs.remove();
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
    const opposite = readOutput(out, 'pref_inverted');
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
