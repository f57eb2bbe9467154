import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { studentDirectory } from '../../test/support/studentDirectory.js';
import { turns } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-token-memory-'));
const model = studentDirectory();
afterAll(() => {
  rmSync(root, { recursive: true });
  rmSync(model, { recursive: true });
});

interface Opened {
  tokenised: number;
  megabytes: number;
  digest: string;
}

const program = fileURLToPath(new URL('../../test/programs/openTokens.ts', import.meta.url));

function start(data: string, cache: string) {
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  const child = fork(program, [model, data], { execArgv: ['--import', 'tsx'], env });
  return { child, said: once(child, 'message').then(([said]) => said as Opened) };
}

let files = 0;

/** Writes so many rows of about 1 kB that are not Latin. */
function write(rows: number): string {
  const path = join(root, `${++files}.jsonl`);
  for (let i = 0; i < rows; i++) {
    const messages = turns(`${files}: √${i}?`, `доказательство ${i} `.repeat(32));
    appendFileSync(path, `${JSON.stringify({ messages })}\n`);
  }
  return path;
}

function cache(): string {
  const path = join(root, `cache-${++files}`);
  mkdirSync(path);
  return path;
}

describe('the tokens of a large file', () => {
  it.runIf(process.platform === 'linux')(
    'take no more memory than those of a small one, made or read',
    async () => {
      const place = cache();
      const [small, large] = [write(5000), write(30_000)];
      const made = { small: await start(small, place).said, large: await start(large, place).said };
      const read = { small: await start(small, place).said, large: await start(large, place).said };
      expect([made.small.tokenised, made.large.tokenised, read.large.tokenised]).toEqual([5000, 30_000, 0]);
      expect(read.large.digest).toBe(made.large.digest);
      // The larger file has 28 MB more, and as many tokens as bytes.
      expect(made.large.megabytes - made.small.megabytes).toBeLessThan(75);
      expect(read.large.megabytes - read.small.megabytes).toBeLessThan(60);
    },
  );

  it('are made by several processes at once without harm, one of them killed', async () => {
    const place = cache();
    const data = write(2000);
    const alone = await start(data, cache()).said;
    const all = [start(data, place), start(data, place), start(data, place)];
    const killed = all[1]!;
    killed.said.catch(() => undefined);
    setTimeout(() => killed.child.kill('SIGKILL'), 1500);
    expect([await all[0]!.said, await all[2]!.said].map(({ digest }) => digest)).toEqual([
      alone.digest,
      alone.digest,
    ]);
    const again = await start(data, place).said;
    expect(again).toMatchObject({ tokenised: 0, digest: alone.digest });
    expect(
      readdirSync(join(place, 'redistill/tokens')).filter((name) => name.endsWith('.tokens')),
    ).toHaveLength(1);
  });
});
