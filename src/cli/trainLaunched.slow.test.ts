import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redistill, turns, writeRows, writeTinyModel, type Finished } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-train-launched-'));
const path = (...names: string[]) => join(root, ...names);

beforeAll(() => {
  writeTinyModel(path('model'));
  writeRows(
    path('messages.jsonl'),
    Array.from({ length: 12 }, (_, i) => ({ messages: turns(`${i}+1?`, `${i + 1}`) })),
  );
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

let folders = 0;

/** A folder with the recipe of a run. */
function newRun(): string {
  const cwd = path(`run-${++folders}`);
  mkdirSync(cwd);
  const recipe = {
    ...{
      model: '../model',
      data: '../messages.jsonl',
      out: 'run',
      dtype: 'f32',
      doctor: 'off',
      proofs: 'off',
    },
    ...{ objective: 'sft', optimizer: { lr: 1e-3 }, batch_size: 4, max_steps: 3 },
  };
  writeFileSync(join(cwd, 'recipe.yaml'), toYaml(recipe));
  return cwd;
}

async function listening(): Promise<[Server, string]> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  return [server, String((server.address() as AddressInfo).port)];
}

async function freePort(): Promise<string> {
  const [server, port] = await listening();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts some ranks of so many, as a launcher without an agent does. @param env of all, or of each rank */
async function launch(
  { cwd, world, ranks, port }: { cwd: string; world: number; ranks: number[]; port: string },
  args: string[] = ['train', 'recipe.yaml'],
  env: Record<string, string> | ((rank: number) => Record<string, string>) = {},
): Promise<Finished[]> {
  return Promise.all(
    ranks.map((rank) =>
      redistill(args, {
        cwd,
        env: {
          ...{ OMP_NUM_THREADS: '1', REDISTILL_JOIN_SECONDS: '4', GLOO_SOCKET_IFNAME: 'lo' },
          ...{ RANK: String(rank), WORLD_SIZE: String(world), MASTER_PORT: port },
          ...(typeof env === 'function' ? env(rank) : env),
        },
      }),
    ),
  );
}

/** One sentence, with nothing of libtorch around it. */
function expectRefused({ code, stdout, stderr }: Finished, ...parts: string[]): void {
  expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
  expect(stderr).not.toMatch(/c10d|frame #|initGroup/);
  const errors = stderr.split('\n').filter((line) => line.startsWith('error: '));
  expect(errors, stderr).toHaveLength(1);
  for (const part of parts) expect(errors[0]).toContain(part);
}

describe('ranks that do not meet end with a sentence', () => {
  it.each<[string, number[], Record<string, string>, string]>([
    ['rank 0 alone', [0], {}, 'of 3 processes (WORLD_SIZE) ranks 1, 2 have not come to 127.0.0.1:'],
    ['without rank 0', [1], {}, 'rank 1: rank 0 cannot be reached at 127.0.0.1:'],
    [
      'no such host',
      [1],
      { MASTER_ADDR: 'no-such-host.invalid' },
      'rank 0 cannot be reached at no-such-host.invalid:',
    ],
  ])('%s', async (_, ranks, env, message) => {
    const cwd = newRun();
    for (const ended of await launch({ cwd, world: 3, ranks, port: await freePort() }, undefined, env))
      expectRefused(ended, message);
    expect(existsSync(join(cwd, 'run/metrics.jsonl'))).toBe(false);
  });

  it('one that is missing', async () => {
    const where = { cwd: newRun(), world: 3, ranks: [0, 2], port: await freePort() };
    const [first, third] = await launch(where);
    expectRefused(first!, 'of 3 processes (WORLD_SIZE) rank 1 has not come to 127.0.0.1:');
    // It may be that rank 0 has given up, and its store with it, an instant before.
    expect(third!.code).toBeGreaterThan(0);
    expect(third!.stderr).toMatch(/^error: rank 2: .*(?:rank 1 has not come|rank 0, for which it waited)/m);
  });

  it('a port that is taken', async () => {
    const [server, port] = await listening();
    const cwd = newRun();
    const [first] = await launch({ cwd, world: 2, ranks: [0], port });
    expectRefused(first!, `port ${port} (MASTER_PORT) is taken by another process`);
    server.close();
  });

  it('a network device that is not there', async () => {
    const where = { cwd: newRun(), world: 2, ranks: [0, 1], port: await freePort() };
    const [first, second] = await launch(where, undefined, { GLOO_SOCKET_IFNAME: 'nope' });
    expectRefused(first!, 'GLOO_SOCKET_IFNAME', 'nope');
    // It may be that rank 0 has given up, and its store with it, an instant before.
    expect(second!.code).toBeGreaterThan(0);
    expect(second!.stderr).toMatch(
      /^error: rank 1: .*(?:GLOO_SOCKET_IFNAME.*nope|rank 0, for which it waited)/m,
    );
  });

  it('one that waits says so meanwhile', async () => {
    const where = { cwd: newRun(), world: 2, ranks: [0, 1], port: await freePort() };
    const ends = await launch({ ...where, ranks: [1] }, undefined, { REDISTILL_JOIN_SECONDS: '8' });
    expect(ends[0]!.stderr).toContain(`rank 1 waits for the others at 127.0.0.1:${where.port}`);
  });

  it('a recipe that is wrong', async () => {
    const where = { cwd: newRun(), world: 2, ranks: [0, 1], port: await freePort() };
    const [first, second] = await launch(where, ['train', 'other.yaml']);
    expectRefused(first!, 'other.yaml cannot be read');
    expectRefused(second!, 'rank 0 cannot be reached');
  });
});

describe('ranks of a launcher', () => {
  it('train together, and rank 0 speaks', async () => {
    const cwd = newRun();
    const [first, second] = await launch({ cwd, world: 2, ranks: [0, 1], port: await freePort() });
    expect(first!.code, first!.stderr).toBe(0);
    expect(first!.stdout).toBe('model: run/model\n');
    expect(second).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('are estimated as they are', async () => {
    const cwd = newRun();
    const where = { cwd, world: 2, ranks: [0, 1], port: await freePort() };
    const args = ['train', 'recipe.yaml', '--estimate'];
    const [first, second] = await launch(where, args, { LOCAL_WORLD_SIZE: '2' });
    expect(first!.stdout).toMatch(/ in the first of 2 processes and [\d.]+ [kM]B in the other, /);
    expect(second).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(cwd)).toEqual(['recipe.yaml']);
  });

  it('that read other rows say which file is not the same', async () => {
    const [cwd, elsewhere] = [newRun(), newRun()];
    const port = await freePort();
    const common = { world: 2, port };
    writeFileSync(
      join(cwd, 'recipe.yaml'),
      toYaml({
        ...{ model: '../model', data: 'rows.jsonl', out: 'run', dtype: 'f32', objective: 'sft' },
        ...{ doctor: 'off', proofs: 'off', max_steps: 2, optimizer: { lr: 1e-3 } },
      }),
    );
    writeRows(join(cwd, 'rows.jsonl'), [{ messages: turns('1+1?', '2') }, { messages: turns('1+2?', '3') }]);
    writeRows(join(elsewhere, 'rows.jsonl'), [{ messages: turns('1+1?', '4') }]);
    const [[first], [second]] = await Promise.all([
      launch({ ...common, cwd, ranks: [0] }),
      launch({ ...common, cwd: elsewhere, ranks: [1] }),
    ]);
    expect(second!.code, second!.stderr).toBe(2);
    expect(second!.stderr).toContain('data is not the same at rank 1 as at rank 0');
    expect(first!.code).toBe(1);
    expect(first!.stderr).toContain('another rank, for which it waited, has ended');
  });
});
