import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cli, readRows, redistill, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-cli-curate-'));
const path = (...names: string[]) => join(root, ...names);
const traces = path('traces.jsonl');
const tiny = path('tiny');

beforeAll(() => {
  writeTinyModel(tiny);
  writeRows(traces, [
    { problem: '2+3?', answer: '5', generations: ['6', '5', 'five'], correct: [false, true, true] },
    { problem: '7-4?', answer: '3', generations: ['3'], correct: [true] },
    { problem: '6*7?', answer: '42', generations: ['48'], correct: [false] },
  ]);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

describe.concurrent('curate', () => {
  it('--help has an example', async () => {
    const shown = await redistill(['curate', '--help']);
    expect(shown.code, shown.stderr).toBe(0);
    expect(shown.stdout).toContain('Usage: redistill curate');
    expect(shown.stdout).toContain('Example:\n  redistill curate');
  });

  it('writes both sets and says how the numbers add up', async () => {
    const out = path('plain');
    const done = await redistill(['curate', traces, '--no-length-filter', '--out', out]);
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout.split('\n').slice(0, 3)).toEqual([
      '3 rows of 1 file = 3 read',
      '3 read = 2 in sft.jsonl + 1 dropped',
      '1 dropped = 1 no_correct_trace',
    ]);
    expect(readRows(join(out, 'pref.jsonl'))).toMatchObject([
      {
        prompt: [{ role: 'user', content: '2+3?' }],
        chosen: [{ role: 'assistant', content: '5' }],
        rejected: [{ role: 'assistant', content: '6' }],
        original_index: 0,
        chosen_gen_idx: 1,
        rejected_gen_idx: 0,
      },
    ]);
    expect(readRows(join(out, 'sft.jsonl'))).toHaveLength(2);
    expect(readRows(join(out, 'dropped.jsonl'))).toEqual([{ original_index: 2, reason: 'no_correct_trace' }]);
  });

  it('--json prints summary.json; the student’s tokenizer measures', async () => {
    const out = path('measured');
    const flags = ['--model', tiny, '--max-response-tokens', '3', '--out', out, '--json'];
    const done = await redistill(['curate', traces, ...flags]);
    expect(done.code, done.stderr).toBe(0);
    const summary = JSON.parse(done.stdout) as Record<string, unknown>;
    expect(summary).toEqual(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')));
    expect(summary).toMatchObject({
      ...{ sft: 2, pref: 0, pairs: { formed: 1, too_long: 1, chosen: 1, rejected: 1, prompt: 0 } },
      lengths: { model: tiny, count: 'paper', limits: { prompt: 800, response: 3 } },
    });
  });

  it('reads Parquet, several files, and hints at verdicts that nobody gave', async () => {
    const parquet = fileURLToPath(new URL('../../test/fixtures/parquet/zstd.parquet', import.meta.url));
    const unjudged = writeRows(path('unjudged.jsonl'), [
      {
        ...{ problem: 'p', problem_is_valid: 'Yes', generations: ['a'] },
        correctness: { llama_verification: null, math_verify_reparsed_answer: [true] },
      },
      { problem: 'q', generations: ['a'], correctness: null },
    ]);
    const out = path('both');
    const done = await redistill(['curate', parquet, unjudged, '--no-length-filter', '--out', out, '--json']);
    expect(done.code, done.stderr).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({ rows: 62, records: 62 });
    expect(done.stderr).toMatch(/^hint: 1 of the invalid_problem rows have no field "problem_is_valid"/m);
    expect(done.stderr).toMatch(/^hint: \d+ of the dropped rows have .*--verdicts mv/m);
  });

  it.each<[string, string[], string]>([
    ['no model', [traces], '"length_filter" needs --model'],
    [
      'limits of nothing',
      [traces, '--no-length-filter', '--limit-sft'],
      'leave the other length options out',
    ],
    ['a rule that is not there', [traces, '--rule', 'best'], 'Allowed choices are redi, ablation'],
    [
      'pairs',
      [traces, '--no-length-filter', '--pairs', '0'],
      'must be a whole number from 1 up or balanced or all',
    ],
    ['no file', [path('none.jsonl'), '--no-length-filter'], 'none.jsonl does not exist'],
    ['a directory', [root, '--no-length-filter'], 'is a directory'],
    ['no student', [traces, '--model', path('none')], `There is no ${path('none')}`],
    [
      'nothing to drop by',
      [traces, '--no-length-filter', '--drop-contaminated'],
      '--drop-contaminated needs --decontaminate',
    ],
    [
      'ablation',
      [traces, '--no-length-filter', '--rule', 'ablation', '--pairs', '2'],
      'leave those options out',
    ],
  ])('refuses in one sentence: %s', async (_, args, sentence) => {
    const out = mkdtempSync(path('refused-'));
    const done = await redistill(['curate', ...args, '--out', out]);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(done.stderr).toContain(sentence);
  });

  it('Ctrl-C leaves what was there', async () => {
    const many = path('many.jsonl');
    const row = { problem: 'p', generations: ['x'.repeat(500), 'y'.repeat(500)], correct: [true, false] };
    writeRows(
      many,
      Array.from({ length: 60_000 }, (_, i) => ({ ...row, problem: `number ${i}` })),
    );
    const out = path('stopped');
    const first = await redistill(['curate', traces, '--no-length-filter', '--out', out]);
    expect(first.code).toBe(0);
    const before = readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'utf8')]);
    const cli = new Cli(['curate', many, '--no-length-filter', '--out', out]);
    await cli.shows(/^curate: /m);
    const done = await cli.stop();
    expect(done, done.stderr).toMatchObject({ code: 130, stdout: '' });
    expect(done.stderr).toContain('stopped; nothing was written');
    expect(readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'utf8')])).toEqual(before);
  });

  it('sets lines aside that are broken, and goes on', async () => {
    const broken = path('broken.jsonl');
    writeFileSync(broken, `{"problem": \n${readFileSync(traces, 'utf8')}`);
    const out = path('broken');
    const done = await redistill(['curate', broken, '--no-length-filter', '--out', out]);
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toContain('4 rows of 1 file = 3 read + 1 set aside in quarantine.jsonl');
    expect(readRows(join(out, 'quarantine.jsonl'))).toMatchObject([{ file: broken, line: 1 }]);
  });
});
