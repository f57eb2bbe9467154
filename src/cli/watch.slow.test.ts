import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { LiveRun } from '../../test/support/liveRuns.js';
import { expectError } from '../../test/support/tinyCommands.js';
import { Cli, contents, redistill } from '../../test/support/tinyModel.js';
import type { Report } from '../report/index.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-cli-watch-'));
const path = (...names: string[]) => join(root, ...names);
const open: Cli[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((cli) => cli.stop()));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

async function start(args: string[], env: Record<string, string> = {}): Promise<{ cli: Cli; url: string }> {
  const cli = new Cli(['watch', ...args], { env: { XDG_CACHE_HOME: path('empty'), ...env } });
  open.push(cli);
  await cli.shows(/watching .* at http/);
  return { cli, url: /at (http\S+)/.exec(cli.stderr)![1]! };
}

/** The status of an answer to what asks under a name. */
async function statusFor(url: string, headers: Record<string, string>): Promise<number> {
  const asked = request(url, { headers });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode!;
}

describe('watch', () => {
  it('serves runs that begin later, without libtorch, writes nothing, and ends with Ctrl-C', async () => {
    const dir = path('runs');
    const { cli, url } = await start([dir, '--port', '0']);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(url)).text()).toContain('<body data-live>');
    const report = async () => (await (await fetch(`${url}/report.json`)).json()) as Report;
    expect((await report()).runs).toEqual([]);
    const run = new LiveRun(join(dir, 'redi'));
    run.run(12);
    const before = contents(dir);
    expect((await report()).runs).toMatchObject([{ id: 'redi', steps: { done: 12 } }]);
    const events = await fetch(`${url}/events`);
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    while (!heard.includes('event: live')) heard += (await reader.read()).value ?? '';
    expect(heard).toContain('event: snapshot');
    expect(contents(dir)).toEqual(before);
    const { code, stderr, stdout } = await cli.stop();
    expect([code, stdout]).toEqual([130, '']);
    expect(stderr).toMatch(/stopped\n$/);
    while (!(await reader.read().catch(() => ({ done: true }))).done);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('refuses what asks under another name, or for a page of others', async () => {
    const { url } = await start([path('none'), '--port', '0', '--allow-host', 'runs.example']);
    for (const [headers, status] of [
      [{}, 200],
      [{ host: 'runs.example' }, 200],
      [{ host: 'evil.example' }, 403],
      [{ origin: 'http://evil.example' }, 403],
    ] as const)
      expect([headers, await statusFor(url, headers)]).toEqual([headers, status]);
  });

  it('says where it cannot be, and what is no folder', async () => {
    const { url } = await start([path('none'), '--port', '0']);
    const port = new URL(url).port;
    expectError(
      await redistill(['watch', path('none'), '--port', port]),
      2,
      `127.0.0.1:${port}: another program listens there already`,
    );
    const file = path('file');
    writeFileSync(file, '');
    expectError(await redistill(['watch', file, '--port', '0']), 2, 'is a file: name a folder of runs');
    expectError(await redistill(['watch', path('none'), '--port', '70000']), 2, 'from 0 to 65535');
    expectError(
      await redistill(['watch', path('none'), '--port', '0', '--allow-host', 'a/b']),
      2,
      'not a name',
    );
  });

  it('warns where others reach it', async () => {
    const { cli } = await start([path('none'), '--port', '0', '--host', '0.0.0.0']);
    expect(cli.stderr).toContain('whoever reaches this address reads what is in the runs');
  });

  it('opens the browser, and says where there is none', async () => {
    const bin = path('bin');
    mkdirSync(bin);
    const opened = path('opened');
    const opener = join(bin, process.platform === 'darwin' ? 'open' : 'xdg-open');
    writeFileSync(opener, `#!/bin/sh\necho "$@" > ${opened}.part && mv ${opened}.part ${opened}\n`);
    chmodSync(opener, 0o755);
    const found = await start([path('none'), '--port', '0', '--open'], { PATH: `${bin}:/usr/bin:/bin` });
    await expect.poll(() => existsSync(opened), { timeout: 20_000 }).toBe(true);
    expect(readFileSync(opened, 'utf8')).toBe(`${found.url}\n`);
    const none = await start([path('none'), '--port', '0', '--open'], { PATH: path('nowhere') });
    await none.cli.shows(/which opens pages: open http:\S+ yourself/);
  });
});
