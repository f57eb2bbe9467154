import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cli, readRows, redistill, turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-doctor-cli-'));
const path = (name: string) => join(root, name);
const tiny = path('tiny');
const clean = path('clean.jsonl');
const sick = path('sick.jsonl');
const exam = path('exam.jsonl');
const pair = (question: string, chosen: string, rejected: string) => ({
  chosen: turns(question, chosen),
  rejected: turns(question, rejected),
});

beforeAll(() => {
  writeTinyModel(tiny);
  writeRows(clean, [pair('2+2?', '4', 'five'), pair('3+3?', 'it is 6', '7')]);
  writeRows(sick, [pair('2+2?', '4', 'five'), pair('3+3?', '6', '6'), pair('2+2?', '4<|end|>', '3')]);
  writeFileSync(sick, `${readFileSync(sick, 'utf8')}{"chosen": \n`);
  writeRows(exam, [{ problem: '3+3?', answer: '6' }]);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const doctor = (file: string, ...more: string[]) => redistill(['doctor', file, '--model', tiny, ...more]);

describe.concurrent('doctor', () => {
  it('--help has an example', async () => {
    const { code, stdout } = await redistill(['doctor', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Example:\n  redistill doctor');
  });

  it('passes clean data', async () => {
    const { code, stdout, stderr } = await doctor(clean);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`${clean}: 2 rows: 2 without a finding, 0 with warnings, 0 with errors`);
    expect(stdout).toMatch(/end token +trained in 2 of 2 rows/);
  });

  it('passes with warnings', async () => {
    const { code, stdout } = await doctor(clean, '--max-length', '12', '10');
    expect(code).toBe(0);
    expect(stdout).toContain('warning too-long: 1 row, line 2');
    expect(stdout).toMatch(/limit 12 +1 fit, 1 would be left out/);
    expect(stdout).toMatch(/limit 10 +0 fit, 2 would be left out/);
  });

  it('ends with 1 where training would be spoilt, and says where and what to do', async () => {
    const { code, stdout, stderr } = await doctor(sick);
    expect(code).toBe(1);
    expect(stdout).toContain('error identical-halves: 1 row, line 2\n');
    expect(stdout).toContain('error control-token: 1 row, line 3\n');
    expect(stdout).toContain('error unreadable-row: 1 row, line 4\n');
    expect(stdout).toContain('What to do: ');
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      `error: ${sick}: training on these rows would be spoilt: identical-halves (1 row), control-token (1 row), unreadable-row (1 row)`,
    );
  });

  it('--json prints the summary, --out writes a verdict a row', async () => {
    const out = path('verdicts.jsonl');
    const { code, stdout } = await doctor(sick, '--json', '--out', out);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      file: sick,
      model: tiny,
      rows: 4,
      ok: 1,
      warnings: 0,
      errors: 3,
    });
    const verdicts = readRows(out);
    expect(verdicts.map(({ line, verdict }) => [line, verdict])).toEqual([
      [1, 'ok'],
      [2, 'error'],
      [3, 'error'],
      [4, 'error'],
    ]);
    expect(verdicts[1]).toMatchObject({
      problems: [{ code: 'identical-halves', severity: 'error' }],
      fate: 'fits',
    });
  });

  it('--against names problems of an evaluation', async () => {
    const { code, stdout } = await doctor(clean, '--against', exam);
    expect(code).toBe(1);
    expect(stdout).toContain('error evaluation-problem: 1 row, line 2');
    expect(stdout).toMatch(/against exam +1 row the same, 0 more/);
  });

  it('--show prints rows without colour where nobody sees it, those with errors first', async () => {
    const { stdout } = await doctor(sick, '--show', '2');
    expect(stdout).toMatch(/^── line 2: error\n/);
    expect(stdout).toContain('<|user|>3+3?<|end|><|assistant|>⟦6<|end|>⟧');
    expect(stdout).toContain('── line 3: error');
    expect(stdout).not.toContain('── line 1');
    expect(stdout).not.toContain('\u001B');
  });

  it.skipIf(!existsSync('/dev/full'))('replaces verdicts and page together or neither', async () => {
    const out = path('both.jsonl');
    writeFileSync(out, 'earlier');
    const { code, stderr } = await doctor(clean, '--html', '/dev/full', '--out', out);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain('/dev/full');
    expect(readFileSync(out, 'utf8')).toBe('earlier');
  });

  it('--html writes one page', async () => {
    const html = path('doctor.html');
    await doctor(clean, '--html', html);
    const page = readFileSync(html, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('Line 2: ok');
  });

  it('leaves nothing behind when it is stopped', async () => {
    const many = writeRows(
      path('many.jsonl'),
      Array.from({ length: 30_000 }, (_, n) => pair(`${n}+1?`, `${n + 1}`, `${n}`)),
    );
    const out = path('stopped.jsonl');
    const running = new Cli(['doctor', many, '--model', tiny, '--out', out]);
    await running.shows(/doctor: \d+ %/);
    const { code, stdout, stderr } = await running.stop();
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toContain('stopped; nothing was written');
    expect(readdirSync(root).filter((name) => name.startsWith('stopped'))).toEqual([]);
  });

  it.each([
    ['a file that is missing', [path('none.jsonl'), '--model', tiny], 'none.jsonl does not exist'],
    ['a model that is missing', [path('clean.jsonl'), '--model', path('none')], 'none'],
    ['a limit that is none', [path('clean.jsonl'), '--model', tiny, '--max-length', 'x'], 'whole number'],
    [
      'a limit beyond the model',
      [path('clean.jsonl'), '--model', tiny, '--max-length', '999'],
      '128 positions',
    ],
  ])('ends with 2 for %s', async (_, args, message) => {
    const { code, stdout, stderr } = await redistill(['doctor', ...args]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });
});

describe('train', () => {
  it('refuses what the doctor calls sick, and goes on when told', async () => {
    const recipe = path('recipe.yaml');
    const data = writeRows(path('halves.jsonl'), [pair('2+2?', '4', '4'), pair('3+3?', '6', '7')]);
    const keys = { model: tiny, data, out: path('run'), dtype: 'f32', max_steps: 2 };
    writeFileSync(recipe, toYaml({ ...keys, objective: { name: 'redi' }, optimizer: { lr: 1e-3 } }));
    const refused = await redistill(['train', recipe]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('identical-halves in 1 (line 1: both say "4")');
    expect(existsSync(path('run'))).toBe(false);
    const told = await redistill(['train', recipe, '--set', 'doctor=warn']);
    expect(told.code, told.stderr).toBe(0);
    expect(told.stderr).toContain('error: identical-halves (1 row, line 1): both say "4"');
  });
});
