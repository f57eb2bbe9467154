/** Lists in Chromium: searches through all texts, keys that are typed at once, and the way back from what a list has led to. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open, startBrowser } from '../support/browser.js';
import { SMALL, syntheticReport } from '../support/syntheticReport.js';
import { writeReportPage } from '../../src/report/html.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-lists-'));
let browser: Browser | undefined;

beforeAll(async () => {
  browser = await startBrowser();
  if (!browser) return;
  for (const [name, size] of [
    ['report.html', { ...SMALL, rows: 120, buckets: 20 }],
    ['rows.html', { ...SMALL, columns: 0, rows: 30, buckets: 20 }],
    ['runs.html', { ...SMALL, columns: 0, rows: 0, buckets: 20 }],
  ] as const) {
    const { report, chunks } = syntheticReport(size);
    await writeReportPage(report, chunks(), join(root, name));
  }
});
afterAll(async () => {
  await browser?.close();
  rmSync(root, { recursive: true });
});

async function at(name: string, route: string, look: (page: Page) => Promise<void>) {
  await using opened = await open(browser!, `${pathToFileURL(join(root, name)).href}${route}`);
  await opened.page.locator('main h1').first().waitFor();
  await look(opened.page);
  expect(opened.faults).toEqual([]);
}

function inBrowser(name: string, run: () => Promise<void>): void {
  test(name, async ({ skip }) => {
    if (!browser) skip('there is no Chromium');
    await run();
  });
}

const query = (page: Page) => new URLSearchParams(new URL(page.url()).hash.split('?')[1]);
const status = (page: Page) => page.locator('.problem-list [role=status]').first();

/** Keys one after the other, before the page can draw anything. @returns those that somebody else might act on */
const pressAtOnce = (page: Page, keys: readonly string[]) =>
  page.evaluate(
    (all) =>
      all.filter((key) =>
        (document.activeElement ?? document.body).dispatchEvent(
          new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }),
        ),
      ),
    keys,
  );

describe('“/” and what is typed after it', () => {
  // Each of these views has no search of its own; j, k and ? mean something elsewhere.
  const routes = ['#/', '#/runs', '#/comparisons', '#/doctor', '#/tables', '#/rows/3', '#/traces/pairs/3'];
  for (const route of routes)
    inBrowser(`loses no key in ${route}`, () =>
      at('report.html', route, async (page) => {
        await pressAtOnce(page, ['/', 'j', 'k', '?', '/', 'Shift', 'Ü', ' ', 'x', 'Backspace', '4']);
        const box = page.getByRole('searchbox');
        await expect.poll(() => box.inputValue()).toBe('jk?/Ü 4');
        expect(await box.evaluate((one) => one === document.activeElement)).toBe(true);
        await page.keyboard.type('2!');
        expect(await box.inputValue()).toBe('jk?/Ü 42!');
        await expect.poll(() => query(page).get('q')).toBe('jk?/Ü 42!');
        expect(await page.getByRole('dialog').count()).toBe(0);
      }),
    );

  inBrowser('searches all texts where that ends with Enter', () =>
    at('report.html', '#/runs', async (page) => {
      await pressAtOnce(page, ['/', ...Array.from('needle-44'), 'Enter']);
      await expect.poll(() => status(page).textContent()).toContain('chunks searched');
      expect([query(page).get('q'), query(page).get('texts')]).toEqual(['needle-44', '1']);
    }),
  );

  inBrowser(
    'leaves keys to the page after Escape, and chords and keys of other fields where they belong',
    () =>
      at('report.html', '#/runs', async (page) => {
        await pressAtOnce(page, ['/', 'a', 'Escape', '?']);
        await expect.poll(() => page.getByRole('dialog').count()).toBe(1);
        await page.keyboard.press('Escape');
        expect(await page.getByRole('searchbox').inputValue()).toBe('');
      }),
  );

  inBrowser('goes to the rows where there are no problems, and nowhere where there are neither', async () => {
    await at('rows.html', '#/runs', async (page) => {
      await pressAtOnce(page, ['/', '1', '7']);
      await expect.poll(() => status(page).textContent()).toBe('1 of 30 rows');
    });
    await at('runs.html', '#/runs', async (page) => {
      await pressAtOnce(page, ['/', '?']);
      await expect.poll(() => page.getByRole('dialog').count()).toBe(1);
      expect(new URL(page.url()).hash).toBe('#/runs');
    });
  });
});

describe('a search through all texts', () => {
  inBrowser('of traces finds what stands in problems, golds and responses alone', () =>
    at('report.html', '#/traces', async (page) => {
      const box = page.getByRole('searchbox');
      await box.fill('SO! 14!');
      await expect.poll(() => status(page).textContent()).toBe('0 of 120 rows');
      await box.press('Enter');
      await expect
        .poll(() => status(page).textContent())
        .toBe('120 of 120 rows, all texts: 12 of 12 chunks searched');
      expect(await page.locator('.problem-list .snippet mark').first().textContent()).toBe('So! 14!');
      // The gold of the row of 117 weeks.
      await box.fill('819');
      await box.press('Enter');
      await expect
        .poll(() => status(page).textContent())
        .toBe('1 of 120 rows, all texts: 12 of 12 chunks searched');
      await page.locator('.chips button', { hasText: 'no correct trace' }).click();
      await expect.poll(() => status(page).textContent()).toContain('0 of 120 rows, all texts: 12 of 12');
    }),
  );

  for (const [route, item] of [
    ['#/traces/pairs?q=so!+14!&texts=1', 'Row'],
    ['#/evaluations/math?q=needle-1&texts=1', 'problem-'],
  ] as const)
    inBrowser(`goes on while its finds are opened (${route})`, () =>
      at('report.html', route, async (page) => {
        await expect.poll(() => status(page).textContent()).toMatch(/(\d+) of \1 chunks searched/);
        const found = await page.locator('.problem-list li').count();
        expect(found).toBeGreaterThan(5);
        // Whoever unpacks chunks of problems or rows from now on is counted.
        await page.evaluate(() => {
          const own = window as unknown as { unpacked: number };
          own.unpacked = 0;
          const unpack = window.atob.bind(window);
          window.atob = (text) => {
            own.unpacked++;
            return unpack(text);
          };
        });
        await page.locator('.problem-list li a').first().click();
        const heading = page.locator('article h1');
        const seen = new Set<string>();
        for (let i = 0; i < 5; i++) {
          await page.locator('.panel pre').first().waitFor();
          const name = (await heading.textContent())!;
          expect(name).toContain(item);
          seen.add(name);
          await page.keyboard.press('j');
          await expect.poll(() => heading.textContent()).not.toBe(name);
        }
        expect(seen.size).toBe(5);
        // Chunks of what was looked at, and not all of them again for every step.
        const unpacked = await page.evaluate(() => (window as unknown as { unpacked: number }).unpacked);
        expect(unpacked).toBeLessThanOrEqual(5);
      }),
    );
});

describe('the way back to a list', () => {
  const CASES = [
    {
      route: '#/traces/pairs?q=weeks&fate=pair&page=2&by=after&minus=before',
      list: '#/traces/pairs',
      kept: { q: 'weeks', fate: 'pair', page: '2', by: 'after', minus: 'before' },
    },
    {
      route: '#/evaluations/math?q=problem&show=right&order=tokens&grader=math-verify&page=2',
      list: '#/evaluations/math',
      kept: { q: 'problem', show: 'right', order: 'tokens', grader: 'math-verify', page: '2' },
    },
  ];
  for (const { route, list, kept } of CASES)
    for (const way of ['Escape', '↑ list'] as const)
      inBrowser(`keeps what was chosen by ${way} (${list})`, () =>
        at('report.html', route, async (page) => {
          const counted = await status(page).textContent();
          const items = page.locator('.problem-list li a');
          const there = await items.evaluateAll((all) => all.map(({ textContent }) => textContent));
          expect(there.length).toBeGreaterThan(3);
          await items.nth(2).click();
          await page.locator('article h1').waitFor();
          if (way === 'Escape') await page.keyboard.press('Escape');
          else await page.getByRole('link', { name: way }).click();
          await expect.poll(() => new URL(page.url()).hash.split('?')[0]).toBe(list);
          expect(Object.fromEntries(query(page))).toEqual(kept);
          await expect.poll(() => status(page).textContent()).toBe(counted);
          expect(await items.evaluateAll((all) => all.map(({ textContent }) => textContent))).toEqual(there);
        }),
      );

  inBrowser('keeps it over the fate of a row, too', () =>
    at('report.html', CASES[0]!.route, async (page) => {
      const kept = Object.fromEntries(Object.entries(CASES[0]!.kept).filter(([name]) => name !== 'page'));
      await page.locator('.problem-list li a').nth(2).click();
      await page.getByRole('link', { name: 'fate of this row' }).click();
      await page.getByRole('link', { name: 'side by side' }).click();
      await page.locator('article h1').waitFor();
      expect(Object.fromEntries(query(page))).toEqual(kept);
      await page.goBack();
      await page.locator('main p.note a').first().click();
      await expect.poll(() => status(page).textContent()).toMatch(/of 120 rows/);
      expect(Object.fromEntries(query(page))).toEqual(kept);
    }),
  );
});

inBrowser('differences are in points, and a cell without a name is empty', async () => {
  const made = syntheticReport({ ...SMALL, buckets: 20 });
  made.report.comparisons[0]!.rows[0]!.detectableEffect = 0.0921;
  made.report.tables![0]!.rows[0]![0] = '';
  made.report.tables![0]!.rows[1]![0] = null;
  await writeReportPage(made.report, made.chunks(), join(root, 'cells.html'));
  await at('cells.html', '#/comparisons', async (page) => {
    const link = page.getByRole('link', { name: /^Comparison/ }).and(page.locator('main a'));
    if ((await link.count()) > 0) await link.first().click();
    const heads = await page.locator('main th').allTextContents();
    const cells = await page.locator('main tbody tr').first().locator('td').allTextContents();
    expect(cells[heads.findIndex((head) => head.startsWith('detectable'))]).toBe('9.2');
  });
  await at('cells.html', '#/tables', async (page) => {
    const first = page.locator('main table').first().locator('tbody tr td:first-child');
    expect(await first.allTextContents()).toEqual(['–', '–']);
    expect(await page.locator('main').textContent()).not.toContain('(no name)');
  });
});
