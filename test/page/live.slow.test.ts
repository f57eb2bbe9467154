/** The live page in Chromium, served from folders that the test writes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, appendFileSync } from 'node:fs';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startBrowser } from '../support/browser.js';
import { LiveRun } from '../support/liveRuns.js';
import { HOSTILE } from '../support/syntheticReport.js';
import { endAll, ends, openLive, serve } from './served.js';

const top = mkdtempSync(join(tmpdir(), 'redistill-live-'));
let browser: Browser | undefined;
beforeAll(async () => {
  browser = await startBrowser();
});
afterEach(endAll);
afterAll(async () => {
  await browser?.close();
  rmSync(top, { recursive: true });
});

/** A wire to a port that can be cut. */
class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  isCut = false;
  port = 0;

  constructor(to: number) {
    this.#server = createServer((socket) => {
      if (this.isCut) return socket.destroy();
      const other = connect(to, '127.0.0.1');
      for (const [one, two] of [
        [socket, other],
        [other, socket],
      ] as const) {
        this.#sockets.add(one);
        one.pipe(two);
        one.on('error', () => two.destroy());
        one.on('close', () => two.destroy());
      }
    });
  }

  async open(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    ends.push(async () => {
      this.cut();
      await new Promise((resolve) => this.#server.close(resolve));
    });
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }
}

function inBrowser(name: string, run: () => Promise<void>): void {
  test(name, async ({ skip }) => {
    if (!browser) skip('there is no Chromium');
    await run();
  });
}

/** An evaluation with so many problems. */
function evaluation(dir: string, problems: number, right: (i: number) => boolean): void {
  mkdirSync(dir, { recursive: true });
  const rows = Array.from({ length: problems }, (_, i) => ({
    ...{
      id: `p${i}`,
      problem: `What is ${i}? needle-${i}`,
      answer: String(i),
      generations: [`It is ${i} by ${dir}`],
    },
    generation_details: [
      {
        ...{ finish_reason: 'stop', completion_tokens: 7 },
        grades: { verify: { correct: right(i), extracted: String(i) } },
      },
    ],
  }));
  writeFileSync(join(dir, 'samples.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

const legend = (page: Page) => page.locator('figure.curve').first().locator('output').first();
const picture = (page: Page) =>
  page
    .locator('canvas')
    .first()
    .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
const stepsOf = (page: Page) => page.locator('.live tbody tr').first().locator('.progress').textContent();

describe('a live page', () => {
  inBrowser('begins with nothing, and shows runs as they begin, grow, alarm and end', async () => {
    const dir = join(top, 'begins');
    const { port } = await serve(dir);
    const { page, faults } = await openLive(browser!, port);
    expect(await page.locator('.live').textContent()).toContain('There is no run in');
    const run = new LiveRun(join(dir, 'redi'));
    run.run(5);
    await expect.poll(() => stepsOf(page)).toContain('5 of 1,000 steps');
    expect(await page.locator('.live .state').nth(1).textContent()).toContain('running');
    expect(await page.locator('.badge-live').textContent()).toMatch(
      /● live 1 running, \d+ (min|h \d+ min) left/,
    );
    expect(await page.locator('.load').textContent()).toMatch(
      /Processors +\d+ % of \d+Memory +[\d.]+ GB of [\d.]+ GB/,
    );
    await page.getByRole('link', { name: 'Training' }).click();
    await page.locator('canvas').first().waitFor();
    const seen = new Set([await picture(page)]);
    const last = await legend(page).textContent();
    run.run(40);
    await expect.poll(() => page.locator('.table tbody td').nth(3).textContent()).toBe('45');
    await expect.poll(() => legend(page).textContent()).not.toBe(last);
    await expect.poll(async () => seen.add(await picture(page)).size).toBeGreaterThan(1);
    run.measure('eval_accuracy', 0.25);
    await expect.poll(() => page.locator('main').textContent()).toContain('Measured: eval_accuracy');
    run.alert('collapse: the log-probs of the chosen side fall');
    await expect.poll(() => page.locator('main').textContent()).toContain('collapse: the log-probs');
    run.finish();
    await page.getByRole('link', { name: 'Overview' }).click();
    await expect.poll(() => page.locator('.live tbody').textContent()).toContain('done');
    expect(await page.locator('.live tbody').textContent()).toContain('25.0 %');
    expect(await page.locator('.last-alerts').textContent()).toContain('step 45: collapse');
    expect(await page.title()).toBe('begins, live');
    expect(faults).toEqual([]);
  });

  inBrowser('keeps the place of the reader: view, scroll, choices, order, zoom and selection', async () => {
    const dir = join(top, 'place');
    const runs = ['a', 'b'].map((name, i) => new LiveRun(join(dir, name), { batch_size: i + 1 }));
    for (const run of runs) run.run(200);
    const { port } = await serve(dir);
    const { page, faults } = await openLive(browser!, port, '#/runs');
    await page.locator('canvas').first().waitFor();
    await page.getByRole('checkbox', { name: 'b', exact: true }).click();
    await page.getByRole('checkbox', { name: 'Logarithmic' }).click();
    await page.getByRole('button', { name: 'steps', exact: true }).click();
    await page.getByRole('button', { name: /^steps/ }).click();
    const over = page.locator('figure.curve').first().locator('.u-over');
    const box = (await over.boundingBox())!;
    await page.mouse.move(box.x + 0.2 * box.width, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 50, { steps: 4 });
    await page.mouse.up();
    const ticks = () =>
      page.evaluate(() => {
        const title = document.querySelector('figure.curve strong')!;
        getSelection()!.selectAllChildren(title);
        document.querySelectorAll('canvas')[0]!.dataset.kept = 'yes';
        return scrollY;
      });
    await page.evaluate(() => {
      scrollTo(0, 300);
    });
    const scrolled = await ticks();
    const hash = () => page.evaluate(() => location.hash);
    const address = await hash();
    const zoomed = await picture(page);
    runs[0]!.run(100);
    await expect.poll(() => page.locator('.table tbody').first().textContent()).toContain('300');
    await page.waitForTimeout(300);
    expect(await hash()).toBe(address);
    expect(address).toMatch(/hide=1/);
    const now = await page.evaluate(() => ({
      scroll: scrollY,
      selected: String(getSelection()),
      kept: document.querySelectorAll('canvas')[0]!.dataset.kept,
    }));
    expect(now).toEqual({ scroll: scrolled, selected: 'Loss', kept: 'yes' });
    expect(await page.locator('th[aria-sort=descending]').textContent()).toContain('steps');
    expect(await page.locator('.table tbody tr td a').first().textContent()).toBe('a'); // it has gone further
    // What was zoomed into lies within the first 200 steps: those that came do not change it.
    const still = await picture(page);
    expect(still).toBe(zoomed);
    await over.dblclick();
    await expect.poll(() => picture(page)).not.toBe(still);
    expect(faults).toEqual([]);
  });

  inBrowser('goes on without a gap where the connection breaks and the run is killed meanwhile', async () => {
    const dir = join(top, 'breaks');
    const run = new LiveRun(join(dir, 'redi'));
    run.run(50);
    const { port, served } = await serve(dir);
    const wire = new Wire(port);
    const { page, faults } = await openLive(browser!, await wire.open());
    await expect.poll(() => stepsOf(page)).toContain('50 of');
    wire.cut();
    await expect
      .poll(() => page.locator('.badge-live').textContent())
      .toContain('no connection, trying again');
    run.run(30);
    await served.look();
    run.resume(40);
    await served.look();
    run.run(25);
    await served.look();
    expect(await stepsOf(page)).toContain('50 of');
    wire.isCut = false;
    await expect
      .poll(() => page.locator('.badge-live').textContent(), { timeout: 20_000 })
      .toContain('● live');
    await expect.poll(() => stepsOf(page)).toContain('65 of');
    await page.getByRole('link', { name: 'Training' }).click();
    const button = page.getByRole('button', { name: 'Save Loss as JSON' });
    const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
    const rows = JSON.parse(readFileSync(await download.path(), 'utf8')) as { step: number; redi: number }[];
    const { steps, values } = run.plainly();
    expect(rows.map(({ step }) => step)).toEqual(steps);
    const losses = values('loss') as number[];
    for (const [i, { redi }] of rows.entries()) expect(redi).toBeCloseTo(losses[i]!, 4);
    // A browser says itself that it could not connect.
    expect(faults.filter((fault) => !fault.includes('ERR_'))).toEqual([]);
  });

  inBrowser('goes on with another server in the place of the one that ended', async () => {
    const dir = join(top, 'again');
    const run = new LiveRun(join(dir, 'redi'));
    run.run(10);
    const { port, served } = await serve(dir);
    const { page } = await openLive(browser!, port);
    await served.close();
    await expect.poll(() => page.locator('.badge-live').textContent()).toContain('no connection');
    run.run(7);
    await serve(dir, port);
    await expect.poll(() => stepsOf(page), { timeout: 20_000 }).toContain('17 of');
  });

  inBrowser(
    'asks for the texts of problems, and for those of a new evaluation when it is there',
    async () => {
      const dir = join(top, 'texts');
      evaluation(join(dir, 'before'), 120, (i) => i % 2 === 0);
      const { port } = await serve(dir);
      const { page, faults } = await openLive(browser!, port, '#/evaluations');
      await page.getByRole('searchbox').fill('by ' + join(dir, 'before'));
      await page.getByRole('searchbox').press('Enter');
      const listed = page.locator('.problem-list [role=status]').first();
      await expect
        .poll(() => listed.textContent())
        .toBe('120 of 120 problems, all texts: 3 of 3 chunks searched');
      await page.getByRole('searchbox').fill('');
      await page.locator('.problem-list li a').nth(7).click();
      await expect.poll(() => page.locator('.panel pre').textContent()).toContain('It is 7 by');
      evaluation(join(dir, 'later'), 120, () => true);
      await expect.poll(() => page.locator('.panel pre').count()).toBe(2);
      await expect.poll(() => page.locator('.panel pre').nth(1).textContent()).toContain(join(dir, 'later'));
      expect(await page.locator('article h1').textContent()).toBe('p7');
      expect(faults).toEqual([]);
    },
  );

  inBrowser('shows hostile texts of runs as text', async () => {
    const dir = join(top, 'hostile');
    const [markup, image, , turned, control, lone, , script] = HOSTILE;
    const name = '<img src=x onerror=alert(1)>';
    const run = new LiveRun(join(dir, name), { objective: { name: `${image} ${lone}` }, model: turned });
    run.run(3, { [control!]: 1, [markup!]: 2, constructor: 3, ['x'.repeat(100_000)]: 4 });
    run.measure(script!, 0.5);
    run.alert(`${markup} ${turned} ${control}`);
    const inner = join(dir, `evaluation ${turned}`);
    mkdirSync(inner);
    writeFileSync(
      join(inner, 'redistill.json'),
      JSON.stringify({ made_by: 'redistill', command: 'evaluate', settings: { samples: 1, skip: 0 } }),
    );
    for (const text of HOSTILE)
      appendFileSync(
        join(inner, 'journal.jsonl'),
        `${JSON.stringify({ id: { problem: 1, sample: 0 }, text, finish_reason: text, completion_tokens: 1 })}\n`,
      );
    const { port } = await serve(dir);
    for (const route of ['#/', '#/runs'])
      for (const width of [1440, 390]) {
        const { page, faults } = await openLive(browser!, port, route, width);
        await page.waitForTimeout(500);
        const { text, foreign, harmed, handlers, wide } = await page.evaluate(() => ({
          text: document.getElementById('page')!.textContent,
          foreign: document.querySelectorAll('#page img, #page iframe, #page script, #page svg[onload]')
            .length,
          harmed: (window as { harmed?: number }).harmed,
          handlers: [...document.querySelectorAll('#page *')].flatMap((one) =>
            [...one.attributes].filter((attribute) => attribute.name.startsWith('on')),
          ).length,
          wide: document.documentElement.scrollWidth,
        }));
        expect([foreign, harmed, handlers]).toEqual([0, undefined, 0]);
        expect(text).toContain(name);
        expect(text).toContain('‹U+202E›gnp.exe');
        expect(text).toContain('‹U+001B›[2J');
        expect(text).toContain('</script><script>window.harmed = 1');
        expect(text).not.toMatch(/[\u0000-\u0008\u001B\u202A-\u202E\u2066-\u2069]/);
        expect(wide).toBeLessThanOrEqual(width);
        expect(faults).toEqual([]);
      }
  });

  inBrowser('shows fifty runs', async () => {
    const dir = join(top, 'fifty');
    const runs = Array.from(
      { length: 50 },
      (_, i) => new LiveRun(join(dir, `run-${i}`), { batch_size: i + 1 }),
    );
    for (const run of runs) run.run(400);
    const { port } = await serve(dir);
    const { page, faults } = await openLive(browser!, port, '#/runs');
    await page.locator('canvas').first().waitFor();
    expect(await page.locator('.choice input').count()).toBe(50);
    runs[49]!.run(11);
    await expect.poll(() => page.locator('.table tbody').first().textContent()).toContain('411');
    expect(faults).toEqual([]);
  });

  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  interface Found {
    violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
  }
  for (const scheme of ['light', 'dark'] as const)
    for (const width of [390, 1440])
      inBrowser(`has nothing serious for axe in ${scheme} at ${width} pixels`, async () => {
        const dir = join(top, `axe-${scheme}-${width}`);
        const run = new LiveRun(join(dir, 'redi'));
        run.run(20);
        run.alert('collapse: so it is');
        new LiveRun(join(dir, 'sft')).run(3);
        const inner = join(dir, 'after');
        mkdirSync(inner);
        writeFileSync(
          join(inner, 'redistill.json'),
          JSON.stringify({ made_by: 'redistill', command: 'evaluate', settings: { samples: 1, skip: 0 } }),
        );
        const entry = {
          id: { problem: 1, sample: 0 },
          text: 'It is 2.',
          finish_reason: 'stop',
          completion_tokens: 4,
        };
        writeFileSync(join(inner, 'journal.jsonl'), `${JSON.stringify(entry)}\n`);
        evaluation(join(dir, 'before'), 3, () => true);
        const { port } = await serve(dir);
        for (const route of ['#/', '#/runs', '#/evaluations']) {
          const { page, faults } = await openLive(browser!, port, route, width, scheme);
          await page.waitForTimeout(400);
          const { violations } = await page.evaluate<Found>(`${axe}; axe.run(document)`);
          const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
          expect(
            serious.map(({ id, nodes }) => `${route} ${id}: ${nodes[0]!.html} ${nodes[0]!.failureSummary}`),
          ).toEqual([]);
          expect(faults).toEqual([]);
        }
      });
});
