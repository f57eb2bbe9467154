import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { ProcessGroup } from './distributed.js';
import { launchEnvironment } from './launch.js';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Runs the program as two members of a group and returns what each sends. */
async function twoMembers(env: NodeJS.ProcessEnv): Promise<unknown[]> {
  const program = fileURLToPath(new URL('../../test/programs/collectives.ts', import.meta.url));
  return Promise.all(
    [0, 1].map(async (rank) => {
      const child = fork(program, {
        execArgv: ['--import', 'tsx'],
        env: { ...process.env, ...env, RANK: String(rank), WORLD_SIZE: '2' },
      });
      const [exited, messages] = [once(child, 'exit'), [] as unknown[]];
      child.on('message', (message) => messages.push(message));
      expect(await exited).toEqual([0, null]);
      return messages[0];
    }),
  );
}

describe('two processes over Gloo', () => {
  it('sum, gather, scatter and broadcast', async () => {
    const results = await twoMembers({ MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(await freePort()) });
    const both = {
      world: 2,
      allReduce: [3, 30],
      allGather: [1, 10, 2, 20],
      broadcast: [2, 20],
      bf16: [3, 30],
    };
    const [one, two] = [
      [1, 2, 3, 4, 5],
      [2, 4, 6, 8, 10],
    ];
    const parts = (scale: number, first: number[][] | undefined) => ({
      summedPart: [one.map((x) => scale * x)],
      gatheredParts: [one, two],
      ...(first && { first }),
    });
    const grown = results.map((result) => (result as { grown: number }).grown);
    // Two messages of 16 MB and what the allocator keeps; a copy of the tensors would be 128 MB.
    for (const bytes of grown) expect(bytes).toBeLessThan(125e6);
    expect(results).toMatchObject([
      {
        rank: 0,
        ...both,
        ...parts(3, [one, two]),
        reduceScatter: { shape: [2, 1], values: [3, 6] },
        leaked: 0,
      },
      {
        rank: 1,
        ...both,
        ...parts(30, undefined),
        reduceScatter: { shape: [2, 1], values: [9, 12] },
        leaked: 0,
      },
    ]);
  });
});

describe('a group', () => {
  it.each([0, -1, 70_000, 65_536 + 29_500])('is not begun at port %d, which is none', (port) => {
    const environment = {
      ...{ rank: 0, localRank: 0, world: 1, host: '127.0.0.1', port },
      ...{ agentStore: false, attempt: 0, joinSeconds: 1 },
    };
    expect(() => new ProcessGroup(environment, 1)).toThrow(`a port is from 1 to 65535, not ${port}`);
  });
});

describe('launchEnvironment', () => {
  /** What torchrun sets for the second of four processes, which is the first of its machine. */
  const torchrun = {
    RANK: '1',
    LOCAL_RANK: '0',
    WORLD_SIZE: '4',
    LOCAL_WORLD_SIZE: '4',
    MASTER_ADDR: 'node-7',
    MASTER_PORT: '29500',
    TORCHELASTIC_RESTART_COUNT: '2',
    TORCHELASTIC_USE_AGENT_STORE: 'True',
  };

  it("reads torchrun's names", () => {
    expect(launchEnvironment(torchrun)).toEqual({
      rank: 1,
      localRank: 0,
      world: 4,
      host: 'node-7',
      port: 29500,
      agentStore: true,
      attempt: 2,
      joinSeconds: 600,
    });
  });

  it('is undefined for a process alone, and plain without an agent', () => {
    expect(launchEnvironment({})).toBeUndefined();
    expect(launchEnvironment({ RANK: '0', WORLD_SIZE: '1', MASTER_PORT: '1' })).toEqual({
      rank: 0,
      localRank: 0,
      world: 1,
      host: '127.0.0.1',
      port: 1,
      agentStore: false,
      attempt: 0,
      joinSeconds: 600,
    });
  });

  it.each([
    [{ RANK: 'one' }, 'RANK must be a whole number, not "one"'],
    [{ RANK: undefined }, 'RANK must be a whole number'],
    [{ RANK: '-1' }, 'RANK must be a whole number'],
    [{ MASTER_PORT: undefined }, 'MASTER_PORT must be a whole number'],
    [{ MASTER_PORT: '0' }, 'MASTER_PORT must be a port, from 1 to 65535, not 0'],
    [{ MASTER_PORT: '70000' }, 'MASTER_PORT must be a port, from 1 to 65535, not 70000'],
    [{ RANK: '4' }, 'RANK 4 must be below WORLD_SIZE 4'],
  ])('refuses %o', (change, message) => {
    const read = () => launchEnvironment({ ...torchrun, ...change });
    expect(read).toThrow(UserError);
    expect(read).toThrow(message);
  });
});
