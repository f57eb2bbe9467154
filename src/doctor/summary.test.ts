import { describe, expect, it } from 'vitest';
import {
  answering,
  demonstration,
  evaluation,
  examined,
  found,
  pair,
  said,
  templates,
  user,
  type Row,
} from '../../test/support/doctorRows.js';
import { CHATML } from '../../test/support/studentDirectory.js';
import { UserError } from '../util/errors.js';
import { errorsOf, headline } from './print.js';

describe('the whole file', () => {
  it('has rows with texts that are not given to the tokenizer', async () => {
    const long = answering(`a${' '.repeat(1_100_000)}b`);
    const { summary, verdicts } = await examined([demonstration(1), long, demonstration(3)]);
    expect(summary).toMatchObject({ ok: 2, warnings: 1, limits: [{ fits: 2, dropped: 1 }] });
    expect(verdicts[1]).toMatchObject({ fate: 'dropped', problems: [{ code: 'too-long' }] });
    expect(await found([long])).toEqual(['1 warning too-long', '0 error nothing-fits']);
  });

  it('is told from its rows in the headline, and its errors are named', async () => {
    const { summary } = await examined([demonstration(1)], { limits: [20] });
    expect(headline(summary)).toBe(
      '1 row: 0 without a finding, 1 with warnings, 0 with errors; an error of the whole file: nothing-fits',
    );
    expect(errorsOf(summary)).toBe('nothing-fits (the whole file)');
    const twice = await examined([answering(''), answering(''), demonstration(1)]);
    expect(errorsOf(twice.summary)).toBe('empty-answer (2 rows)');
  });

  it('is examined with the system message that training would use', async () => {
    const { shown } = await examined([demonstration(1)], { rows: { system: 'Be brief.' }, show: 1 });
    expect(shown[0]!.responses[0]!.spans.map(({ text }) => text).join('')).toContain('system\nBe brief.');
  });

  it('has an error where nothing fits', async () => {
    const options = { limits: [20] };
    expect(await found([demonstration(1)], options)).toEqual(['1 warning too-long', '0 error nothing-fits']);
  });

  it('has one side longer in nearly all pairs', async () => {
    const pairs = Array.from({ length: 20 }, (_, n) => pair(n, { rejected: [said(`${n}?`)] }));
    expect(await found(pairs)).toEqual(['0 warning length-bias']);
    expect(await found(pairs.slice(1))).toEqual([]);
    const even = pairs.map((row, n) => (n < 3 ? pair(n, { chosen: [said(`${n}!`)] }) : row));
    expect(await found(even)).toEqual([]);
  });

  it('has log-probs above 0, wherever a column takes its numbers for such', async () => {
    const row = (columns: object) => ({
      sequences: [
        { role: 'sample', prompt: { ids: [65, 66] }, response: [{ ids: [67, 68] }], end: false, columns },
      ],
    });
    const rows = [row({ behaviour: [-1, 0] }), row({ teacher: [-1, 0.5] }), row({ quality: [3, 0.5] })];
    expect((await found(rows)).filter((line) => line.includes('log-prob'))).toEqual([
      '2 error no-log-prob sample',
    ]);
  });

  it('mixes pairs and single responses', async () => {
    expect(await found([pair(1), demonstration(2)])).toEqual(['0 warning mixed-kinds']);
    expect(await found([pair(1), demonstration(2)], { rows: { data: 'messages' } })).toEqual([]);
  });

  it('has hardly anything to train on', async () => {
    const row = (n: number) => answering(`${n}`, `${n}`.repeat(100));
    expect(await found([row(1), row(2)])).toEqual(['0 warning little-trained']);
  });

  it('without rows, or with limits beyond the model, is refused', async () => {
    await expect(examined([])).rejects.toThrow(UserError);
    await expect(examined(['', ''])).rejects.toThrow(/has no rows/);
    await expect(examined([pair(1)], { limits: [5000] })).rejects.toThrow(/more than the 2048 positions/);
  });
});

describe('the summary', () => {
  it('counts tokens, lengths, dropped rows and sides', async () => {
    const short = { prompt: '<s>abc', chosen: 'de', rejected: 'f' };
    const long = { prompt: '<s>abc', chosen: 'x'.repeat(6), rejected: 'y'.repeat(9) };
    const { summary, verdicts } = await examined([short, long], {
      limits: [12, 13, 14],
      against: evaluation,
    });
    // <s>, three letters, the answer, the end token
    expect(verdicts.map(({ tokens, fate }) => ({ tokens, fate }))).toEqual([
      {
        tokens: [
          { role: 'chosen', prompt: 4, trained: 3 },
          { role: 'rejected', prompt: 4, trained: 2 },
        ],
        fate: 'fits',
      },
      {
        tokens: [
          { role: 'chosen', prompt: 4, trained: 7 },
          { role: 'rejected', prompt: 4, trained: 10 },
        ],
        fate: 'fits',
      },
    ]);
    expect(summary).toMatchObject({
      rows: 2,
      preference: 2,
      tokens: { total: 38, trained: 22 },
      trained_share: [0, 0, 0, 1, 1, 0, 1, 1, 0, 0],
      lengths: { shortest: 7, median: 14, p95: 14, longest: 14 },
      limits: [
        { limit: 12, fits: 1, dropped: 1 },
        { limit: 13, fits: 1, dropped: 1 },
        { limit: 14, fits: 2, dropped: 0 },
      ],
      pairs: { chosen_longer: 1, rejected_longer: 1, chosen_mean: 5, rejected_mean: 6 },
      evaluation: [{ set: 'exam', same: 0, overlapping: 0 }],
    });
    expect(summary.problems.map(({ code }) => code)).toEqual(['duplicate-prompt']);
  });

  it('counts labels that a fresh verification agrees with, or not', async () => {
    const [right, wrong] = [answering('\\boxed{6}', 'a'), answering('\\boxed{5}', 'b')];
    const pairs = pair(3, {
      chosen: right.messages,
      rejected: [user('a'), said('\\boxed{7}')],
      prompt: null,
    });
    const rows = [
      { ...right, answer: 6 },
      { ...wrong, gold: '6' },
      { ...pairs, answer: '6' },
      demonstration(1),
    ];
    const { summary } = await examined(rows);
    expect(summary.labels).toEqual({ agree: 3, disagree: 1, undecided: 0 });
  });

  it('shows what the template adds by itself', async () => {
    const template = (name: string) => ({ files: { template: templates[name] ?? CHATML, addsBos: false } });
    const traits = async (name: string) =>
      (await examined([demonstration(1)], template(name))).summary.template;
    expect(await traits('chatml')).toEqual({
      generation_prompt: '<|im_start|>assistant\n',
      injected: null,
      rows_with_system: 0,
    });
    expect((await traits('qwen2.5')).injected).toContain('You are Qwen, created by Alibaba Cloud.');
    expect((await traits('smollm2')).injected).toContain('You are a helpful AI assistant named SmolLM');
    expect(await traits('qwen3-thinking')).toMatchObject({
      generation_prompt: '<|im_start|>assistant\n<think>\n',
      injected: null,
    });
  });

  it('keeps the index that a row came with, and the first lines of a problem', async () => {
    const rows = Array.from({ length: 12 }, (_, n) => ({
      ...answering(`${n}\uFFFD`, `q${n}`),
      original_index: 7 * n,
    }));
    const { summary, verdicts } = await examined(rows);
    expect(verdicts[3]).toMatchObject({ line: 4, original_index: 21, verdict: 'warning' });
    expect(summary.problems).toMatchObject([
      { code: 'broken-text', rows: 12, lines: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
    ]);
  });

  it('goes through batches in order, bad lines among them', async () => {
    const rows: (Row | string)[] = Array.from({ length: 700 }, (_, n) => demonstration(n));
    rows[299] = '{';
    rows[599] = rows[9]!;
    const { verdicts } = await examined(rows);
    expect(verdicts.map(({ line }) => line)).toEqual(rows.map((_, i) => i + 1));
    expect(verdicts.filter(({ verdict }) => verdict !== 'ok')).toMatchObject([
      { line: 300, problems: [{ code: 'unreadable-row' }] },
      { line: 600, problems: [{ code: 'duplicate-row', detail: 'it repeats line 10' }] },
    ]);
  });

  it('of a sample has rows from the whole file', async () => {
    const rows = Array.from({ length: 1000 }, (_, n) => demonstration(n));
    const { summary, verdicts } = await examined(rows, { sample: 100 });
    expect(summary).toMatchObject({ rows: 100, every: 10 });
    expect(verdicts.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, n) => 10 * n + 1));
  });
});
