/** What stands beside runs on the live page, in Chromium: rows of traces with tokens, the doctor's rows, tables, verdicts as they come. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BesideRuns } from '../support/besideRuns.js';
import { startBrowser, STEERING } from '../support/browser.js';
import { LiveRun } from '../support/liveRuns.js';
import { HOSTILE } from '../support/syntheticReport.js';
import { endAll, openLive, serve } from './served.js';

const top = mkdtempSync(join(tmpdir(), 'redistill-live-beside-'));
let browser: Browser | undefined;
beforeAll(async () => {
  browser = await startBrowser();
});
afterEach(endAll);
afterAll(async () => {
  await browser?.close();
  rmSync(top, { recursive: true });
});

function inBrowser(name: string, run: () => Promise<void>): void {
  test(name, async ({ skip }) => {
    if (!browser) skip('there is no Chromium');
    await run();
  });
}

/** Pages that the browser asks the server for, without its host. */
function asked(page: Page): string[] {
  const paths: string[] = [];
  page.on('request', (request) => paths.push(new URL(request.url()).pathname));
  return paths;
}

/** Adds a response to the journal of a folder. */
function journal(dir: string, command: string, more: object): void {
  mkdirSync(dir, { recursive: true });
  const record = { made_by: 'redistill', command, version: '0.1.0', settings: { samples: 1 } };
  writeFileSync(join(dir, 'redistill.json'), JSON.stringify(record));
  const entry = {
    ...{ id: { problem: 1, sample: 0 }, text: 'It is 2.', finish_reason: 'stop', completion_tokens: 4 },
    ...more,
  };
  appendFileSync(join(dir, 'journal.jsonl'), `${JSON.stringify(entry)}\n`);
}

const tab = (page: Page, name: string) => page.getByRole('link', { name, exact: true });
const heading = (page: Page) => page.locator('main h1').first();
const status = (page: Page) => page.locator('.problem-list [role=status]').first();

describe('beside runs', () => {
  inBrowser('views come when there is something in them, and grow', async () => {
    const beside = new BesideRuns(join(top, 'come'));
    new LiveRun(beside.path('redi')).run(3);
    const { port } = await serve(beside.dir);
    const { page, faults } = await openLive(browser!, port);
    for (const name of ['Traces', 'Doctor', 'Tables']) expect(await tab(page, name).count()).toBe(0);
    beside.study('study', 0.25);
    await tab(page, 'Tables').click();
    const cell = page
      .locator('table', { hasText: 'redi' })
      .last()
      .locator('tbody tr')
      .first()
      .locator('td')
      .nth(1);
    await expect.poll(() => cell.textContent()).toBe('25.0 %');
    beside.study('study', 0.5);
    await expect.poll(() => cell.textContent()).toBe('50.0 %');
    beside.benchmark('bench');
    await expect.poll(() => page.locator('main').textContent()).toContain('average of the tasks');
    expect(await page.locator('main').textContent()).not.toContain('(no name)');
    beside.doctor('check', 3);
    await tab(page, 'Doctor').click();
    await expect.poll(() => page.locator('.examined-row').count()).toBe(3);
    beside.doctor('check', 5, 'other');
    await expect.poll(() => page.locator('.examined-row').count()).toBe(5);
    expect(await page.locator('pre.examined .trained').first().textContent()).toBe('other 0');
    beside.curation('pairs', 4);
    await tab(page, 'Traces').click();
    await expect.poll(() => status(page).textContent()).toBe('4 of 4 rows');
    beside.curation('pairs', 6);
    await expect.poll(() => status(page).textContent()).toBe('6 of 6 rows');
    expect(faults).toEqual([]);
  });

  inBrowser('rows are asked for when they are looked at, once, and no others', async () => {
    const beside = new BesideRuns(join(top, 'asked'));
    const run = new LiveRun(beside.path('redi'));
    run.run(3);
    beside.curation('pairs', 120);
    beside.curation('second', 3);
    beside.doctor('check', 3);
    const { port } = await serve(beside.dir);
    const { page, faults } = await openLive(browser!, port);
    const paths = asked(page);
    await tab(page, 'Training').click();
    await page.locator('canvas').first().waitFor();
    expect(paths).toEqual([]);
    await tab(page, 'Traces').click();
    await expect.poll(() => status(page).textContent()).toBe('120 of 120 rows');
    expect(paths).toHaveLength(1);
    const [set] = paths;
    expect(set).toMatch(/^\/traces\/[0-9a-f]{32}$/);
    await page.locator('.problem-list li a').nth(30).click();
    await expect.poll(() => heading(page).textContent()).toBe('Row 30');
    await page.locator('.panel .tok').first().waitFor();
    expect(await page.locator('.panel .tok').allTextContents()).toEqual([
      ...['s', 'o', ' ', '3', '0', '<|end|>'],
      ...['s', 'o', ' ', '3', '1', '<|end|>'],
    ]);
    expect(await page.locator('.panel .tok.down-1').count()).toBeGreaterThan(0);
    expect(paths).toEqual([set, `${set!}/1`]);
    run.run(10); // what changes elsewhere has nothing asked for again
    await page.keyboard.press('j');
    await expect.poll(() => heading(page).textContent()).toBe('Row 31');
    await page.waitForTimeout(500);
    expect(paths).toEqual([set, `${set!}/1`]);
    await page.getByRole('link', { name: 'fate of this row' }).click();
    await expect.poll(() => page.locator('.way li').count()).toBeGreaterThan(2);
    expect(paths).toEqual([set, `${set!}/1`]);
    await page.evaluate(() => (location.hash = '#/rows/2?of=second'));
    await expect.poll(() => page.locator('main').textContent()).toContain('How much is 2 of second?');
    await page.evaluate(() => (location.hash = '#/rows/none'));
    await expect.poll(() => page.locator('main').textContent()).toContain('There is no row of this id');
    await tab(page, 'Doctor').click();
    await expect.poll(() => page.locator('.examined-row').count()).toBe(3);
    expect(paths.filter((path) => path.startsWith('/examinations/'))).toHaveLength(1);
    expect(faults).toEqual([]);
  });

  inBrowser('all texts are searched, and the reader keeps the place while rows are made anew', async () => {
    const beside = new BesideRuns(join(top, 'searched'));
    new LiveRun(beside.path('redi')).run(3);
    beside.curation('pairs', 120);
    const { port } = await serve(beside.dir);
    const { page, faults } = await openLive(browser!, port, '#/traces');
    const box = page.getByRole('searchbox');
    await box.fill('gold 11');
    await box.press('Enter');
    await expect
      .poll(() => status(page).textContent())
      .toBe('11 of 120 rows, all texts: 5 of 5 chunks searched');
    await page.locator('.problem-list li a').nth(1).click();
    await expect.poll(() => heading(page).textContent()).toBe('Row 110');
    await page.getByLabel('Right response').selectOption('1');
    const address = page.url();
    const problem = page.locator('article pre').first();
    await problem.evaluate((one) => (one.dataset.kept = 'yes'));
    beside.curation('pairs', 130, 'newer');
    await expect
      .poll(() => page.locator('.panel').first().locator('pre').textContent())
      .toContain('newer 110');
    expect(page.url()).toBe(address);
    expect(await problem.evaluate((one) => one.dataset.kept)).toBe('yes');
    await page.keyboard.press('Escape');
    await expect
      .poll(() => status(page).textContent())
      .toBe('11 of 130 rows, all texts: 6 of 6 chunks searched');
    expect(faults).toEqual([]);
  });

  inBrowser('responses have verdicts as they come, or say that they have none yet', async () => {
    const dir = join(top, 'verdicts');
    const add = (name: string, command: string, more: object) => {
      journal(join(dir, name), command, more);
    };
    const verdict = { correct: true, extracted: '2', reason: 'equal', stage: 's' };
    add('collected', 'collect', { verdict, reparsed: true });
    add('evaluated', 'evaluate', {});
    const { port } = await serve(dir);
    const { page, faults } = await openLive(browser!, port);
    const cards = page.locator('.samples-now .card');
    await expect.poll(() => cards.count()).toBe(2);
    const card = (name: string) => cards.filter({ hasText: name });
    expect(await card('collected').textContent()).toContain('✓ right read 2: equal');
    expect(await card('evaluated').textContent()).toContain(
      'Not graded yet: its grader is asked when all responses are there.',
    );
    const grade = { by: 'rllm', correct: true, extracted: '2' };
    add('evaluated', 'evaluate', { grade });
    await expect
      .poll(() => card('evaluated').first().textContent())
      .toContain('✓ right by rllm, which read 2');
    rmSync(join(dir, 'evaluated'), { recursive: true });
    expect(await page.locator('.live tbody').textContent()).toContain('100.0 % (1 of 1)');
    add('collected', 'collect', { verdict: { ...verdict, correct: false, extracted: null } });
    await expect.poll(() => page.locator('.live tbody').textContent()).toContain('50.0 % (1 of 2)');
    expect(await card('collected').first().textContent()).toContain('✗ wrong read no answer');
    expect(faults).toEqual([]);
  });

  inBrowser('hostile texts are text', async () => {
    const beside = new BesideRuns(join(top, 'hostile'));
    const bad = HOSTILE.filter((text) => text.length < 1_000).join(' ');
    new LiveRun(beside.path('redi')).run(1);
    beside.curation('pairs', 2, bad);
    beside.doctor('check', 2, bad);
    beside.study('<img src=x onerror=alert(1)>', 0.5);
    const { port } = await serve(beside.dir);
    for (const width of [390, 1440])
      for (const route of ['#/traces', '#/traces/pairs/0', '#/rows/0', '#/doctor', '#/tables']) {
        const { page, faults } = await openLive(browser!, port, route, width);
        await expect.poll(() => page.locator('main').textContent()).not.toContain('Reading rows');
        await page.waitForTimeout(300);
        const { text, foreign, harmed, wide } = await page.evaluate(() => ({
          text: document.getElementById('page')!.textContent,
          foreign: document.querySelectorAll('#page img, #page iframe, #page script, #page svg[onload]')
            .length,
          harmed: (window as { harmed?: number }).harmed,
          wide: document.documentElement.scrollWidth,
        }));
        expect([foreign, harmed], route).toEqual([0, undefined]);
        expect(STEERING.exec(text)?.[0], route).toBeUndefined();
        expect(wide, route).toBeLessThanOrEqual(width);
        expect(faults).toEqual([]);
      }
  });

  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  interface Found {
    violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
  }
  for (const scheme of ['light', 'dark'] as const)
    for (const width of [390, 1440])
      inBrowser(`nothing is serious for axe in ${scheme} at ${width} pixels`, async () => {
        const beside = new BesideRuns(join(top, `axe-${scheme}-${width}`));
        new LiveRun(beside.path('redi')).run(3);
        beside.curation('pairs', 60);
        beside.doctor('check', 3);
        beside.study('study', 0.5);
        const verdict = { correct: true, extracted: '2', reason: 'equal', stage: 's' };
        for (const correct of [true, false])
          journal(beside.path('collected'), 'collect', { verdict: { ...verdict, correct } });
        journal(beside.path('evaluated'), 'evaluate', {});
        const { port } = await serve(beside.dir);
        const routes = [
          '#/',
          '#/traces?q=gold&texts=1',
          '#/traces/pairs/3',
          '#/rows/3',
          '#/doctor',
          '#/tables',
        ];
        for (const route of routes) {
          const { page, faults } = await openLive(browser!, port, route, width, scheme);
          await expect.poll(() => page.locator('main').textContent()).not.toContain('Reading rows');
          await page.waitForTimeout(400);
          const shots = process.env.REDISTILL_SHOTS;
          if (shots)
            await page.screenshot({ path: join(shots, `${routes.indexOf(route)}-${scheme}-${width}.png`) });
          const { violations } = await page.evaluate<Found>(`${axe}; axe.run(document)`);
          const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
          expect(
            serious.map(({ id, nodes }) => `${route} ${id}: ${nodes[0]!.html} ${nodes[0]!.failureSummary}`),
          ).toEqual([]);
          expect(faults).toEqual([]);
        }
      });
});
