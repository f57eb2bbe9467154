import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import { allLogps, placesOf, answerOf, scoringServers } from '../../test/support/scoringServer.js';
import { expectDone, expectError, tinyCommands } from '../../test/support/tinyCommands.js';
import { Cli, readRows, redistill } from '../../test/support/tinyModel.js';

const { path, tiny, pairs, file, rows, newPath } = tinyCommands();
const newServer = scoringServers();

const columns = (data: string, ...flags: string[]) => [
  ...['columns', data, '--model', tiny, '--as', 'teacher', '--out', `${newPath('out')}.jsonl`],
  ...flags,
];
const atEndpoint = (url: string, data: string, out: string, ...flags: string[]) => [
  ...['columns', data, '--base-url', url, '--model', 'big', '--tokenizer', tiny, '--as', 'teacher'],
  ...['--out', out, '--retries', '0', ...flags],
];
const outOf = (args: readonly string[]) => args[args.indexOf('--out') + 1]!;

describe.concurrent('refuses with one sentence, and writes nothing', () => {
  const nowhere = path('nowhere');
  it.each<[string, () => string[], string[]]>([
    ['a file that is not there', () => columns(nowhere), [nowhere]],
    ['a model that is not there', () => columns(pairs, '--model', nowhere), [nowhere]],
    ['a tokenizer that is not there', () => columns(pairs, '--tokenizer', nowhere), [nowhere]],
    ['a context that is not there', () => columns(pairs, '--context', nowhere), [nowhere, 'hindsight']],
    [
      'another model that is not there',
      () => columns(pairs, '--read', 'contrast', '--contrast-with', nowhere),
      [nowhere],
    ],
    ['a file without rows', () => columns(file('jsonl', '\n\n')), [' has no ']],
    ['a folder', () => columns(tiny), [tiny]],
    ['a line that is not JSON', () => columns(file('jsonl', '{"prompt": ')), [', line 1: not valid JSON']],
    [
      'more likeliest tokens than there are',
      () => columns(pairs, '--read', 'top-k', '--k', '999'),
      ['--k is 999, and'],
    ],
    [
      'a name that is none',
      () => columns(pairs, '--read', 'log-probs'),
      ['--read: "log-probs" is 9 tokens; it is one of logps'],
    ],
    [
      'half a list of tokens',
      () => columns(pairs, '--read', 'a,'),
      ['--read has nothing on one side of a comma'],
    ],
    [
      'an endpoint without a student',
      () => [
        'columns',
        pairs,
        '--base-url',
        'http://127.0.0.1:9/v1',
        '--model',
        'm',
        '--as',
        'a',
        '--out',
        newPath('o'),
      ],
      ['--base-url needs a --tokenizer'],
    ],
    [
      'an endpoint for entropies',
      () => atEndpoint('http://127.0.0.1:9/v1', pairs, newPath('o'), '--read', 'entropy'),
      ['--base-url is for logps and top-k'],
    ],
    [
      'an endpoint that is none',
      () => atEndpoint('127.0.0.1:9', pairs, newPath('o')),
      ['"127.0.0.1:9" is not the URL of an endpoint'],
    ],
  ])('%s', async (_, args, sentences) => {
    const given = args();
    expectError(await redistill(given), 2, ...sentences);
    expect(existsSync(outOf(given))).toBe(false);
  });

  it('rows from a pipe, which cannot be read twice', () => {
    const args = columns('/dev/stdin');
    const { status, stderr } = spawnSync(process.execPath, ['bin/redistill.js', ...args], {
      input: readFileSync(pairs),
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([2, expect.stringContaining('/dev/stdin is no file')]);
  });

  it('its own input as its output, and a folder that is there', async () => {
    const data = rows([{ prompt: 'a', completion: 'b' }]);
    const before = readFileSync(data);
    expectError(await redistill([...columns(data).slice(0, -2), '--out', data]), 2, data);
    expect(readFileSync(data)).toEqual(before);
    const folder = newPath('folder');
    mkdirSync(folder);
    expectError(await redistill([...columns(data).slice(0, -2), '--out', folder]), 2, folder);
  });
});

it('writes log-probs of named tokens, spaces and all', async () => {
  const args = columns(pairs, '--read', ' ,y');
  expectDone(await redistill(args));
  const [{ sequences }] = readRows(outOf(args)) as [
    { sequences: { columns: Record<string, { ids: number[][] }> }[] },
  ];
  expect(sequences[0]!.columns.teacher!.ids[0]).toHaveLength(2);
});

describe('with an endpoint', () => {
  const env = { OPENAI_API_KEY: 'sk-hunter2-hunter2' };
  const many = () =>
    rows(Array.from({ length: 30 }, (_, i) => ({ prompt: 'a'.repeat(20 + i), completion: 'b'.repeat(20) })));

  it('that nobody listens at, says so', async () => {
    const { server, url } = await newServer();
    await server.close();
    const out = newPath('out');
    const done = await redistill(atEndpoint(url, pairs, out), { env });
    expectError(done, 1, url, 'ECONNREFUSED', 'the same command goes on where it was');
    expect(existsSync(out)).toBe(false);
  });

  it('a run that is killed goes on where it was, and nothing shows the key', async () => {
    const { server, url } = await newServer((_, index) => (index >= 20 ? 'silence' : undefined));
    const [data, out] = [many(), `${newPath('out')}.jsonl`];
    const args = atEndpoint(url, data, out, '--concurrency', '1');
    const first = new Cli(args, { env });
    await vi.waitFor(
      () => {
        expect(server.requests).toHaveLength(21);
      },
      { timeout: 60_000, interval: 50 },
    );
    expect(await first.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    expect(existsSync(out)).toBe(false);
    server.give = ({ headers, body }) => {
      expect(headers.authorization).toBe('Bearer sk-hunter2-hunter2');
      return { answer: answerOf(placesOf(body)) };
    };
    server.requests.length = 0;
    const second = await redistill(args, { env });
    expectDone(second);
    expect(second.stderr).toMatch(/column teacher: (1[789]|20) of 30 responses were scored before/);
    expect(server.requests.length).toBeLessThan(24);
    for (const { sequences } of readRows(out)) {
      const [{ prompt, response, columns: made }] = sequences as [
        { prompt: { ids: number[] }; response: [{ ids: number[] }]; columns: { teacher: number[] } },
      ];
      expect(made.teacher).toEqual(response[0].ids.map((id, t) => allLogps(prompt.ids.length + t)[id]));
    }
    expect(second.stderr + second.stdout + readFileSync(out, 'utf8')).not.toContain('hunter2');
  });

  it('a run that is interrupted ends at once, with what is on its way', async () => {
    const { server, url } = await newServer(() => 'silence');
    const cli = new Cli(atEndpoint(url, many(), newPath('out')), { env });
    await vi.waitFor(
      () => {
        expect(server.requests.length).toBeGreaterThan(0);
      },
      { timeout: 60_000, interval: 50 },
    );
    const { code, stderr } = await cli.stop('SIGINT');
    expect([code, stderr]).toEqual([130, expect.stringContaining('goes on where it was')]);
  });
});
