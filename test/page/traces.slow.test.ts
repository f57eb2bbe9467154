import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open, type Screen, startBrowser, STEERING } from '../support/browser.js';
import { COMMON } from '../support/syntheticRows.js';
import { SMALL, syntheticReport } from '../support/syntheticReport.js';
import { writeReportPage } from '../../src/report/html.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-traces-page-'));
const size = { ...SMALL, problems: 20, buckets: 20 };
let browser: Browser | undefined;

beforeAll(async () => {
  browser = await startBrowser();
  if (!browser) return;
  for (const [name, dirty] of [
    ['clean.html', false],
    ['dirty.html', true],
  ] as const) {
    const { report, chunks } = syntheticReport(size, dirty);
    await writeReportPage(report, chunks(), join(root, name));
  }
});
afterAll(async () => {
  await browser?.close();
  rmSync(root, { recursive: true });
});

async function at(name: string, route: string, look: (page: Page) => Promise<void>, screen: Screen = {}) {
  await using opened = await open(browser!, `${pathToFileURL(join(root, name)).href}${route}`, screen);
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

const ROW = '#/traces/pairs/3';
const ROUTES = [
  '#/',
  '#/traces',
  '#/traces/own',
  ROW,
  '#/traces/own/3',
  '#/traces?q=so!+14!&texts=1',
  '#/evaluations/math?q=needle-1&texts=1',
  '#/rows/3',
  '#/rows/4',
  '#/doctor',
  '#/doctor/check',
  '#/tables',
];
const panel = (page: Page, place: number) => page.locator('.panel').nth(place);
const background = (page: Page, place: number, token: number) =>
  panel(page, place)
    .locator(`[data-i="${token}"]`)
    .evaluate((one) => getComputedStyle(one).backgroundColor);

describe('the tokens of two responses', () => {
  inBrowser('stand side by side, the chosen one on the left, with a mark where they part', () =>
    at('clean.html', ROW, async (page) => {
      await panel(page, 1).locator('pre').waitFor();
      const [left, right] = await page
        .locator('.panel')
        .evaluateAll((all) => all.map((one) => one.getBoundingClientRect()));
      expect(left!.top).toBe(right!.top);
      expect(left!.right).toBeLessThanOrEqual(right!.left);
      expect(await panel(page, 0).textContent()).toContain('2 ✓, chosen');
      for (const place of [0, 1]) {
        const before = await panel(page, place)
          .locator('.parting')
          .evaluate((mark) => Array.from(mark.parentElement!.children).indexOf(mark));
        expect(before).toBe(COMMON);
      }
      expect(await panel(page, 0).locator('.tok.masked').count()).toBe(1);
    }),
  );

  inBrowser('have colours by log-prob, by the change between two, and by the gradient', () =>
    at('clean.html', ROW, async (page) => {
      await panel(page, 1).locator('pre').waitFor();
      const paper = await background(page, 0, 0);
      // A log-prob of 0 has no colour, one of −6 has the strongest.
      expect(await background(page, 0, 12)).not.toBe(paper);
      const colours = new Set([await background(page, 1, 12)]);
      await page.getByLabel('Colour by').selectOption('after');
      const legend = page.locator('.legend.scale');
      expect(await legend.textContent()).toMatch(/^−6.*0 nats/);
      await page.getByLabel('minus').selectOption('before');
      await expect.poll(() => page.url()).toContain('by=after&minus=before');
      expect(await legend.textContent()).toMatch(/^−2.*\+2 nats/);
      const up = panel(page, 0).locator('[data-i="12"]');
      await expect.poll(() => up.getAttribute('class')).toContain('up-4');
      expect(await panel(page, 1).locator('[data-i="12"]').getAttribute('class')).toContain('down-4');
      expect(await up.evaluate((one) => getComputedStyle(one).textDecorationLine)).toBe('none');
      expect(
        await panel(page, 1)
          .locator('[data-i="12"]')
          .evaluate((one) => getComputedStyle(one).textDecorationLine),
      ).toBe('underline');
      colours.add(await background(page, 0, 12));
      expect(colours.size).toBe(2);
      await page.reload();
      await expect.poll(() => up.getAttribute('class')).toContain('up-4');
      await page.getByLabel('minus').selectOption('');
      await page.getByLabel('Colour by').selectOption('gradient');
      await expect.poll(() => up.getAttribute('class')).toContain('up-4');
      expect(await legend.textContent()).not.toContain('nats');
      await page.getByLabel('Colour by').selectOption('none');
      await expect.poll(() => up.getAttribute('class')).toBe('tok');
    }),
  );

  inBrowser('are read by pointer and by keys, and keys go from row to row', () =>
    at('clean.html', ROW, async (page) => {
      const reading = panel(page, 0).locator('.reading');
      await panel(page, 0).locator('[data-i="4"]').hover();
      await expect.poll(() => reading.textContent()).toContain('token 5 of 13');
      expect(await reading.textContent()).toContain(
        'before -2, after -1, gradient, redi 1'.replaceAll('-', '−'),
      );
      await panel(page, 0).locator('pre').focus();
      await page.keyboard.press('ArrowLeft');
      await expect.poll(() => reading.textContent()).toMatch(/token 4 of 13.*masked/);
      await page.keyboard.press('j');
      await expect.poll(() => page.locator('h1').textContent()).toBe('Row 4');
      await page.keyboard.press('k');
      await expect.poll(() => page.locator('h1').textContent()).toBe('Row 3');
      await page.keyboard.press('Escape');
      await expect.poll(() => page.locator('h1').textContent()).toBe('Traces');
    }),
  );

  inBrowser(
    'where none are known the texts part at a character, and the command that makes them is named',
    () =>
      at('clean.html', '#/traces/own', async (page) => {
        expect(await page.locator('main').textContent()).toContain(
          '`redistill columns own/pref.jsonl` makes them',
        );
        await page.locator('.problem-list li a').nth(3).click();
        await panel(page, 1).locator('.parting').waitFor();
        const text = await panel(page, 0)
          .locator('pre')
          .evaluate((pre) => pre.firstChild!.textContent);
        expect(text).toBe('Two weeks are 14');
        expect(await page.getByLabel('Colour by').count()).toBe(0);
      }),
  );

  inBrowser('another response is chosen for either side, and its link is kept', () =>
    at('clean.html', ROW, async (page) => {
      await page.getByLabel('Right response').selectOption('3');
      await expect.poll(() => page.url()).toContain('r=3');
      await page.reload();
      await expect.poll(() => page.getByLabel('Right response').inputValue()).toBe('3');
      await expect.poll(() => page.locator('.parting').count()).toBe(0);
      expect(await page.locator('main').textContent()).toContain('Both responses are the same text.');
    }),
  );
});

describe('lists', () => {
  inBrowser('of rows are filtered by fate and searched', () =>
    at('clean.html', '#/traces', async (page) => {
      const status = page.locator('.problem-list [role=status]');
      await page.locator('.chips button', { hasText: 'no correct trace' }).click();
      await expect.poll(() => status.textContent()).toBe('6 of 30 rows');
      await page.locator('.chips button', { hasText: 'all' }).click();
      await page.getByRole('searchbox').fill('17 weeks');
      await expect.poll(() => status.textContent()).toBe('1 of 30 rows');
    }),
  );

  inBrowser('of problems are filtered by the length of responses', () =>
    at('clean.html', '#/evaluations/math', async (page) => {
      const { problems } = syntheticReport(size).report.evaluations[0]!;
      const b = problems.tokens.at(-1)!;
      const expected = b.filter((tokens) => tokens! >= 200 && tokens! <= 300).length;
      expect(expected).toBeGreaterThan(0);
      await page.getByLabel('tokens in B from').fill('200');
      await page.getByLabel('tokens in B to', { exact: true }).fill('300');
      await page.getByLabel('tokens in B to', { exact: true }).press('Enter');
      await expect
        .poll(() => page.locator('.problem-list [role=status]').textContent())
        .toBe(`${expected} of 20 problems`);
      expect(page.url()).toContain('from=200&to=300');
    }),
  );
});

describe('the fate of a row', () => {
  inBrowser('leads from its responses over the rule to training and to the nearest problem', () =>
    at('clean.html', '#/rows/3', async (page) => {
      const steps = page.locator('.way li');
      await expect.poll(() => steps.count()).toBe(3);
      expect(await steps.nth(1).textContent()).toContain('kept: response 2 chosen, response 1 rejected');
      await page.locator('table a', { hasText: 'problem-1' }).click();
      await expect.poll(() => page.locator('article h1').textContent()).toBe('problem-1');
      await page.goBack();
      await page.locator('table a', { hasText: '3' }).first().click();
      await expect.poll(() => page.getByLabel('Right response').inputValue()).toBe('3');
      await page.goBack();
      await steps.nth(2).locator('a').click();
      await expect.poll(() => page.locator('main h1').textContent()).toBe('redi seed 0');
    }),
  );
  inBrowser('of a row in several sets names them, and what is not there is said', () =>
    at('clean.html', '#/rows/3?of=own', async (page) => {
      expect(await page.locator('main').textContent()).toContain('rows of this id are also in pairs');
      for (const route of [
        '#/rows/none',
        '#/traces/none',
        '#/traces/pairs/none',
        '#/doctor/none',
        '#/tables/none',
      ]) {
        await page.evaluate((hash) => (location.hash = hash), route);
        await expect.poll(() => page.locator('main').textContent()).toContain('There is no');
      }
    }),
  );
});

inBrowser('the doctor shows what is trained and masked, and findings where they are', () =>
  at('clean.html', '#/doctor/check', async (page) => {
    const pre = page.locator('pre.examined').first();
    const order = await pre.evaluate((one) =>
      Array.from(one.children, (child) => child.className.split(' ').slice(0, 3).join(' ')),
    );
    expect(order).toEqual([
      ...['tok masked special', 'tok masked', 'tok masked', 'tok trained', 'tok trained', 'tok trained'],
      ...['finding error', 'tok trained special', 'tok trained'],
    ]);
    const rejected = page.locator('pre.examined').nth(1);
    expect(await rejected.locator('.finding').count()).toBe(0);
    const colours = await page
      .locator('pre.examined .trained')
      .evaluateAll((all) => all.map((one) => getComputedStyle(one).backgroundColor));
    expect(new Set(colours).size).toBeGreaterThan(2);
    await page.getByLabel('With').selectOption('control-token');
    await expect.poll(() => page.locator('.examined-row').count()).toBe(1);
  }),
);

inBrowser('tables of studies show shares, differences and p-values, and are saved with all digits', () =>
  at('clean.html', '#/tables', async (page) => {
    const cells = await page.locator('tbody tr').nth(1).locator('td').allTextContents();
    expect(cells).toEqual(['redi', '35.2 %', '+4.2', '< .001', '181.3']);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save study: test as JSON' }).click(),
    ]);
    const rows = JSON.parse(readFileSync(await download.path(), 'utf8')) as Record<string, unknown>[];
    expect(rows[1]).toEqual({ arm: 'redi', 'pass@1': 0.352, difference: 0.042, p: 0.0004, tokens: 181.25 });
  }),
);

inBrowser('power curves are drawn with sizes at their axis', () =>
  at('clean.html', '#/comparisons/verdict', async (page) => {
    const figures = page.locator('figure', { hasText: 'Detectable difference' });
    expect(await figures.count()).toBe(2);
    for (const figure of await figures.all()) {
      expect(await figure.locator('polyline').count()).toBe(2);
      expect(await figure.locator('circle').count()).toBe(8);
      expect(await figure.locator('.tick').allTextContents()).toEqual(
        expect.arrayContaining(['30', '60', '120', '240']),
      );
    }
  }),
);

describe('colours', () => {
  inBrowser('that were chosen are remembered where the browser allows it', () =>
    at('clean.html', '#/', async (page) => {
      await page.getByRole('button', { name: /^Colours/ }).click();
      await page.reload();
      expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
      await page.addInitScript(() => {
        Object.defineProperty(window, 'localStorage', {
          get: () => {
            throw new Error('refused');
          },
        });
      });
      await page.reload();
      expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('light');
      await page.getByRole('button', { name: /^Colours/ }).click();
      expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
    }),
  );
});

describe('everybody', () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  interface Found {
    violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
  }
  const [ready, changed] = ['.panel pre', '?by=after&minus=before'];

  for (const scheme of ['light', 'dark'] as const)
    for (const width of [390, 1440])
      inBrowser(`axe finds nothing serious in ${scheme} at ${width} pixels`, async () => {
        for (const route of [...ROUTES, `${ROW}${changed}`])
          await at(
            'clean.html',
            route,
            async (page) => {
              if (route.startsWith(ROW)) await page.locator(ready).first().waitFor();
              const { violations } = await page.evaluate<Found>(`${axe}; axe.run(document)`);
              const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
              expect(
                serious.map(
                  ({ id, nodes }) => `${route} ${id}: ${nodes[0]!.html} ${nodes[0]!.failureSummary}`,
                ),
              ).toEqual([]);
            },
            { width, scheme },
          );
      });

  inBrowser('tokens, names and findings of others are shown as text', async () => {
    const seen: string[] = [];
    for (const width of [1440, 390])
      for (const route of ROUTES)
        await at(
          'dirty.html',
          route,
          async (page) => {
            if (route === ROW) await page.locator(ready).first().waitFor();
            await page.waitForTimeout(200);
            const { text, labels, harmed, foreign, wide } = await page.evaluate(() => ({
              text: document.getElementById('page')!.textContent,
              labels: [...document.querySelectorAll('#page *')]
                .flatMap((element) => [...element.attributes])
                .filter(({ name }) => name !== 'href')
                .map(({ value }) => value),
              harmed: (window as { harmed?: number }).harmed,
              foreign: document.querySelectorAll(
                '#page img, #page iframe, #page script, #page a:not([href^="#"])',
              ).length,
              wide: document.documentElement.scrollWidth,
            }));
            const place = `${route} at ${width}`;
            expect([harmed, foreign], place).toEqual([undefined, 0]);
            expect(STEERING.exec(text)?.[0], place).toBeUndefined();
            expect(
              labels.find((label) => STEERING.test(label)),
              place,
            ).toBeUndefined();
            expect(wide, place).toBeLessThanOrEqual(width);
            expect(text.length, place).toBeLessThan(200_000);
            seen.push(text);
          },
          { width },
        );
    for (const shown of ['</script><script>window.harmed = 1', '‹U+202E›gnp.exe', '‹U+001B›[2J'])
      expect(seen.join('\n')).toContain(shown);
  });
});
