/** Debian's Chromium for tests of pages: what a page says, asks for and weighs. */
import { existsSync, readFileSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

/** Starts the browser; undefined, and said aloud, where there is none. */
export async function startBrowser(): Promise<Browser | undefined> {
  if (CHROMIUM === undefined) {
    console.log('skipped: there is no Chromium (apt-get install -y chromium)');
    return undefined;
  }
  return await chromium.launch({
    executablePath: CHROMIUM,
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}

export interface Opened extends AsyncDisposable {
  page: Page;
  /** Errors, warnings and dialogs of the page, and requests for anything but the file. */
  faults: string[];
}

/** What must not stand in a page as it is. */
export const STEERING =
  /(?![\t\n])[\p{Cc}\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/u;

export interface Screen {
  width?: number;
  scheme?: 'light' | 'dark';
}

/**
 * Writes down what a page does wrong from now on.
 * @param isOwn whether it may ask for an address, which has no part after "#"
 */
export function faultsOf(page: Page, isOwn: (asked: string) => boolean): string[] {
  const faults: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`thrown: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const asked = request.url().split('#')[0]!;
    if (!isOwn(asked)) faults.push(`request: ${asked}`);
  });
  return faults;
}

/** Opens a page in a window of its own. */
export async function open(
  browser: Browser,
  url: string,
  { width = 1440, scheme = 'light' }: Screen = {},
): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: scheme,
    acceptDownloads: true,
  });
  const page = await context.newPage();
  const [file] = url.split('#');
  const faults = faultsOf(page, (asked) => asked === file || asked.startsWith('blob:'));
  await page.goto(url);
  return {
    page,
    faults,
    [Symbol.asyncDispose]: async () => {
      await context.close();
    },
  };
}

/** Seconds of the processor that the page's main thread has used for its tasks, since `begin`. */
export async function processorSeconds(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')!.value;
  };
}

/** Bytes that the browser's largest page holds for itself alone, after its rubbish has been collected. */
export async function pageBytes(browser: Browser, page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  await session.detach();
  const whole = await browser.newBrowserCDPSession();
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  await whole.detach();
  const own = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => {
      const text = readFileSync(`/proc/${id}/smaps_rollup`, 'utf8');
      const lines = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)];
      return lines.reduce((sum, [, kilobytes]) => sum + 1024 * Number(kilobytes), 0);
    });
  return Math.max(...own);
}
