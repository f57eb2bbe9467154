import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  open,
  pageBytes,
  processorSeconds,
  type Screen,
  startBrowser,
  STEERING,
} from '../support/browser.js';
import { LARGE, SMALL, syntheticReport, type Synthetic } from '../support/syntheticReport.js';
import { writeReportPage } from '../../src/report/html.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-page-'));
const small = syntheticReport(SMALL);
const dirty = syntheticReport({ ...SMALL, problems: 60, buckets: 60 }, true);
let browser: Browser | undefined;

const urlOf = (name: string) => pathToFileURL(join(root, name)).href;
const write = ({ report, chunks }: Synthetic, name: string) =>
  writeReportPage(report, chunks(), join(root, name));

beforeAll(async () => {
  browser = await startBrowser();
  if (!browser) return;
  await write(small, 'small.html');
  await write(dirty, 'dirty.html');
});
afterAll(async () => {
  await browser?.close();
  rmSync(root, { recursive: true });
});

/** Opens a page at a place of it, lets `look` look, and holds that nothing went wrong meanwhile. */
async function at(
  name: string,
  route: string,
  look: (page: Page) => Promise<void>,
  screen: Screen = {},
): Promise<void> {
  await using opened = await open(browser!, `${urlOf(name)}${route}`, screen);
  await opened.page.locator('main h1').first().waitFor();
  await look(opened.page);
  expect(opened.faults).toEqual([]);
}

const go = async (page: Page, route: string) => {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, route);
  await page.waitForTimeout(100);
};

const PROBLEM = '#/evaluations/math/problems/@3';
const ROUTES = [
  '#/',
  '#/runs',
  '#/runs/run-0',
  '#/evaluations',
  '#/evaluations/math',
  PROBLEM,
  '#/comparisons/verdict',
];
const listed = (page: Page) => page.locator('.problem-list [role=status]').first();

/** What a test without a browser does: nothing, which `startBrowser` has said. */
function inBrowser(name: string, run: () => Promise<void>): void {
  test(name, async ({ skip }) => {
    if (!browser) skip('there is no Chromium');
    await run();
  });
}

describe('figures', () => {
  inBrowser('every curve is drawn on its canvas, with labels at both axes', () =>
    at('small.html', '#/runs', async (page) => {
      await page.locator('details summary', { hasText: 'other curve' }).click();
      await page.waitForTimeout(300);
      const figures = await page.locator('figure.curve').evaluateAll((all) =>
        all.map((figure) => {
          const canvas = figure.querySelector('canvas')!;
          const { width, height } = canvas;
          const { data } = canvas.getContext('2d')!.getImageData(0, 0, width, height);
          const count = (isOf: (x: number, y: number, at: number) => boolean) => {
            let pixels = 0;
            for (let y = 0; y < height; y++)
              for (let x = 0; x < width; x++) pixels += Number(isOf(x, y, 4 * (y * width + x)));
            return pixels;
          };
          const isInk = (at: number) => data[at + 3]! > 60;
          const isColoured = (at: number) =>
            isInk(at) && Math.abs(data[at]! - data[at + 2]!) + Math.abs(data[at]! - data[at + 1]!) > 60;
          const ratio = devicePixelRatio;
          return {
            title: figure.querySelector('strong')!.textContent,
            coloured: count((x, _, i) => x > 80 * ratio && isColoured(i)),
            left: count((x, _, i) => x < 18 * ratio && isInk(i)),
            bottom: count((_, y, i) => y > height - 18 * ratio && isInk(i)),
            words: figure.querySelector('[role=img]')!.getAttribute('aria-label')!,
          };
        }),
      );
      expect(figures.map(({ title }) => title)).toEqual([
        ...['Loss', 'Log-probability per token of both sides', 'Margin of rewards'],
        ...['Gradient norm before clipping', 'Learning rate', 'Speed', 'Peak of memory'],
        ...['Measured: held-out loss', 'Measured: accuracy', 'clipped_share'],
      ]);
      for (const { title, coloured, left, bottom, words } of figures) {
        expect(coloured, title).toBeGreaterThan(title === 'Measured: accuracy' ? 10 : 300);
        expect(left, `${title}: label of the upright axis`).toBeGreaterThan(20);
        expect(bottom, `${title}: label of the steps`).toBeGreaterThan(20);
        expect(words).toMatch(/over the steps\. Last values: .*redi/);
      }
    }),
  );

  inBrowser('every small figure has marks, ticks and the names of its axes', async () => {
    for (const [route, figures] of [
      ['#/', 1],
      ['#/evaluations/math', 4],
      ['#/comparisons/verdict', 3],
    ] as const)
      await at('small.html', route, async (page) => {
        const drawn = await page.locator('svg[role=img]').evaluateAll((all) =>
          all.map((svg) => ({
            marks: svg.querySelectorAll('circle').length,
            lines: svg.querySelectorAll('line.interval, polyline').length,
            ticks: svg.querySelectorAll('.tick').length,
            axes: [...svg.querySelectorAll('.axis')].map((axis) => axis.textContent),
            outside: [...svg.querySelectorAll('circle')].filter((mark) => {
              const [box, own] = [svg.getBoundingClientRect(), mark.getBoundingClientRect()];
              return own.left < box.left - 1 || own.right > box.right + 1 || own.bottom > box.bottom;
            }).length,
          })),
        );
        expect(drawn).toHaveLength(figures);
        for (const { marks, ticks, axes, outside } of drawn) {
          expect(marks).toBeGreaterThan(1);
          expect(ticks).toBeGreaterThan(1);
          expect(axes.length).toBeGreaterThan(0);
          expect(axes.every((words) => words.length > 3)).toBe(true);
          expect(outside).toBe(0);
        }
        expect(drawn[0]!.lines).toBeGreaterThan(1);
      });
  });

  inBrowser('smoothing, the logarithm and the choice of runs change figures and the address', () =>
    at('small.html', '#/runs', async (page) => {
      const loss = () =>
        page
          .locator('canvas')
          .first()
          .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
      const seen = new Set([await loss()]);
      for (const [name, query] of [
        ['Smooth', 'smooth=1'],
        ['Logarithmic', 'log=1'],
        ['sft-3', 'hide=1'],
      ] as const) {
        await page.getByRole('checkbox', { name }).click();
        await page.waitForTimeout(200);
        expect(page.url()).toContain(query);
        seen.add(await loss());
      }
      expect(seen.size).toBe(4);
      await expect
        .poll(() => page.getByText('linear: it has values of 0 or less').count())
        .toBeGreaterThan(0);
      await page.reload();
      expect(await page.getByLabel('Smooth').isChecked()).toBe(true);
      expect(await page.getByRole('checkbox', { name: 'sft-3' }).isChecked()).toBe(false);
    }),
  );

  inBrowser('a cursor over a curve says the values of its step', () =>
    at('small.html', '#/runs', async (page) => {
      const figure = page.locator('figure.curve').first();
      const before = await figure.locator('output').first().textContent();
      await figure.locator('.u-over').hover({ position: { x: 20, y: 40 } });
      await expect.poll(() => figure.locator('.legend b').textContent()).toMatch(/^step \d+$/);
      expect(await figure.locator('output').first().textContent()).not.toBe(before);
    }),
  );
});

describe('problems', () => {
  const { problems } = small.report.evaluations[0]!;
  const shareIn = (column: number, place: number) =>
    problems.right[column]!.verifier![place]! / problems.responses[column]![place]!;
  /** How many problems pass, counted here. */
  const many = (passes: (place: number) => boolean) =>
    problems.ids.filter((_, place) => passes(place)).length;

  inBrowser('filters list what they say, and compose with the columns', () =>
    at('small.html', '#/evaluations/math?a=column-0&b=column-1', async (page) => {
      const cases = [
        ['right in B', many((i) => shareIn(1, i) >= 0.5)],
        ['wrong in B', many((i) => shareIn(1, i) < 0.5)],
        ['cut off in B', many((i) => problems.cutOff[1]![i]! > 0)],
        ['changed from A to B', many((i) => shareIn(1, i) !== shareIn(0, i))],
        ['gained from A to B', many((i) => shareIn(1, i) > shareIn(0, i))],
        ['lost from A to B', many((i) => shareIn(1, i) < shareIn(0, i))],
        ['disputed by graders in B', many((i) => problems.disputed[1]![i]! > 0)],
      ] as const;
      for (const [name, number] of cases) {
        const chip = page.locator('.chips button', { hasText: name });
        await chip.click();
        await expect.poll(() => listed(page).textContent()).toBe(`${number} of 120 problems`);
        expect(await chip.getAttribute('aria-pressed')).toBe('true');
        expect(await chip.locator('b').textContent()).toBe(String(number));
      }
      await page.getByLabel('B', { exact: true }).selectOption('after 2');
      await expect
        .poll(() => listed(page).textContent())
        .toBe(`${many((i) => problems.disputed[2]![i]! > 0)} of 120 problems`);
      expect(page.url()).toContain('b=column-2');
    }),
  );

  inBrowser('a search finds ids and heads at once, and all texts on Enter', () =>
    at('small.html', '#/evaluations/math', async (page) => {
      const box = page.getByRole('searchbox');
      await box.fill('PROBLEM-11');
      await expect.poll(() => listed(page).textContent()).toBe('11 of 120 problems');
      await box.fill('needle-77');
      await expect.poll(() => listed(page).textContent()).toBe('0 of 120 problems');
      await box.press('Enter');
      await expect
        .poll(() => listed(page).textContent())
        .toBe('1 of 120 problems, all texts: 3 of 3 chunks searched');
      expect(await page.locator('.snippet mark').textContent()).toBe('needle-77');
      await page.locator('.problem-list li a').click();
      await expect.poll(() => page.locator('article h1').textContent()).toBe('problem-77');
      expect(page.url()).toContain('q=needle-77');
    }),
  );

  inBrowser('a deep link shows the answers that it names, side by side', () =>
    at('small.html', '#/evaluations/math/problems/problem-7?a=column-2&b=column-0&sb=3', async (page) => {
      const text = (panel: number) => page.locator('.panel pre').nth(panel).textContent();
      await page.locator('.panel pre').first().waitFor();
      expect(await text(0)).toContain('Sample 0 of column-2:');
      expect(await text(1)).toContain('Sample 2 of column-0:');
      const [left, right] = await page
        .locator('.panel')
        .evaluateAll((all) => all.map((one) => one.getBoundingClientRect()));
      expect(left!.top).toBe(right!.top);
      expect(left!.right).toBeLessThanOrEqual(right!.left);
      const correct = problems.right[0]!.verifier![7]! > 2;
      expect(await page.locator('.panel').nth(1).locator('.verdicts li').first().textContent()).toBe(
        correct
          ? '✓ right by verifier, which read 14'
          : '✗ wrong by verifier, which read no answer: no number',
      );
      await page.locator('.panel').nth(0).locator('.samples button').nth(1).click();
      await expect.poll(() => text(0)).toContain('Sample 1 of column-2:');
      expect(page.url()).toContain('sa=2');
    }),
  );

  inBrowser('links of stages, tables and comparisons lead where they say', () =>
    at('small.html', '#/', async (page) => {
      await page.locator('.stage a', { hasText: 'redi' }).click();
      await expect.poll(() => page.locator('main h1').textContent()).toBe('redi seed 0');
      await page.goBack();
      await page.locator('.stage a', { hasText: 'after' }).click();
      await expect.poll(() => page.locator('main h1').textContent()).toBe('math');
      await go(page, '#/comparisons/verdict');
      await page.locator('.links a').first().click();
      await page.locator('.panel pre').first().waitFor();
      const gained = problems.ids.find((_, i) => shareIn(1, i) > shareIn(0, i));
      expect(await page.locator('article h1').textContent()).toBe(gained);
      expect(await page.locator('.chips [aria-pressed=true]').textContent()).toContain('gained');
    }),
  );

  inBrowser('keys go through problems, to the search and to the help', () =>
    at('small.html', '#/evaluations/math', async (page) => {
      const title = () => page.locator('article h1').textContent();
      await page.keyboard.press('j');
      await expect.poll(title).toBe('problem-0');
      await page.keyboard.press('j');
      await expect.poll(title).toBe('problem-1');
      await page.keyboard.press('k');
      await expect.poll(title).toBe('problem-0');
      await page.keyboard.press('Escape');
      await expect.poll(() => page.locator('main h1').textContent()).toBe('math');
      await page.keyboard.press('/');
      await page.keyboard.type('problem-5?j');
      expect(await page.getByRole('searchbox').inputValue()).toBe('problem-5?j');
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      expect(await page.getByRole('dialog').isVisible()).toBe(true);
      await page.keyboard.press('Escape');
      expect(await page.getByRole('dialog').isVisible()).toBe(false);
      await go(page, '#/runs');
      await page.keyboard.press('/');
      await expect
        .poll(() => page.evaluate(() => document.activeElement?.getAttribute('type')))
        .toBe('search');
    }),
  );

  inBrowser('what is typed while the page still works stays', () =>
    at('small.html', '#/', async (page) => {
      // Keys that come in the moment where a part is there, or an address has changed, and nothing else has been done.
      await page.evaluate(() => {
        const type = (value: string) => {
          const box = document.querySelector<HTMLInputElement>('input[type=search]')!;
          box.value = value;
          box.dispatchEvent(new Event('input', { bubbles: true }));
        };
        new MutationObserver((_, observer) => {
          if (!document.querySelector('input[type=search]')) return;
          observer.disconnect();
          type('p');
          addEventListener(
            'hashchange',
            () => {
              type('problem-5');
            },
            { once: true },
          );
        }).observe(document.body, { childList: true, subtree: true });
        location.hash = '#/evaluations/math';
      });
      await expect.poll(() => page.url()).toContain('q=problem-5');
      expect(await page.getByRole('searchbox').inputValue()).toBe('problem-5');
    }),
  );

  inBrowser('addresses of what is not there say so', async () => {
    for (const route of [
      '#/runs/none',
      '#/evaluations/none',
      '#/evaluations/math/problems/none',
      '#/comparisons/none',
    ])
      await using(route, 'There is no');
    await using('#/%E0%A4%A/x?%', 'No such view');
    async function using(route: string, words: string) {
      await at('small.html', '#/', async (page) => {
        await go(page, route);
        expect(await page.locator('main').textContent()).toContain(words);
      });
    }
  });
});

inBrowser('tables are saved as CSV and JSON with all their numbers', () =>
  at('dirty.html', '#/', async (page) => {
    const save = async (kind: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: `Save runs as ${kind}` }).click(),
      ]);
      return readFileSync(await download.path(), 'utf8');
    };
    const rows = JSON.parse(await save('JSON')) as Record<string, unknown>[];
    const { runs } = dirty.report;
    expect(rows.map(({ seed, steps, alerts }) => [seed, steps, alerts])).toEqual(
      runs.map(({ seed, steps, alerts }) => [seed, steps.done, alerts.length]),
    );
    expect(rows.map(({ run }) => run)).toEqual(runs.map(({ name }) => name));
    const csv = await save('CSV');
    expect(csv.split('\r\n')[0]).toBe(
      'run,objective,seed,steps,planned,finished,loss,chosen,rejected,gradient norm,alerts',
    );
    expect(csv).toContain(`"'=HYPERLINK(""https://example.invalid"") redi"`);
    expect(csv).not.toMatch(/(^|,)"?[=+@]/m);
  }),
);

describe('texts of others', () => {
  inBrowser('are shown as text on every view', async () => {
    const seen: string[] = [];
    for (const width of [1440, 390])
      for (const route of ROUTES)
        await at(
          'dirty.html',
          route,
          async (page) => {
            for (const details of await page.locator('main details').all())
              if (await details.isVisible())
                await details.evaluate((one: HTMLDetailsElement) => (one.open = true));
            if (route === PROBLEM) await page.locator('.panel pre').first().waitFor();
            await page.waitForTimeout(200);
            const { text, labels, scripts, handlers, harmed, wide, foreign } = await page.evaluate(() => {
              const all = [...document.querySelectorAll('#page *')];
              const values = all.flatMap((element) => [...element.attributes]);
              return {
                text: document.getElementById('page')!.textContent,
                labels: values.filter(({ name }) => name !== 'href').map(({ value }) => value),
                scripts: document.querySelectorAll('script:not([type])').length,
                handlers: values.filter(({ name }) => name.startsWith('on')).length,
                foreign: document.querySelectorAll(
                  '#page img, #page iframe, #page script, #page a:not([href^="#"])',
                ).length,
                harmed: (window as { harmed?: number }).harmed,
                wide: document.documentElement.scrollWidth,
              };
            });
            const place = `${route} at ${width}`;
            expect([scripts, handlers, foreign, harmed], place).toEqual([1, 0, 0, undefined]);
            expect(STEERING.exec(text)?.[0], place).toBeUndefined();
            expect(
              labels.find((label) => STEERING.test(label)),
              place,
            ).toBeUndefined();
            expect(Math.max(...labels.map(({ length }) => length)), place).toBeLessThan(12_000);
            expect(text.length, place).toBeLessThan(200_000);
            expect(wide, place).toBeLessThanOrEqual(width);
            expect(STEERING.test(await page.title())).toBe(false);
            seen.push(text);
          },
          { width },
        );
    const everywhere = seen.join('\n');
    for (const shown of [
      '</script><script>window.harmed = 1',
      '<img src="https://example.invalid',
      '‹U+202E›gnp.exe',
      '‹U+001B›[2J',
    ])
      expect(everywhere).toContain(shown);
  });

  inBrowser('of 100,000 characters are opened whole on demand', () =>
    at('dirty.html', PROBLEM, async (page) => {
      const button = page.getByRole('button', { name: /^Show all 100,\d+ characters/ }).first();
      await button.click();
      const lengths = await page
        .locator('.panel pre')
        .evaluateAll((all) => all.map(({ textContent }) => textContent.length));
      expect(Math.max(...lengths)).toBeGreaterThan(100_000);
      await page.getByRole('button', { name: 'Show less' }).first().click();
      expect(
        await page
          .getByRole('button', { name: /^Show all 100,/ })
          .first()
          .isVisible(),
      ).toBe(true);
    }),
  );
});

describe('everybody', () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  interface Found {
    violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
  }

  for (const scheme of ['light', 'dark'] as const)
    for (const width of [390, 1440])
      inBrowser(`axe finds nothing serious in ${scheme} at ${width} pixels`, async () => {
        for (const route of ROUTES)
          await at(
            'small.html',
            route,
            async (page) => {
              if (route === PROBLEM) await page.locator('.panel pre').first().waitFor();
              // The page's policy keeps scripts out that are added to it; the debugger's are not its.
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

  inBrowser('colours change by a button; paper is light and without controls', () =>
    at(
      'small.html',
      '#/runs',
      async (page) => {
        const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const dark = await background();
        await page.getByRole('button', { name: /^Colours/ }).click();
        const light = await background();
        expect([dark, light]).toEqual(['rgb(20, 23, 27)', 'rgb(255, 255, 255)']);
        await page.getByRole('button', { name: /^Colours/ }).click();
        await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
        await page.emulateMedia({ media: 'print' });
        expect(await background()).toBe(light);
        expect(await page.locator('header nav').isVisible()).toBe(false);
        expect(await page.locator('.downloads').first().isVisible()).toBe(false);
        await page.evaluate(() => dispatchEvent(new Event('afterprint')));
        expect(await background()).toBe(dark);
      },
      { scheme: 'dark' },
    ),
  );
});

inBrowser('a report without anything, and one of a single evaluation', async () => {
  const none = syntheticReport({ ...SMALL, columns: 0, runs: 0 });
  Object.assign(none.report, { stages: [], sentences: [], answers: [] });
  await write(none, 'none.html');
  await write(
    syntheticReport({ ...SMALL, columns: 1, runs: 1, samples: 1, buckets: 1, problems: 3 }),
    'one.html',
  );
  const single = syntheticReport({ ...SMALL, problems: 1 });
  for (const row of single.report.comparisons[0]!.rows) row.interval = null;
  await write(single, 'single.html');
  for (const name of ['none.html', 'one.html', 'single.html'])
    for (const route of ROUTES)
      await at(name, route, async (page) => {
        expect(await page.locator('main').textContent()).not.toContain('NaN');
      });
});

inBrowser('a large report opens in three seconds of a processor and 150 MB', async () => {
  const bounds = { seconds: 3, bytes: 150e6 };
  await write(syntheticReport(LARGE), 'large.html');
  await using opened = await open(browser!, 'about:blank');
  const { page } = opened;
  const seconds = await processorSeconds(page);
  await page.goto(urlOf('large.html'));
  await page.locator('main h1').waitFor();
  const used = await seconds();
  const bytes = await pageBytes(browser!, page);
  console.log(`opened in ${used.toFixed(2)} s of a processor, ${(bytes / 1e6).toFixed(0)} MB`);
  expect(used).toBeLessThan(bounds.seconds);
  expect(bytes).toBeLessThan(bounds.bytes);
  const visited: number[] = [];
  for (const route of [
    '#/runs',
    '#/evaluations/math?q=needle-444&texts=1',
    '#/evaluations/math/problems/problem-300',
  ]) {
    await go(page, route);
    if (route.includes('texts=1'))
      await expect
        .poll(() => listed(page).textContent(), { timeout: 60_000 })
        .toContain('all texts: 10 of 10');
    await page.waitForTimeout(500);
    visited.push(await pageBytes(browser!, page));
  }
  console.log(`then ${visited.map((size) => (size / 1e6).toFixed(0)).join(', ')} MB`);
  expect(Math.max(...visited)).toBeLessThan(bounds.bytes);
});

/** A record with a name of its own, whatever all objects inherit under it. */
const withName = <T>(record: Record<string, T>, name: string, value: T): Record<string, T> =>
  Object.fromEntries([...Object.entries(record), [name, value]]);

inBrowser('names that all objects have are names like others', async () => {
  const made = syntheticReport(SMALL);
  const [set] = made.report.evaluations;
  // Each stands in one column alone: the others have nothing of this name.
  for (const [c, name] of ['constructor', 'toString', '__proto__'].entries()) {
    const column = set!.columns[c]!;
    const right = set!.problems.right[c]!;
    column.grades = withName(column.grades, name, Object.values(column.grades)[0]!);
    column.protocol = withName(column.protocol, name, 'set');
    set!.problems.right[c] = withName(right, name, Object.values(right)[0]!);
    set!.graders.push(name);
  }
  for (const { columns } of made.report.traces ?? [])
    columns.push({ key: 'valueOf', name: 'valueOf', about: '', kind: 'number' });
  await write(made, 'inherited.html');
  for (const route of [
    ...ROUTES,
    '#/evaluations/math?grader=constructor',
    '#/traces',
    '#/traces/pairs/3?by=valueOf',
  ])
    await at('inherited.html', route, async (page) => {
      expect(await page.locator('main').textContent(), route).not.toMatch(/NaN|native code|undefined/);
    });
});

inBrowser('a view that cannot be drawn says so, and the others are drawn', async () => {
  const made = syntheticReport(SMALL);
  Object.assign(made.report.evaluations[0]!.columns[1]!, { grades: null });
  await write(made, 'broken.html');
  await using opened = await open(browser!, urlOf('broken.html#/evaluations/math').replace('%23', '#'));
  const { page, faults } = opened;
  await page.getByRole('alert').waitFor();
  expect(await page.locator('main h1').textContent()).toBe('This view cannot be drawn');
  expect(faults.length).toBeGreaterThan(0);
  expect(faults.filter((fault) => !fault.startsWith('thrown: '))).toEqual([]);
  await go(page, '#/runs');
  expect(await page.locator('main h1').textContent()).toBe('Training');
  expect(await page.locator('figure.curve').count()).toBeGreaterThan(3);
});
