/** Serves a folder that is watched, and opens the live page of it in Chromium. */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { faultsOf } from '../support/browser.js';

/** What is to be ended after a test, the last one first. */
export const ends: (() => Promise<void>)[] = [];
export const endAll = async (): Promise<void> => {
  for (const end of ends.splice(0).reverse()) await end();
};

interface Served {
  server: Server;
  look: () => Promise<void>;
  close: () => Promise<void>;
}

/** The program's own modules, which are checked elsewhere: types of Node and of browsers do not go together in all of them. */
const own = async <T>(name: string): Promise<T> =>
  (await import(/* @vite-ignore */ new URL(`../../src/report/follow/${name}.ts`, import.meta.url).href)) as T;

/** Serves a folder at looks of a tenth of a second. */
export async function serve(dir: string, port = 0): Promise<{ served: Served; port: number }> {
  const { Watcher } = await own<{ Watcher: new (dir: string) => object }>('watcher');
  const { WatchServer } = await own<{ WatchServer: new (watcher: object, options: object) => Served }>(
    'server',
  );
  const served = new WatchServer(new Watcher(dir), { lookMs: 100 });
  ends.push(() => served.close());
  served.server.listen(port, '127.0.0.1');
  await once(served.server, 'listening');
  return { served, port: (served.server.address() as AddressInfo).port };
}

interface Looked {
  page: Page;
  faults: string[];
}

/** Opens the live page; whatever it does wrong is in `faults`. */
export async function openLive(
  browser: Browser,
  port: number,
  route = '#/',
  width = 1440,
  scheme: 'light' | 'dark' = 'light',
): Promise<Looked> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
  ends.push(() => context.close());
  const page = await context.newPage();
  const faults = faultsOf(page, (asked) => asked.startsWith(`http://127.0.0.1:${port}/`));
  await page.goto(`http://127.0.0.1:${port}/${route}`);
  await page.locator('main h1').first().waitFor();
  return { page, faults };
}
