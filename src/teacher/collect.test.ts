import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  chance,
  TeacherServer,
  type TeacherOptions,
  type TeacherRequest,
} from '../../test/support/teacherServer.js';
import { silentProgress } from '../util/progress.js';
import { deriveSeed } from '../util/random.js';
import { collect, type CollectOptions } from './collect.js';
import type { Verifier } from './collector.js';
import { openEndpoint, type EndpointOptions } from './endpoint.js';
import { endpointSampler } from './endpointSampler.js';
import { collectSettings, requestFields, type CollectSettings } from './settings.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-collect-'));
const servers: TeacherServer[] = [];
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  rmSync(root, { recursive: true });
});

let files = 0;
const newPath = (name: string) => join(root, `${++files}-${name}`);

function problemFile(rows: readonly object[]): string {
  const path = newPath('problems.jsonl');
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

/** `count` problems; the answer of number i is i. */
const sums = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ problem: `${i} + 0?`, answer: `${i}`, source: 'sums' }));

/** Right four times in ten, by prompt and seed. */
const answer = (request: TeacherRequest) => {
  const number = Number(/(\d+) \+ 0/.exec(request.prompt)?.[1]);
  return { content: `So \\boxed{${chance(request, 'right') < 0.4 ? number : number + 1}}.` };
};
const verify: Verifier = ({ gold, pred }) => {
  const extracted = /\\boxed\{([^{}]*)\}/.exec(pred)?.[1] ?? null;
  const correct = extracted === gold;
  return { correct, reason: correct ? 'equal' : 'different', stage: 'string', extracted };
};

const SETTINGS: CollectSettings = collectSettings.parse({
  data: 'set by each run',
  model: 'r1',
  base_url: 'http://set-by-each-run',
  samples: 3,
  instruction: 'Think.',
  sampling: { temperature: 0.6, max_tokens: 100, seed: 5 },
});

interface Run extends Partial<Omit<CollectOptions, 'settings' | 'model'>> {
  server?: TeacherServer;
  problems?: string;
  settings?: Partial<CollectSettings>;
  endpoint?: Partial<EndpointOptions>;
}

const newServer = (options: Partial<TeacherOptions> = {}) => {
  const server = new TeacherServer({ answer, ...options });
  servers.push(server);
  return server;
};
const urls = new Map<TeacherServer, Promise<string>>();
const urlOf = (server: TeacherServer) => {
  const url = urls.get(server) ?? server.listen();
  urls.set(server, url);
  return url;
};

async function run({ server = newServer(), problems, settings, endpoint, ...options }: Run) {
  const out = options.out ?? newPath('out');
  const all = { ...SETTINGS, data: problems ?? problemFile(sums(10)), ...settings };
  const summary = await collect({
    verify,
    progress: silentProgress,
    signal: new AbortController().signal,
    ...options,
    out,
    settings: all,
    model: {
      name: all.model,
      identity: { model: all.model },
      sampler: endpointSampler(
        openEndpoint({
          baseUrl: await urlOf(server),
          model: all.model,
          concurrency: 4,
          firstWaitSeconds: 0.005,
          ...endpoint,
        }),
        (id) => requestFields(all, id),
      ),
    },
  });
  return { summary, out, server, rows: rowsOf(join(out, 'traces.jsonl')) };
}

interface Row extends Record<string, unknown> {
  generations: string[];
  correctness: { math_verify_answer: boolean[]; math_verify_reparsed_answer: boolean[] };
}
const rowsOf = (path: string): Row[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
const bytesOf = (out: string, name = 'traces.jsonl') => readFileSync(join(out, name), 'utf8');

/** What the server says for a sample, without going through `collect`. */
function expected(problem: number, sample: number, settings = SETTINGS): string {
  const prompt = `${settings.instruction}\n${problem} + 0?`;
  const seed = deriveSeed(settings.sampling.seed, 'collect', problem, sample) % 2 ** 31;
  return answer({ prompt, body: { seed } } as unknown as TeacherRequest).content;
}

describe.concurrent('the rows', () => {
  it('have the fields of OpenR1-Math-Raw and our own, and carry the problem’s', async () => {
    const problems = problemFile([
      {
        problem: '7 + 0?',
        answer: '7',
        source: 'amc',
        problem_type: 'Algebra',
        uuid: 'u1',
        solution: 'Easy.',
      },
      { question: '8 + 0?', answer: 'It is 8.\n#### 8', original_index: 70 },
      {
        ...{
          problem: '9 + 0?',
          answer: '9',
          generations: ['old'],
          generations_count: 1,
          finish_reasons: null,
        },
        ...{ correctness: { llama_verification: [true] }, correct: [true], reparsed_answers: ['10'] },
      },
    ]);
    const { rows, summary, out, server } = await run({
      problems,
      server: newServer({
        answer: (request) =>
          request.prompt.includes('7 +')
            ? {
                content: 'So \\boxed{7}.',
                reasoning: 'Hm.',
                usage: { prompt_tokens: 11, completion_tokens: 22 },
              }
            : {
                content: 'It is \\boxed{10}',
                finish_reason: 'length',
                usage: { prompt_tokens: 1, completion_tokens: 2 },
              },
      }),
      settings: { samples: 1, system: 'Be brief.', price_in: 2, price_out: 10 },
    });
    const sampling = {
      ...{
        api: 'chat',
        system: 'Be brief.',
        instruction: 'Think.',
        temperature: 0.6,
        top_p: 0.95,
        max_tokens: 100,
        seed: 5,
      },
    };
    const cutOff = {
      ...{ finish_reason: 'length', prompt_tokens: 1, completion_tokens: 2 },
      verdict: { correct: false, reason: 'different', stage: 'string', extracted: '10' },
    };
    const wrong = { generations: ['It is \\boxed{10}'], generations_count: 1, teacher: 'r1', sampling };
    expect(rows).toEqual([
      {
        ...{
          original_index: 0,
          id: '0',
          problem: '7 + 0?',
          answer: '7',
          source: 'amc',
          problem_type: 'Algebra',
        },
        ...{ uuid: 'u1', solution: 'Easy.', generations_count: 1, teacher: 'r1', sampling },
        generations: ['<think>\nHm.\n</think>\n\nSo \\boxed{7}.'],
        correctness: { math_verify_answer: [true], math_verify_reparsed_answer: [true] },
        generation_details: [
          {
            ...{ finish_reason: 'stop', prompt_tokens: 11, completion_tokens: 22 },
            verdict: { correct: true, reason: 'equal', stage: 'string', extracted: '7' },
          },
        ],
      },
      {
        ...{
          original_index: 70,
          id: '1',
          problem: '8 + 0?',
          answer: '8',
          solution: 'It is 8.\n#### 8',
          ...wrong,
        },
        correctness: { math_verify_answer: [false], math_verify_reparsed_answer: [false] },
        generation_details: [cutOff],
      },
      {
        ...{ original_index: 2, id: '2', problem: '9 + 0?', answer: '9', reparsed_answers: ['10'], ...wrong },
        correctness: { math_verify_answer: [false], math_verify_reparsed_answer: [true] },
        generation_details: [cutOff],
      },
    ]);
    expect(summary).toEqual({
      ...{
        traces: join(out, 'traces.jsonl'),
        problems: 3,
        // The last one's answer is right and was cut off.
        solved: 1,
        failed: 0,
        unanswerable: 0,
        set_aside: 0,
        generations: 3,
        cut_off: 2,
      },
      ...{ right: 1, prompt_tokens: 13, completion_tokens: 26, cost: (13 * 2 + 26 * 10) / 1e6 },
      budget_used_up: false,
    });
    expect(JSON.parse(bytesOf(out, 'summary.json'))).toEqual(summary);
    const first = server.requests.find(({ prompt }) => prompt.includes('7 +'))!;
    expect(first.body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Think.\n7 + 0?' },
      ],
      temperature: 0.6,
      max_tokens: 100,
      seed: deriveSeed(5, 'collect', 0, 0) % 2 ** 31,
    });
  });

  it('are in input order, their traces in the order of their numbers, whatever arrives first', async () => {
    const server = newServer({ delayMs: (request) => 20 * chance(request, 'delay') });
    const { rows, summary } = await run({ server, endpoint: { concurrency: 8 } });
    expect(rows.map(({ generations }) => generations)).toEqual(
      Array.from({ length: 10 }, (_, i) => [0, 1, 2].map((sample) => expected(i, sample))),
    );
    expect(server.mostAtOnce).toBeGreaterThan(4);
    const right = rows.flatMap((row) => row.correctness.math_verify_answer);
    expect(right).toEqual(rows.flatMap((row, i) => row.generations.map((text) => text.includes(`{${i}}`))));
    expect(summary).toMatchObject({ generations: 30, right: right.filter(Boolean).length });
  });

  it('end with the first right trace where that is what is asked for', async () => {
    const settings = { samples: 1, until_right: 4 };
    const { rows, server } = await run({ settings, endpoint: { concurrency: 8 } });
    const wanted = Array.from({ length: 10 }, (_, i) => {
      const all = [0, 1, 2, 3].map((sample) => expected(i, sample));
      const first = all.findIndex((text) => text.includes(`{${i}}`));
      return first < 0 ? all : all.slice(0, first + 1);
    });
    expect(rows.map(({ generations }) => generations)).toEqual(wanted);
    expect(new Set(wanted.map((list) => list.length))).toEqual(new Set([1, 2, 3, 4]));
    expect(server.requests).toHaveLength(wanted.flat().length);
  });

  it('come from completions as well', async () => {
    const settings: Partial<CollectSettings> = { api: 'completions', samples: 1, instruction: '' };
    const { server, rows } = await run({ settings });
    expect(server.requests[0]).toMatchObject({ path: '/v1/completions', body: { prompt: '0 + 0?' } });
    expect(rows).toHaveLength(10);
    expect(rows[0]!.sampling).toEqual({
      ...{ api: 'completions', seed: 5, temperature: 0.6, top_p: 0.95, max_tokens: 100 },
    });
  });
});

describe.concurrent('a run that goes on', () => {
  it.each([false, true])('asks for nothing twice (until right: %s)', async (untilRight) => {
    const problems = problemFile(sums(10));
    const asked = untilRight ? { samples: 1, until_right: 3 } : {};
    const undisturbed = await run({ problems, settings: asked });
    const out = newPath('out');
    const server = newServer();
    let tokens = 60;
    for (let rounds = 0; ; rounds++) {
      const settings = { ...asked, max_tokens_total: tokens };
      const { summary } = await run({ problems, settings, out, server });
      if (!summary.budget_used_up) {
        expect(rounds).toBeGreaterThan(2);
        break;
      }
      tokens += 200;
    }
    expect(bytesOf(out)).toBe(bytesOf(undisturbed.out));
    expect(server.requests).toHaveLength(undisturbed.server.requests.length);
    const before = server.requests.length;
    await run({ problems, settings: asked, out, server });
    expect(bytesOf(out)).toBe(bytesOf(undisturbed.out));
    expect(server.requests).toHaveLength(before);
  });

  it('can ask for more traces of each problem', async () => {
    const problems = problemFile(sums(10));
    const undisturbed = await run({ problems });
    const { out, server } = await run({ problems, settings: { samples: 1, until_right: 2 } });
    await run({ problems, out, server, settings: { samples: 2 } });
    await run({ problems, out, server });
    expect(bytesOf(out)).toBe(bytesOf(undisturbed.out));
    expect(server.requests).toHaveLength(undisturbed.server.requests.length);
  });

  it.each<[string, Partial<CollectSettings>, string]>([
    ['temperature', { sampling: { ...SETTINGS.sampling, temperature: 1 } }, 'temperature (0.6 then, 1 now)'],
    [
      'a further field',
      { sampling: { ...SETTINGS.sampling, extra_body: { top_k: 20 } } },
      'top_k (not set then, 20 now)',
    ],
    [
      'model and seed',
      { model: 'v3', sampling: { ...SETTINGS.sampling, seed: 6 } },
      'model ("r1" then, "v3" now), seed (5 then, 6 now)',
    ],
  ])('is refused with another %s', async (_, settings, difference) => {
    const { out } = await run({});
    const before = bytesOf(out, 'journal.jsonl');
    const problems = problemFile(sums(10));
    await expect(run({ out, problems, settings })).rejects.toThrow(
      `${out} was begun with other settings: ${difference}; go on with the same ones, or choose another folder`,
    );
    expect(bytesOf(out, 'journal.jsonl')).toBe(before);
  });

  it('is refused with other problems', async () => {
    const { out } = await run({});
    await expect(run({ out, problems: problemFile(sums(11)) })).rejects.toThrow(
      'the problems (10 rows then, 11 now, or other contents)',
    );
  });

  it('is refused in a folder with the journal of something else', async () => {
    const out = newPath('out');
    await run({ out });
    writeFileSync(join(out, 'journal.jsonl'), '{"step":1}\n{"step":2}\n');
    await expect(run({ out })).rejects.toThrow('has a journal of something else');
  });

  it('is refused while another one is under way', async () => {
    const out = newPath('out');
    const first = run({ out, server: newServer({ delayMs: () => 50 }) });
    while (!existsSync(join(out, 'journal.jsonl'))) await new Promise((resolve) => setTimeout(resolve, 2));
    await expect(run({ out })).rejects.toThrow(`Another process is writing into ${out}`);
    expect((await first).rows).toHaveLength(10);
  });
});

describe.concurrent('a budget', () => {
  it('for tokens ends a run early, overdrawn by no more than a guess', async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 90 };
    const server = newServer({ answer: (request) => ({ ...answer(request), usage }), delayMs: () => 5 });
    const { summary, rows } = await run({
      server,
      settings: { max_tokens_total: 1500 },
      endpoint: { concurrency: 6 },
    });
    expect(summary).toMatchObject({ budget_used_up: true, failed: 0 });
    expect(summary.generations).toBeGreaterThanOrEqual(15);
    expect(summary.generations).toBeLessThanOrEqual(16);
    expect(rows.flatMap(({ generations }) => generations)).toHaveLength(summary.generations);
  });

  it('for the cost does so', async () => {
    const usage = { prompt_tokens: 1000, completion_tokens: 2000 };
    const server = newServer({ answer: (request) => ({ ...answer(request), usage }) });
    const settings = { price_in: 1, price_out: 4.5, max_cost: 0.095 }; // 0.01 a trace
    const { summary } = await run({ server, settings, endpoint: { concurrency: 1 } });
    expect(summary).toMatchObject({ budget_used_up: true, generations: 10, cost: 0.1 });
    await expect(run({ settings: { max_cost: 1 } })).rejects.toThrow('The cost needs both prices');
  });

  it('needs an endpoint that counts', async () => {
    const server = newServer({ answer: (request) => ({ ...answer(request), usage: null }) });
    await expect(run({ server, settings: { max_tokens_total: 1000 } })).rejects.toThrow(
      'does not say how many tokens',
    );
    const { rows, summary } = await run({ server });
    expect(rows[0]!.generation_details).toMatchObject([
      { prompt_tokens: null, completion_tokens: null },
      {},
      {},
    ]);
    expect(summary).toMatchObject({ prompt_tokens: 0, generations: 30 });
  });
});

describe.concurrent('a failure', () => {
  it('of one problem is recorded, the others go on, and the next run retries it', async () => {
    const problems = problemFile(sums(10));
    const undisturbed = await run({ problems });
    let broken = true;
    const server = newServer({
      fault: (_, { prompt }) =>
        broken && /\n[37] /.test(prompt)
          ? { status: prompt.includes('3 +') ? 400 : 503, error: { message: 'too long' } }
          : undefined,
    });
    const options = { problems, server, out: newPath('out'), endpoint: { retries: 1 } };
    const { summary, out, rows } = await run(options);
    expect(summary).toMatchObject({ problems: 10, failed: 2, generations: 24, budget_used_up: false });
    expect(rows.map((row) => row.original_index)).toEqual([0, 1, 2, 4, 5, 6, 8, 9]);
    expect(rowsOf(join(out, 'failed.jsonl'))).toMatchObject([
      { original_index: 3, problem: '3 + 0?', reason: expect.stringMatching(/HTTP 400 too long/) as string },
      { original_index: 7, problem: '7 + 0?', reason: expect.stringMatching(/2 tries.*HTTP 503/) as string },
    ]);
    broken = false;
    expect((await run(options)).summary).toMatchObject({ failed: 0, generations: 30 });
    expect(bytesOf(out)).toBe(bytesOf(undisturbed.out));
    expect(existsSync(join(out, 'failed.jsonl'))).toBe(false);
  });

  it('that every request would have ends the run', async () => {
    const server = newServer({ fault: (index) => (index < 5 ? undefined : { status: 401 }) });
    const out = newPath('out');
    await expect(run({ out, server })).rejects.toThrow(/wants a key|refuses the key/);
    expect(server.requests.length).toBeLessThan(12);
    expect(bytesOf(out, 'journal.jsonl').trimEnd().split('\n').length).toBeLessThanOrEqual(1 + 5);
  });

  it('of twenty problems in a row ends the run', async () => {
    const server = newServer({ fault: (index) => (index < 10 ? undefined : { status: 400 }) });
    const out = newPath('out');
    const failing = run({ out, server, problems: problemFile(sums(100)) });
    await expect(failing).rejects.toThrow(
      /20 problems in a row have failed, so the rest is left \(.*HTTP 400.*run the same command again/,
    );
    expect(server.requests.length).toBeLessThan(10 + 3 * 24);
    const resumed = await run({ out, problems: problemFile(sums(100)) });
    expect(resumed.rows).toHaveLength(100);
  });

  it('of the abort signal gives up at once what is under way', async () => {
    const controller = new AbortController();
    const server = newServer({ fault: (index) => (index < 6 ? undefined : 'silent') });
    const out = newPath('out');
    const stopped = run({ out, server, signal: controller.signal });
    while (server.requests.length < 10) await new Promise((resolve) => setTimeout(resolve, 2));
    controller.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    expect(existsSync(join(out, 'traces.jsonl'))).toBe(false);
    expect(bytesOf(out, 'journal.jsonl').trimEnd().split('\n')).toHaveLength(1 + 6);
  });

  it('to read a row sets it aside', async () => {
    const lines: string[] = [];
    const problems = problemFile([...sums(2), { problem: 'What?' }, { problem: '2 + 0?', answer: 2 }]);
    const progress = { ...silentProgress, log: (line: string) => lines.push(line) };
    const { summary, rows, out } = await run({ problems, progress });
    expect(summary).toMatchObject({ problems: 3, set_aside: 1 });
    expect(rows.map(({ original_index: index }) => index)).toEqual([0, 1, 3]);
    expect(rowsOf(join(out, 'quarantine.jsonl'))).toMatchObject([{ line: 3, file: problems }]);
    expect(lines).toEqual([
      `1 rows set aside in ${join(out, 'quarantine.jsonl')} (the first: line 3, the field "answer" is missing)`,
    ]);
  });
});

it('reports how far it is', async () => {
  const updates: [number, number, string?][] = [];
  const progress = {
    ...silentProgress,
    update: (...update: [number, number, string?]) => updates.push(update),
  };
  const server = newServer({
    fault: (_, { prompt }) => (prompt.includes('\n4 ') ? { status: 400 } : undefined),
  });
  const settings = { until_right: 3, samples: 1, price_in: 1, price_out: 1 };
  await run({ progress, server, settings });
  expect(updates[0]).toEqual([0, 30, '0 tokens, cost 0.00']);
  expect(updates.map(([done]) => done)).toEqual(updates.map(([done]) => done).sort((a, b) => a - b));
  expect(updates.at(-1)).toEqual([
    30,
    30,
    expect.stringMatching(/^\d+ tokens, cost 0\.00, \d+ % right, 1 failed$/),
  ]);
});
