/** A second Ctrl-C, and the process that trains when its command ends. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify as toYaml } from 'yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { Cli, turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-interrupt-twice-'));
const path = (...names: string[]) => join(root, ...names);
const patient = path('patient');
writeTinyModel(patient, { max_position_embeddings: 100_000 }); // long rows fit
afterAll(() => {
  rmSync(root, { recursive: true });
});

const training = { dtype: 'f32', objective: { name: 'sft' }, optimizer: { lr: 1e-4 }, batch_size: 2 };

describe('a second Ctrl-C', () => {
  it.each<[NodeJS.Signals, NodeJS.Signals]>([
    ['SIGINT', 'SIGINT'], // npx
    ['SIGTERM', 'SIGTERM'], // timeout
    ['SIGHUP', 'SIGTERM'], // a terminal that is closed
  ])('is the first one where it comes with it: %s and %s', async (first, second) => {
    const name = `echo-${first}-${second}`;
    const recipe = path(`${name}.yaml`);
    const data = writeRows(path(`${name}.jsonl`), [{ messages: turns('2+2?', '4') }]);
    const keys = { model: patient, data, out: path(name), max_steps: 100_000 };
    writeFileSync(recipe, toYaml({ ...training, ...keys }));
    const cli = new Cli(['train', recipe], { env: { _: '' } });
    while (!existsSync(path(name, 'metrics.jsonl'))) await sleep(5);
    void cli.stop(first);
    await sleep(20);
    const { signal, stderr } = await cli.stop(second);
    expect(signal, stderr).toBe(first === 'SIGHUP' ? first : null);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^stopped; /);
  });

  it('is the first one where it comes with it, after the last words too', async () => {
    const data = writeRows(
      path('rows.jsonl'),
      Array.from({ length: 15_000 }, () => ({ messages: turns('2+2?', 'it is 4') })),
    );
    const flags = ['--data', data, '--token-budget', '1', '--out', path('scores.jsonl')];
    const cli = new Cli(['score', '--model', patient, '--dtype', 'f32', ...flags]);
    await cli.shows(/^score: /m);
    void cli.stop();
    await cli.shows(/^stopped; /m);
    await sleep(20);
    expect(await cli.stop()).toMatchObject({ code: 130, signal: null });
  });

  it('does not wait for the operator that is under way', async () => {
    const data = path('long.jsonl');
    writeRows(data, [{ messages: turns('x'.repeat(30_000), 'y') }]);
    const recipe = path('long.yaml');
    const keys = { model: patient, data, out: path('long'), doctor: 'off', schedule: { warmup_ratio: 0 } };
    writeFileSync(recipe, toYaml({ ...training, ...keys }));
    const cli = new Cli(['train', recipe], { env: { OMP_NUM_THREADS: '1' } });
    await cli.shows(/ parameters$/m);
    await sleep(1000); // attention over 30,000 tokens takes far longer
    void cli.stop();
    await cli.shows(/^stopping…/m);
    await sleep(500); // until then it would be the first one once more
    const asked = performance.now();
    expect(await cli.stop()).toMatchObject({ code: null, signal: 'SIGKILL', stdout: '' });
    expect(performance.now() - asked).toBeLessThan(10_000); // before the test's own patience ends it
    expect(readdirSync(path('long')).filter((name) => !name.startsWith('lock.'))).toEqual(['redistill.json']);
  });
});

describe('the process that trains', () => {
  const childrenOf = (pid: number) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  const isAlive = (pid: number) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(statusOf(pid));
  const statusOf = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/status`, 'utf8');
    } catch {
      return 'State: Z';
    }
  };
  const start = async (name: string): Promise<[Cli, number]> => {
    const data = path(`${name}.jsonl`);
    writeRows(data, [{ messages: turns('x'.repeat(30_000), 'y') }]);
    const recipe = path(`${name}.yaml`);
    const keys = { model: patient, data, out: path(name), doctor: 'off', schedule: { warmup_ratio: 0 } };
    writeFileSync(recipe, toYaml({ ...training, ...keys }));
    const cli = new Cli(['train', recipe], { env: { OMP_NUM_THREADS: '1' } });
    await cli.shows(/ parameters$/m);
    const [child] = childrenOf(cli.pid);
    await sleep(500); // it is within libtorch now, for longer than this test takes
    return [cli, child!];
  };

  it.each(['SIGKILL', 'second Ctrl-C'])('ends with its command: %s', async (how) => {
    const [cli, child] = await start(how.replaceAll(' ', '-'));
    if (how === 'SIGKILL') await cli.stop('SIGKILL');
    else {
      void cli.stop();
      await cli.shows(/^stopping…/m);
      await sleep(500);
      await cli.stop();
    }
    for (let tries = 0; tries < 50 && isAlive(child); tries++) await sleep(100);
    expect(isAlive(child)).toBe(false);
  });

  it('is missed in one sentence where the system killed it', async () => {
    const [cli, child] = await start('killed');
    process.kill(child, 'SIGKILL');
    const { code, stderr } = await cli.finished;
    expect(code).toBe(1);
    expect(stderr).toContain(
      'the training process was killed (SIGKILL), as the system does when memory runs out',
    );
  });
});
