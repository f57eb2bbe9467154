// Takes docs/images/*.png of docs/report-example.html in Chromium (`apt-get install -y chromium`): `npm run screenshots`.
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { smallPng } from './smallPng.js';

const MOST_BYTES = 150_000;
const root = new URL('..', import.meta.url);
const images = new URL('docs/images/', root);
const page = new URL('docs/report-example.html', root).href;

/** A problem that the last model answers rightly and the first does not, by the list's own filters. */
const ANSWERS = '#/evaluations/train/problems?a=before&b=after-redi&show=gained';

/** Each picture with the place of the page that it shows, and what is done there first. */
const PICTURES = [
  { name: 'overview', hash: '#/', height: 750 },
  {
    name: 'answers',
    hash: ANSWERS,
    height: 750,
    act: async (window) => {
      await window.locator('.problem-list a').first().click();
      await window.waitForTimeout(300);
    },
  },
  { name: 'training', hash: '#/runs/redi', height: 750 },
  {
    name: 'tokens',
    hash: '#/traces/own',
    height: 600,
    // What REDI did to each token of a pair: its log-prob afterwards minus that before.
    act: async (window) => {
      await window.locator('main a[href^="#/traces/own/"]').first().click();
      const [colour, minus] = [0, 1].map((i) => window.locator('main select').nth(i));
      await colour.selectOption('after.jsonl: after');
      await minus.selectOption('before.jsonl: before');
    },
  },
];

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
);
if (executablePath === undefined) throw new Error('there is no Chromium: apt-get install -y chromium');
const browser = await chromium.launch({
  executablePath,
  args: ['--disable-lcd-text', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
});
try {
  mkdirSync(images, { recursive: true });
  for (const { name, hash, height, act } of PICTURES) {
    const window = await browser.newPage({ viewport: { width: 1200, height }, colorScheme: 'light' });
    await window.goto(`${page}${hash}`);
    await window.locator('main h1').first().waitFor();
    await act?.(window);
    await window.waitForTimeout(300);
    const path = fileURLToPath(new URL(`${name}.png`, images));
    writeFileSync(path, smallPng(await window.screenshot()));
    await window.close();
    const { size } = statSync(path);
    if (size > MOST_BYTES) throw new Error(`${name}.png has ${size} bytes, more than ${MOST_BYTES}`);
    console.log(`docs/images/${name}.png: ${size} bytes`);
  }
} finally {
  await browser.close();
}
