/** The built server as a process of its own, and those who ask it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Cli,
  parseRows,
  readRows,
  redistill,
  turns,
  writeRows,
  writeTinyModel,
} from '../../test/support/tinyModel.js';

const run = promisify(execFile);
const root = mkdtempSync(join(tmpdir(), 'redistill-cli-serve-'));
const path = (...names: string[]) => join(root, ...names);
const model = path('tiny');
const KEY = 'sesame';
let server: Cli;
let url = '';

async function start(...args: string[]): Promise<{ cli: Cli; url: string }> {
  const cli = new Cli(['serve', '--model', model, '--dtype', 'f32', '--port', '0', ...args], {
    env: { STUDENT_KEY: KEY },
  });
  await cli.shows(/serving .* at http/);
  return { cli, url: /at (http\S+)/.exec(cli.stderr)![1]! };
}

/** All numbers in a value, in order. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

beforeAll(async () => {
  writeTinyModel(model, { max_position_embeddings: 8192 });
  ({ cli: server, url } = await start('--api-key-env', 'STUDENT_KEY'));
});
afterAll(async () => {
  await server.stop();
  rmSync(root, { recursive: true });
});

describe('a server', () => {
  it('says what generate says', async () => {
    const prompts = writeRows(path('prompts.jsonl'), [
      { prompt: 'hello' },
      { prompt: [{ role: 'user', content: '2+2?' }] },
    ]);
    const said = await redistill([
      'generate',
      '--model',
      model,
      '--prompts',
      prompts,
      '--dtype',
      'f32',
      '--max-tokens',
      '30',
    ]);
    const expected = parseRows(said.stdout).map(({ text }) => text);
    const answers = await Promise.all(
      ['hello', '2+2?'].map(async (content) => {
        const response = await fetch(`${url}/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
          body: JSON.stringify({ messages: [{ role: 'user', content }], temperature: 0, max_tokens: 30 }),
        });
        const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
        return choices[0]!.message.content;
      }),
    );
    expect(answers).toEqual(expected);
  });

  it('answers collect', async () => {
    const problems = writeRows(
      path('problems.jsonl'),
      Array.from({ length: 12 }, (_, i) => ({ problem: `${i} + 0?`, answer: `${i}` })),
    );
    const out = path('traces');
    const done = await redistill(
      [
        ...[
          'collect',
          problems,
          '--base-url',
          url,
          '--model',
          'tiny',
          '--api-key-env',
          'STUDENT_KEY',
          '--out',
          out,
        ],
        ...['-k', '3', '--max-tokens', '20', '--temperature', '1', '--json'],
      ],
      { env: { STUDENT_KEY: KEY } },
    );
    expect(done.code, done.stderr).toBe(0);
    const rows = readRows(join(out, 'traces.jsonl')) as { generations: string[] }[];
    expect(rows).toHaveLength(12);
    for (const { generations } of rows) expect(generations).toHaveLength(3);
    expect(new Set(rows.flatMap(({ generations }) => generations)).size).toBeGreaterThan(30);
  });

  it('judges', async () => {
    const file = writeRows(path('pairs.jsonl'), [{ problem: '1+2?', gold: '3', pred: 'a triple' }]);
    const done = await redistill(
      [
        ...['verify', file, '--out', path('verdicts.jsonl'), '--json', '--judge', '--base-url', url],
        ...['--judge-model', 'tiny', '--judge-key-env', 'STUDENT_KEY'],
      ],
      { env: { STUDENT_KEY: KEY } },
    );
    expect(done.code, done.stderr).toBe(0);
    // A tiny model gives no verdict, but what it said came as an answer of a judge's.
    const { judge } = JSON.parse(done.stdout) as { judge: { asked: number; completionTokens: number } };
    expect(judge.asked).toBeGreaterThan(0);
    expect(judge.completionTokens).toBeGreaterThan(0);
  });

  it.each([['logps'], ['top-k', '--k', '5']])(
    'computes a column of %s as the model itself does',
    async (read, ...more) => {
      const rows = writeRows(path('rows.jsonl'), [
        { messages: turns('2+2?', 'it is 4') },
        { messages: turns('3+3?', '6') },
      ]);
      const column = async (name: string, ...where: string[]) => {
        const out = path(`${read}-${name}.jsonl`);
        const done = await redistill(
          ['columns', rows, '--as', 'mine', '--read', read, '--out', out, ...more, ...where],
          { env: { STUDENT_KEY: KEY } },
        );
        expect(done.code, done.stderr).toBe(0);
        return numbersIn(readRows(out));
      };
      const here = await column('here', '--model', model, '--dtype', 'f32');
      const there = await column(
        'there',
        ...['--model', 'tiny', '--base-url', url, '--api-key-env', 'STUDENT_KEY', '--tokenizer', model],
      );
      expect(here.length).toBeGreaterThan(8);
      expect(there).toHaveLength(here.length);
      there.forEach((value, i) => {
        expect(value).toBeCloseTo(here[i]!, 4);
      });
    },
  );

  it('satisfies the official Python client', async (context) => {
    const python = process.env.REDISTILL_OPENAI_PYTHON;
    if (python === undefined) {
      console.log('skipped: REDISTILL_OPENAI_PYTHON names no Python that has openai');
      context.skip();
      return;
    }
    const script = fileURLToPath(new URL('../../test/clients/openai_client.py', import.meta.url));
    const { stdout } = await run(python, [script, url, 'tiny', KEY]);
    expect(stdout.trim().split('\n').at(-1)).toBe('a hundred at once');
  });

  it('says exactly in a crowd what generate says exactly, to the last bit', async () => {
    const { cli, url: other } = await start('--exact');
    const prompts = writeRows(path('exact.jsonl'), [{ prompt: 'one' }]);
    const done = await redistill([
      ...['generate', '--model', model, '--prompts', prompts, '--dtype', 'f32', '--exact', '--tokens'],
      ...['--max-tokens', '40', '--temperature', '1', '--seed', '3', '--samples', '2'],
    ]);
    const expected = parseRows(done.stdout) as { text: string; logps: number[] }[];
    const ask = async (content: string, seed: number) => {
      const response = await fetch(`${other}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          ...{ messages: [{ role: 'user', content }], max_tokens: 40, temperature: 1, seed, n: 2 },
          ...{ logprobs: true, top_logprobs: 2 },
        }),
      });
      const { choices } = (await response.json()) as {
        choices: { message: { content: string }; logprobs: { content: { logprob: number }[] } }[];
      };
      return choices.map(({ message, logprobs }) => ({
        text: message.content,
        logps: logprobs.content.map(({ logprob }) => logprob),
      }));
    };
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? ask('one', 3) : ask('x'.repeat(i), i))),
    );
    for (const own of answers.filter((_, i) => i % 4 === 0))
      expect(own).toEqual(expected.map(({ text, logps }) => ({ text, logps })));
    await cli.stop();
  });

  it('ends at Ctrl-C, also in the midst of an answer', async () => {
    const { cli, url: other } = await start('--name', 'student');
    const asked = fetch(`${other}/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'a', max_tokens: 2000, stream: true }),
    });
    const response = await asked;
    expect(response.status).toBe(200);
    const [ended, text] = await Promise.all([cli.stop(), response.text().catch(() => 'broken off')]);
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain('serving "student"');
    expect(text).toMatch(/"code":"stopped"|broken off/);
  });

  it('says in a sentence why it does not begin', async () => {
    const port = new URL(url).port;
    for (const [args, sentence] of [
      [['--port', port], 'another program listens there already'],
      [['--api-key-env', 'NOT_SET_AT_ALL'], 'is not set'],
      [['--context', '100000'], 'a context of 100000 tokens'],
      [['--host', '203.0.113.7'], 'the machine has no such address'],
      [['--allow-origin', '*'], '"*" is not the origin of a page'],
      [['--allow-host', 'http://a:8000'], '"http://a:8000" is not a name'],
      [['--exact', '--dtype', 'bf16'], 'exact results are in f32 on the CPU'],
    ] as [string[], string][]) {
      const { code, stderr } = await redistill(['serve', '--model', model, ...args]);
      expect(stderr).toContain(sentence);
      expect(code).toBe(2);
    }
  });
});

describe('chat', () => {
  it('answers each line of a pipe', async () => {
    const done = await new Promise<{ stdout: string; stderr: string }>((resolve, reject) => {
      const program = fileURLToPath(new URL('../../bin/redistill.js', import.meta.url));
      const args = [program, 'chat', model, '--dtype', 'f32', '--max-tokens', '10', '--temperature', '0'];
      const child = execFile(process.execPath, args, (error, stdout, stderr) => {
        if (error) reject(new Error(error.message));
        else resolve({ stdout, stderr });
      });
      child.stdin!.end('hello\n/clear\nhello\n');
    });
    const lines = done.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(lines[1]);
  });

  it('refuses a temperature that cannot be sampled at', async () => {
    for (const temperature of ['1e-300', '0.001']) {
      const { code, stderr } = await redistill(['chat', model, '--temperature', temperature]);
      expect(stderr).toContain('temperature must be 0 (greedy) or at least 0.01');
      expect(code).toBe(2);
    }
  });

  it('takes no third model', async () => {
    const { code, stderr } = await redistill(['chat', model, model, model]);
    expect(stderr).toContain('3 models are too many');
    expect(code).toBe(2);
  });
});
