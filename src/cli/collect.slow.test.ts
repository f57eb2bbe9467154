import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  chance,
  TeacherServer,
  type Fault,
  type TeacherOptions,
  type TeacherRequest,
} from '../../test/support/teacherServer.js';
import {
  Cli,
  parseRows,
  readRows,
  redistill,
  writeRows,
  type Finished,
} from '../../test/support/tinyModel.js';
import type { RequestId } from '../teacher/requests.js';
import { Random } from '../util/random.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-cli-collect-'));
const path = (...names: string[]) => join(root, ...names);
const problems = path('problems.jsonl');
const few = path('few.jsonl');
const servers: TeacherServer[] = [];

const sums = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ problem: `${i} + 0?`, answer: `${i}` }));
beforeAll(() => {
  writeRows(problems, sums(100));
  writeRows(few, sums(6));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  rmSync(root, { recursive: true });
});

/** Right four times in ten, by prompt and seed; with letters of more than one byte, which must not be torn. */
const answer = (request: TeacherRequest) => {
  const number = Number(/(\d+) \+ 0/.exec(request.prompt)?.[1]);
  const reasoning = 'π ≈ 3, 🙂. '.repeat(1 + Math.floor(40 * chance(request, 'length')));
  return { reasoning, content: `So \\boxed{${chance(request, 'right') < 0.4 ? number : number + 1}}.` };
};

async function teacher(
  options: Partial<TeacherOptions> = {},
): Promise<{ server: TeacherServer; url: string }> {
  const server = new TeacherServer({ answer, ...options });
  servers.push(server);
  return { server, url: await server.listen() };
}

let folders = 0;
const newOut = () => path(`out-${++folders}`);
const args = (url: string, out: string, ...more: string[]) => [
  ...['collect', few, '--base-url', url, '--model', 'r1', '--out', out, '--seed', '3'],
  ...more,
];
const traces = (out: string) => readFileSync(join(out, 'traces.jsonl'), 'utf8');

function expectError({ code, stdout, stderr }: Finished, exit: number, ...parts: (string | RegExp)[]): void {
  expect({ code, stdout }, stderr).toEqual({ code: exit, stdout: '' });
  const last = stderr.trimEnd().split('\n').at(-1);
  for (const part of parts) expect(last).toMatch(part);
}

describe.concurrent('collect', () => {
  it('--help has an example', async () => {
    const { code, stdout } = await redistill(['collect', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Example:\n  redistill collect problems.jsonl --base-url');
  });

  it('writes traces and prints what it did', async () => {
    const { url } = await teacher();
    const out = newOut();
    const { code, stdout, stderr } = await redistill(
      args(url, out, '-k', '2', '--price-in', '1', '--price-out', '2', '--json'),
    );
    expect(code, stderr).toBe(0);
    const rows = readRows(join(out, 'traces.jsonl'));
    expect(rows.map(({ generations_count: count }) => count)).toEqual([2, 2, 2, 2, 2, 2]);
    expect(rows[0]!.sampling).toMatchObject({ temperature: 0.6, top_p: 0.95, max_tokens: 16384, seed: 3 });
    expect(rows[0]!.generations).toEqual(
      expect.arrayContaining([expect.stringMatching(/^<think>\nπ ≈ 3, 🙂\. .*\n<\/think>\n\nSo \\boxed/)]),
    );
    expect(parseRows(stdout)).toMatchObject([
      { problems: 6, generations: 12, failed: 0, budget_used_up: false },
    ]);
    const again = await redistill(args(url, out, '-k', '2', '--price-in', '1', '--price-out', '2'));
    expect(again.stdout).toMatch(
      /traces\.jsonl: 12 traces, \d+ of them right; \d of 6 problems solved; .*, cost 0\.\d\d\n$/,
    );
  });

  it('never shows or stores the key', async () => {
    const { url, server } = await teacher({ fault: (index) => (index === 0 ? { status: 500 } : undefined) });
    const out = newOut();
    const env = { OPENAI_API_KEY: '', TEACHER_KEY: 'sk-very-secret' };
    const { code, stdout, stderr } = await redistill(
      args(url, out, '--api-key-env', 'TEACHER_KEY', '--json'),
      { env },
    );
    expect(code, stderr).toBe(0);
    expect(server.requests[0]!.headers.authorization).toBe('Bearer sk-very-secret');
    const written = readdirSync(out).map((name) => readFileSync(join(out, name), 'utf8'));
    expect([stdout, stderr, ...written].join('')).not.toContain('secret');
  });

  it.each<[string, string[], (string | RegExp)[]]>([
    ['no URL', ['--base-url', 'localhost'], ['localhost" is not the URL of an endpoint']],
    ['a key that is not set', ['--api-key-env', 'NO_SUCH_KEY'], ['NO_SUCH_KEY', 'is not set']],
    ['both counts', ['-k', '2', '--until-right', '2'], [/samples.*until[_-]right.*, not both/]],
    ['no traces', ['-k', '0'], ['must be a whole number from 1 to 100000']],
    ['a cost without prices', ['--max-cost', '5'], [/price[_-]in.* and .*price[_-]out/]],
    ['a cost with one price', ['--max-cost', '5', '--price-in', '1'], [/price[_-]out/]],
    ['a calculator at an endpoint', ['--calculator'], [/calculator.*base[_-]url/]],
    ['a flag that is none', ['--temprature', '1'], ['Did you mean --temperature?']],
    ['fields that are not JSON', ['--extra-body', '{top_k: 2}'], ['must be a JSON object']],
    [
      'a system message without a chat',
      ['--api', 'completions', '--system', 'x'],
      [/api.* completions .*instruction/],
    ],
  ])('refuses %s', async (_, flags, parts) => {
    const refused = await redistill(args('http://127.0.0.1:9/v1', newOut(), ...flags));
    expectError(refused, 2, ...parts);
  });

  it('refuses files that do not fit', async () => {
    const url = 'http://127.0.0.1:9/v1';
    const out = newOut();
    const start = (file: string, to: string) =>
      redistill(['collect', file, '--base-url', url, '--model', 'r1', '--out', to]);
    expectError(await start(path('none.jsonl'), out), 2, 'none.jsonl does not exist');
    expectError(
      await start(few, few),
      2,
      `${few} is read by this command: name another folder for the result`,
    );
    writeFileSync(path('empty.jsonl'), '');
    expectError(await start(path('empty.jsonl'), out), 2, 'has no problems with answers');
  });

  it('ends with 2 where the endpoint refuses everything, and with 1 where problems failed', async () => {
    const refusing = await teacher({ fault: () => ({ status: 404, error: { message: 'no such model' } }) });
    expectError(await redistill(args(refusing.url, newOut())), 2, 'has no model r1', 'no such model');
    for (const [status, sentence] of [
      [503, /problems failed, (.*): run the same command again to retry them$/m],
      [400, /problems cannot be asked, (.*)$/m],
    ] as const) {
      const failing = await teacher({
        fault: (_, { prompt }) => (prompt.includes('\n2 ') ? { status } : undefined),
      });
      const out = newOut();
      const { code, stdout, stderr } = await redistill(args(failing.url, out, '--retries', '0'));
      expect(code).toBe(1);
      expect(stdout).toContain('5 traces');
      expect(stderr).toContain('error: 1 of 6 problems');
      const [, why] = sentence.exec(stderr)!;
      expect(why).toMatch(
        new RegExp(`^${out}/failed.jsonl says why \\(the first: .*HTTP ${status} something went wrong`),
      );
      expect(readRows(join(out, 'traces.jsonl'))).toHaveLength(5);
    }
  });

  it('stops at a budget and goes on with a larger one', async () => {
    const { url } = await teacher();
    const out = newOut();
    const { code, stderr } = await redistill(
      args(url, out, '--max-tokens-total', '300', '--concurrency', '1'),
    );
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('the budget is used up; run the same command with a larger one to go on');
    expect(readRows(join(out, 'traces.jsonl')).length).toBeLessThan(6);
    const more = await redistill(args(url, out));
    expect(more.stdout).toContain('6 traces');
    expect(more.stderr).not.toContain('budget');
  });

  it('goes on with more traces and more problems where it had ended, and its record says so', async () => {
    const { url, server } = await teacher();
    const [out, whole] = [newOut(), newOut()];
    const data = writeRows(path('growing.jsonl'), sums(4));
    const grow = (folder: string, ...more: string[]) =>
      redistill(['collect', data, '--base-url', url, '--model', 'r1', '--out', folder, ...more]);
    expect(await grow(out)).toMatchObject({ code: 0 });
    expect(await grow(out, '-k', '2')).toMatchObject({ code: 0 });
    writeRows(data, sums(6));
    const { code, stderr } = await grow(out, '-k', '2');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('2 problems were added to the 4 of before');
    expect(server.requests).toHaveLength(12);
    expect(await grow(whole, '-k', '2')).toMatchObject({ code: 0 });
    for (const name of ['traces.jsonl', 'redistill.json'])
      expect(readFileSync(join(out, name), 'utf8'), name).toBe(readFileSync(join(whole, name), 'utf8'));
  });

  it('goes on in a pipeline as well', async () => {
    const { url, server } = await teacher();
    const data = writeRows(path('growing-in-a-pipeline.jsonl'), sums(4));
    const out = newOut();
    const stage = { name: 'traces', stage: 'collect', data, base_url: url, model: 'r1' };
    const recipe = path('growing.yaml');
    writeFileSync(recipe, JSON.stringify({ out, stages: [stage] }));
    expect(await redistill(['run', recipe])).toMatchObject({ code: 0 });
    writeRows(data, sums(6));
    expect(await redistill(['run', recipe, '--set', 'stages.traces.samples=2'])).toMatchObject({ code: 0 });
    expect(server.requests).toHaveLength(12);
    expect(readRows(join(out, 'traces', 'traces.jsonl'))).toHaveLength(6);
  });

  it('Ctrl-C ends it at once and the same command goes on', async () => {
    const { url, server } = await teacher({ fault: (index) => (index < 3 ? undefined : 'silent') });
    const out = newOut();
    const cli = new Cli(args(url, out, '--concurrency', '2'));
    while (server.requests.length < 5) await sleep(5);
    const started = performance.now();
    const stopped = await cli.stop();
    expect(performance.now() - started).toBeLessThan(3000);
    expect(stopped).toMatchObject({ code: 130, stdout: '' });
    expect(stopped.stderr.trimEnd().split('\n').at(-1)).toBe(
      `stopped; run the same command again to go on: what has arrived is kept in ${out}`,
    );
    expect(existsSync(join(out, 'traces.jsonl'))).toBe(false);
    const sound = await teacher();
    expect(await redistill(args(sound.url, out))).toMatchObject({ code: 0 });
    expect(sound.server.requests).toHaveLength(3);
  });

  it('keeps a folder to one process', async () => {
    const { url, server } = await teacher({ fault: () => 'silent' });
    const out = newOut();
    const first = new Cli(args(url, out));
    while (server.requests.length === 0) await sleep(5);
    expectError(await redistill(args(url, out)), 2, `Another process is writing into ${out}`);
    await first.stop('SIGKILL');
    const sound = await teacher();
    expect(await redistill(args(sound.url, out))).toMatchObject({ code: 0 });
  });

  it('says that the disk is full, and goes on when it is not', async () => {
    const { url } = await teacher();
    const sound = newOut();
    expect(await redistill(args(url, sound, '-k', '4'))).toMatchObject({ code: 0 });
    const out = newOut();
    const program = fileURLToPath(new URL('../../bin/redistill.js', import.meta.url));
    // A limit on the size of files, in KiB, gives the same kind of error.
    const limited = [
      '-c',
      'ulimit -f 4; exec "$@"',
      'bash',
      process.execPath,
      program,
      ...args(url, out, '-k', '4'),
    ];
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile('bash', limited, (error, _, text) => {
        resolve({ code: error?.code, stderr: text });
      });
    });
    expect(code).toBe(2);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      `error: The disk of ${out} is full: free some space and run the same command again; the answers up to now are kept.`,
    );
    expect(readFileSync(join(out, 'journal.jsonl')).length).toBeGreaterThan(3000);
    expect(await redistill(args(url, out, '-k', '4'))).toMatchObject({ code: 0 });
    expect(traces(out)).toBe(traces(sound));
  });
});

const KILLS = 20;
const CONCURRENCY = 4;
const FAULTS: Fault[] = [
  { status: 429, headers: { 'retry-after': '0.01' } },
  { status: 500, headers: { 'retry-after': '0.01' } },
  { status: 503, headers: { 'retry-after': '0' } },
  'reset',
  'reset-midway',
  'truncated',
  'not-json',
  'broken-event',
  'no-choices',
  'null-content',
];

describe.concurrent('killed 20 times at random moments, the file is that of an undisturbed run', () => {
  it.each([
    ['k traces', '-k', 4],
    ['until the first right trace', '--until-right', 6],
  ])('%s', async (_, flag, samples) => {
    const start = (url: string, out: string) => [
      ...['collect', problems, '--base-url', url, '--model', 'r1', '--out', out, flag, `${samples}`],
      ...['--concurrency', `${CONCURRENCY}`, '--instruction', 'Go:'],
    ];
    const sound = await teacher();
    const undisturbed = newOut();
    expect(await redistill(start(sound.url, undisturbed))).toMatchObject({ code: 0 });

    let faults = 0;
    const { server, url } = await teacher({
      delayMs: (request) => 10 + 40 * chance(request, 'delay'),
      fault: (index) => (index % 40 === 39 ? FAULTS[faults++ % FAULTS.length] : undefined),
    });
    const out = newOut();
    const random = new Random(samples);
    for (let kill = 0; kill < KILLS; kill++) {
      const asked = server.requests.length;
      const cli = new Cli(start(url, out));
      // Most of the time while it asks, now and then while it starts.
      if (kill % 5 !== 4) while (server.requests.length === asked) await sleep(2);
      await sleep(200 * random.nextFloat());
      expect(await cli.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
      expect(existsSync(join(out, 'traces.jsonl'))).toBe(false);
    }
    const atTheEnd = server.requests.length;
    const last = await redistill(start(url, out));
    expect(last, last.stderr).toMatchObject({ code: 0 });

    expect(traces(out)).toBe(traces(undisturbed));
    const wanted = sound.server.requests.length;
    expect(atTheEnd).toBeLessThan(wanted + KILLS * CONCURRENCY + faults);
    expect(server.requests.length).toBeGreaterThan(atTheEnd + 20); // there was something left for the last run
    // Beyond what is needed, there are only those requests that were under way at a kill, and the faults.
    expect(server.requests.length - wanted).toBeLessThanOrEqual(KILLS * CONCURRENCY + faults);
    const journal = readRows(join(out, 'journal.jsonl')).slice(1);
    expect(journal).toHaveLength(wanted);
    expect(
      new Set(journal.map(({ id }) => id as RequestId).map(({ problem, sample }) => `${problem}/${sample}`))
        .size,
    ).toBe(wanted);
    expect(readdirSync(out).sort()).toEqual([
      'journal.jsonl',
      'redistill.json',
      'summary.json',
      'traces.jsonl',
    ]);
  });
});
