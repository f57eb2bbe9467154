import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  allLogps,
  answerOf,
  placesOf,
  ranked,
  scoringServers,
  VOCAB,
  type ScoreRequest,
  type ScoringServer,
} from '../../test/support/scoringServer.js';
import { readRows, writeRows } from '../../test/support/tinyModel.js';
import { model, pairs, root, setUpRuns } from '../../test/support/trainingRuns.js';
import { columnsStage } from '../pipeline/stages/columns.js';
import { parseRecipe } from '../recipe/parse.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { silentProgress } from '../util/progress.js';

setUpRuns();
const newServer = scoringServers();

interface Sequence {
  prompt: { ids: number[] };
  response: { ids: number[] }[];
  columns: { teacher: number[] & { ids: number[][]; logps: number[][] } };
}

let files = 0;
async function columned(
  url: string,
  keys: object = {},
  signal = new AbortController().signal,
): Promise<{ out: string; said: string[]; sequences: Sequence[] }> {
  const out = join(root, `at-endpoint-${++files}.jsonl`);
  const settings = parseRecipe(
    columnsStage.schema,
    { model: 'big', base_url: url, tokenizer: model, data: pairs, as: 'teacher', retries: 0, ...keys },
    'columns',
  );
  const said: string[] = [];
  const progress = { ...silentProgress, log: (sentence: string) => said.push(sentence) };
  await columnsStage.run(settings, { out, progress, signal });
  return { out, said, sequences: readRows(out).flatMap(({ sequences }) => sequences as Sequence[]) };
}

/** Twenty rows of different lengths. */
const many = () =>
  writeRows(
    join(root, 'many.jsonl'),
    Array.from({ length: 20 }, (_, i) => ({ prompt: 'a'.repeat(i + 1), completion: 'b' })),
  );
const idsOf = ({ prompt, response }: Sequence) => [...prompt.ids, ...response[0]!.ids];
const promptsOf = ({ requests }: ScoringServer) => requests.map(({ body }) => body.prompt.join());
const given = (body: ScoreRequest['body'], shift = 0) => ({
  answer: answerOf(placesOf(body, () => null, shift)),
});

describe("an endpoint's log-probs", () => {
  it('are those of the tokens that were sent, each in its place', async () => {
    const { server, url } = await newServer();
    const { sequences } = await columned(url);
    expect(sequences).toHaveLength(10);
    for (const sequence of sequences) {
      const ids = idsOf(sequence);
      const start = sequence.prompt.ids.length;
      expect(sequence.columns.teacher).toEqual(
        sequence.response[0]!.ids.map((id, t) => allLogps(start + t)[id]),
      );
      expect(promptsOf(server)).toContain(ids.join());
    }
    expect(server.requests).toHaveLength(10);
    expect(server.requests[0]).toMatchObject({ path: '/v1/completions', body: { model: 'big' } });
  });

  it('are the same of several servers, of which one dies', async () => {
    const data = many();
    const alone = await columned((await newServer()).url, { data });
    const a = await newServer();
    const b = await newServer((_, index) => (index >= 3 ? { status: 503 } : undefined));
    a.server.delayMs = 20;
    const together = await columned(`${a.url},${b.url}`, { data, concurrency: 2, model: 'fleet' });
    expect(together.sequences).toEqual(alone.sequences);
    expect(a.server.requests.length).toBeGreaterThan(3);
    expect(b.server.requests.length).toBeGreaterThan(3);
    const before = a.server.requests.length;
    const again = await columned(`${b.url},${a.url}`, { data, model: 'fleet', retries: 20 });
    expect(again.sequences).toEqual(alone.sequences);
    expect(a.server.requests.length - before).toBeLessThan(10); // some are asked again to find other weights
  });

  it('are the likeliest tokens, most likely first', async () => {
    const { server, url } = await newServer();
    const { sequences } = await columned(url, { read: 'top-k', k: 3 });
    for (const { prompt, response, columns } of sequences)
      response[0]!.ids.forEach((_, t) => {
        const all = allLogps(prompt.ids.length + t);
        const best = ranked(all).slice(0, 3);
        expect(columns.teacher.ids[t]).toEqual(best);
        expect(columns.teacher.logps[t]).toEqual(best.map((id) => all[id]));
      });
    expect(server.requests[0]!.body.prompt_logprobs).toBe(3);
  });

  it('of another prompt have the same tokens', async () => {
    const { server, url } = await newServer();
    const data = writeRows(join(root, 'one-pair.jsonl'), [{ prompt: 'ab', chosen: 'c', rejected: 'de' }]);
    const { sequences } = await columned(url, { data, context: 'hindsight' });
    const shown = server.requests.map(({ body }) => ChatTokenizer.load(model).decode(body.prompt));
    expect(shown).toHaveLength(2);
    for (const text of shown) expect(text).toContain('This is a correct solution:\n\nc\n');
    const [chosen] = sequences;
    const { body } = server.requests.find(
      ({ body: { prompt } }) => prompt.at(-1) === chosen!.response[0]!.ids.at(-1),
    )!;
    expect(chosen!.columns.teacher.at(-1)).toBe(allLogps(body.prompt.length - 1)[body.prompt.at(-1)!]);
  });

  it.each([1, 3])('are asked for at most %d at once, and ahead of their turn', async (concurrency) => {
    const { server, url } = await newServer((_, index) => {
      // Those that prove the others stand in one pack.
      if (index === 8) server.mostAtOnce = 1;
      return undefined;
    });
    server.delayMs = 20;
    await columned(url, { data: many(), concurrency });
    expect(server.requests).toHaveLength(20);
    expect(server.mostAtOnce).toBe(concurrency);
  });

  it('are given up, all that are on their way, where one is refused', async () => {
    const asked = await newServer();
    await columned(asked.url, { data: many(), concurrency: 1 });
    const proving = new Set(promptsOf(asked.server).slice(0, 8));
    const { server, url } = await newServer(({ body: { prompt } }) => {
      // The longest row comes first after those that prove the others.
      if (prompt.filter((id) => id === prompt[0]).length === 20) return { status: 400, error: 'no' };
      return proving.has(prompt.join()) ? undefined : 'silence';
    });
    await expect(columned(url, { data: many(), concurrency: 4 })).rejects.toThrow(
      /many\.jsonl, line 20: .*HTTP 400 no/,
    );
    expect(server.requests.length).toBeGreaterThan(9);
    await vi.waitFor(() => {
      expect(server.underWay).toBe(0);
    });
  });
});

describe('what is kept', () => {
  it('is asked for again only to prove it, and anew for another model, address, prompt, row or kind', async () => {
    const { server, url } = await newServer();
    const first = await columned(url);
    server.requests.length = 0;
    const again = await columned(url);
    expect(again.sequences).toEqual(first.sequences);
    const proving = server.requests.length;
    expect(proving).toBeLessThan(10);
    expect(again.said.join()).toContain(
      `10 responses from the cache, ${proving} of them scored again and the same`,
    );
    const other = await newServer();
    const data = writeRows(join(root, 'others.jsonl'), [
      { prompt: 'q', chosen: 'r', rejected: 's' },
      { prompt: 'q', chosen: 't', rejected: 'uv' },
    ]);
    for (const [where, keys, count] of [
      [url, { model: 'bigger' }, 10],
      [other.url, {}, 10],
      [url, { system: 'Be brief.' }, 10],
      [url, { context: 'hindsight' }, 10],
      [url, { data }, 4],
      [url, { read: 'top-k', k: 2 }, 10],
      [url, { read: 'top-k', k: 4 }, 10],
    ] as const) {
      server.requests.length = other.server.requests.length = 0;
      await columned(where, keys);
      expect(server.requests.length + other.server.requests.length, JSON.stringify(keys)).toBe(count);
    }
  });

  it.each(['logps', 'top-k'])('of other weights under the same name is found out: %s', async (read) => {
    let shift = 0;
    const { url } = await newServer(({ body }) => given(body, shift));
    const keys = { read, k: 4 };
    await columned(url, keys);
    shift = 500;
    const { sequences, said } = await columned(url, keys);
    expect(said.join()).toContain('are not those of the model: they are scored anew');
    const { prompt, response, columns } = sequences[0]!;
    const all = allLogps(prompt.ids.length, shift);
    expect(read === 'logps' ? columns.teacher[0] : columns.teacher.logps[0]![0]).toBe(
      read === 'logps' ? all[response[0]!.ids[0]!] : Math.max(...all),
    );
  });

  it('holds though a server rounds in another way', async () => {
    let noise = 0;
    const { url, server } = await newServer(({ body }) => {
      const places = placesOf(body);
      for (const place of places)
        for (const [id, entry] of Object.entries(place ?? {})) entry.logprob! -= (Number(id) % 3) * noise;
      return { answer: answerOf(places) };
    });
    for (const keys of [{ read: 'top-k', k: 4 }, { read: 'logps' }]) {
      noise = 0;
      const { sequences } = await columned(url, keys);
      noise = 0.2;
      server.requests.length = 0;
      expect((await columned(url, keys)).sequences).toEqual(sequences);
      expect(server.requests.length).toBeLessThan(10);
    }
  });

  it('stays when the server dies half way, and the same command asks for the rest', async () => {
    const { server, url } = await newServer((_, index) => (index >= 9 ? { status: 500 } : undefined));
    const out = join(root, `at-endpoint-${files + 1}.jsonl`);
    await expect(columned(url, { concurrency: 1 })).rejects.toThrow(
      /gave no usable answer in one try.*HTTP 500.*; the same command goes on where it was$/,
    );
    expect(existsSync(out)).toBe(false);
    const before = promptsOf(server);
    server.requests.length = 0;
    server.give = () => undefined;
    const { sequences, said } = await columned(url, { concurrency: 1 });
    expect(said).toContain('column teacher: 9 of 10 responses were scored before');
    // Those that prove the others are asked for again, and what failed.
    expect(promptsOf(server)).toEqual([...before.slice(0, 8), before[9]]);
    for (const { prompt, response, columns } of sequences)
      expect(columns.teacher).toEqual(response[0]!.ids.map((id, t) => allLogps(prompt.ids.length + t)[id]));
  });

  it('stays when it is stopped, and what is on its way is given up', async () => {
    const abort = new AbortController();
    const { server, url } = await newServer((_, index) => (index >= 9 ? 'silence' : undefined));
    const stopped = columned(url, { concurrency: 2 }, abort.signal);
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(10);
    });
    abort.abort(new Error('stopped'));
    await expect(stopped).rejects.toThrow('stopped');
    await vi.waitFor(() => {
      expect(server.underWay).toBe(0);
    });
    server.give = () => undefined;
    const { said, sequences } = await columned(url, { concurrency: 2 });
    expect(said.join()).toMatch(/column teacher: [89] of 10 responses were scored before/);
    expect(sequences).toHaveLength(10);
  });
});

describe('is refused', () => {
  const one = () => writeRows(join(root, 'one.jsonl'), [{ prompt: 'ab', completion: 'c' }]);

  it.each<[string, (body: ScoreRequest['body']) => unknown, RegExp]>([
    ['no log-probs', () => answerOf(undefined), /v1 answers without "prompt_logprobs".*vLLM/],
    [
      'those of more tokens',
      (body) => answerOf([null, ...placesOf(body)]),
      /scores \d+ tokens where \d+ were sent/,
    ],
    [
      'those of other tokens',
      (body) => answerOf([null, null, ...placesOf(body).slice(1, -1)]),
      /gives log-probs of other tokens/,
    ],
    [
      'those of another tokenizer',
      (body) => answerOf(placesOf(body, (id) => `${id}`)),
      /has another tokenizer: token \d+ is "\d+" there and/,
    ],
  ])('what has %s', async (_, answer, message) => {
    const { url } = await newServer(({ body }) => ({ answer: answer(body) }));
    await expect(columned(url, { data: one() })).rejects.toThrow(message);
  });

  it('fewer likeliest tokens than were asked for', async () => {
    const { url } = await newServer(({ body }) => given({ ...body, prompt_logprobs: 2 }));
    await expect(columned(url, { data: one(), read: 'top-k', k: 5 })).rejects.toThrow(
      /gives [23] of the 5 likeliest tokens/,
    );
  });

  it('a row that the server does not take, by its line', async () => {
    const { url } = await newServer(({ body }) =>
      body.prompt.length > 20 ? { status: 400, error: 'maximum context length is 20 tokens' } : undefined,
    );
    const data = join(root, 'long-row.jsonl');
    writeRows(data, [
      { prompt: 'ab', completion: 'c' },
      { prompt: 'a'.repeat(30), completion: 'c' },
    ]);
    await expect(columned(url, { data })).rejects.toThrow(
      /long-row\.jsonl, line 2: .*maximum context length is 20 tokens/,
    );
  });

  it.each<[object, RegExp]>([
    [{ tokenizer: undefined }, /"base_url" needs a "tokenizer"/],
    [{ read: 'entropy' }, /"base_url" is for logps and top-k/],
    [{ read: 'a,b' }, /"base_url" is for logps and top-k.*"read" a,b needs a model that runs here/],
    [{ base_url: 'localhost:8000' }, /"localhost:8000" is not the URL of an endpoint/],
    [{ api_key_env: 'NO_SUCH_KEY' }, /NO_SUCH_KEY, which should hold the key, is not set/],
  ])('%j, before anything is asked', async (keys, message) => {
    await expect(columned('http://127.0.0.1:9/v1', keys)).rejects.toThrow(message);
  });
});

it('sends the key and writes neither it nor the address down', async () => {
  vi.stubEnv('SCORING_KEY', 'sk-hunter2-hunter2');
  const { server, url } = await newServer();
  const { out, said } = await columned(`${url}?token=query-secret`, { api_key_env: 'SCORING_KEY' });
  expect(server.requests[0]!.headers.authorization).toBe('Bearer sk-hunter2-hunter2');
  expect(server.requests[0]!.path).toBe('/v1/completions?token=query-secret');
  expect(readFileSync(out, 'utf8') + said.join()).not.toMatch(/hunter2|query-secret/);
});

it('the made-up server has distributions', () => {
  for (const place of [1, 7])
    expect(allLogps(place).reduce((sum, logp) => sum + Math.exp(logp), 0)).toBeCloseTo(1, 5);
  expect(allLogps(1)).toHaveLength(VOCAB);
});
