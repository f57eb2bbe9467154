import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser } from 'playwright-core';
import { open, startBrowser } from '../support/browser.js';

const docs = new URL('../../docs/', import.meta.url);
const example = new URL('report-example.html', docs);
/** The questions that the guide says a report answers. */
const questions = [...readFileSync(new URL('guide/reading.md', docs), 'utf8').matchAll(/^### (.*\?)$/gm)].map(
  ([, question]) => question!,
);

let browser: Browser | undefined;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
});

test('the example is small, and has nothing of the machine that made it', () => {
  expect(statSync(example).size).toBeLessThan(2e6);
  const text = readFileSync(example, 'utf8');
  expect(text.match(/\/(?:tmp|root|home|work|mnt)\/[^"\\ ]*/g)).toBeNull();
  const hosts = Array.from(text.matchAll(/https?:\/\/([^/"'\\ ]+)/g), ([, host]) => host);
  expect(hosts.filter((host) => host !== 'www.w3.org')).toEqual([]);
});

test('each of the six questions is answered on the first screen of 1440 × 900', async ({ skip }) => {
  if (!browser) skip('there is no Chromium');
  expect(questions).toHaveLength(6);
  await using opened = await open(browser!, example.href);
  const { page, faults } = opened;
  await page.locator('main h1').first().waitFor();
  const answered = await page.locator('.answers > div').evaluateAll((all) =>
    all.map((one) => ({
      question: one.querySelector('dt')!.textContent,
      words: one.querySelector('dd')!.textContent.split(/\s+/).length,
      bottom: one.getBoundingClientRect().bottom,
    })),
  );
  expect(answered.map(({ question }) => question)).toEqual(questions);
  for (const { question, words, bottom } of answered) {
    expect(words, question).toBeGreaterThan(3);
    expect(bottom, question).toBeLessThan(900);
  }
  expect(faults).toEqual([]);
});

test('pictures of it in the documents are small', () => {
  const text = readFileSync(new URL('../README.md', docs), 'utf8');
  const pictures = Array.from(text.matchAll(/\((docs\/images\/[^)]*\.png)\)/g), ([, path]) => path!);
  expect(pictures.length).toBeGreaterThanOrEqual(2);
  for (const path of pictures) expect(statSync(new URL(`../${path}`, docs)).size, path).toBeLessThan(150_000);
});
