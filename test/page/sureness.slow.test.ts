/** No error of 0 on a page where problems are all alike: Wilson's interval stands there, and evaluations of other graders are told of. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open, startBrowser } from '../support/browser.js';
import { ResultFolders } from '../support/resultFolders.js';

const results = new ResultFolders();
const root = mkdtempSync(join(tmpdir(), 'redistill-sure-'));
let browser: Browser | undefined;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(root, { recursive: true });
});

/** Three problems of one level, all wrong, and two of another, one right. */
const grades = [
  [false, false],
  [false, false],
  [false, false],
  [true, true],
  [false, false],
];
const level = (i: number) => ({ level: i < 3 ? 'hard' : 'easy' });

test('an error that is not known is an interval, in tables, figures and by field', async ({ skip }) => {
  if (!browser) return skip();
  const wrong = grades.slice(0, 3).map(() => [false, false]);
  results.evaluation('runs/none', { grades: { v: [...wrong, ...wrong.slice(1)] }, more: level, time: 1 });
  results.evaluation('runs/some', { grades: { v: grades }, more: level, time: 2 });
  results.evaluation('runs/other', { grades: { w: grades }, more: level, time: 3 });
  const path = join(root, 'page.html');
  const redistill = fileURLToPath(new URL('../../bin/redistill.js', import.meta.url));
  const made = spawnSync(process.execPath, [redistill, 'report', results.path('runs'), '--out', path]);
  expect(made.status).toBe(0);
  const url = pathToFileURL(path).href;
  {
    await using opened = await open(browser, `${url}#/`);
    const main = opened.page.locator('main');
    await main.locator('h1').first().waitFor();
    expect(await main.innerText()).toContain('none 0.0 % (95 % interval 0.0 % to 43.4 %)');
    const tables = main.locator('.table:has(td:has-text("other")), .table:has(td:has-text("none"))');
    expect(await tables.locator('.caption').allInnerTexts()).toEqual([
      expect.stringMatching(/judged by v/),
      expect.stringMatching(/judged by w/),
    ]);
    const [none, some] = await tables.first().locator('tbody tr').allInnerTexts();
    expect(none!.split('\t').slice(2, 6)).toEqual(['0.0 %', '0.0 %', '43.4 %', '–']);
    expect(some!.split('\t')[5]).toBe('20.0 %');
    expect(await tables.last().locator('tbody tr').count()).toBe(1);
    expect(opened.faults).toEqual([]);
  }
  await using opened = await open(browser, `${url}#/evaluations/set`);
  const main = opened.page.locator('main');
  await main.locator('h1').first().waitFor();
  const fields = main.locator('section', { has: opened.page.locator('h3', { hasText: 'level' }) });
  const rows = await fields.locator('tbody tr').allInnerTexts();
  expect(rows.map((row) => row.split('\t').slice(0, 4))).toEqual([
    ['easy', '2', '0.0 % (0.0 to 65.8)', '50.0 % ± 50.0'],
    ['hard', '3', '0.0 % (0.0 to 56.1)', '0.0 % (0.0 to 56.1)'],
  ]);
  expect(await main.innerText()).not.toMatch(/± 0\.0/);
  expect(await fields.locator('svg .interval').count()).toBe(2);
  expect(opened.faults).toEqual([]);
});
