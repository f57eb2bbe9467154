import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { JudgeServer, sectionOf, type Asked, type Said } from '../../test/support/judgeServer.js';
import { Judge } from './judge.js';
import type { Judgement } from '../verify/files/judgement.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-judge-'));
const servers: JudgeServer[] = [];
const judges: Judge[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const judge of judges.splice(0)) judge[Symbol.dispose]();
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

let files = 0;
const newCache = () => join(root, `${++files}.jsonl`);

async function open(
  answer: (asked: Asked, count: number) => Said | Promise<Said>,
  { cache = newCache(), concurrency = 4 } = {},
): Promise<{ judge: Judge; server: JudgeServer; cache: string }> {
  const server = new JudgeServer(answer);
  servers.push(server);
  const judge = new Judge({ baseUrl: await server.listen(), model: 'judge-1', concurrency, cache });
  judges.push(judge);
  return { judge, server, cache };
}

const question = (answer: string) => ({
  problem: 'What is 1+1?',
  references: ['2'],
  extracted: answer,
  response: `So it is ${answer}.`,
});
const verdict = (asked: Asked): string =>
  JSON.stringify({
    explanation: 'compared',
    verdict: sectionOf(asked, 'final_answer') === '2' ? 'correct' : 'incorrect',
  });

describe('Judge', () => {
  it('asks for a structured reply at temperature 0 and reads it', async () => {
    const { judge, server } = await open(verdict);
    const said = await Promise.all(['2', '3'].map((answer) => judge.ask(question(answer))));
    expect(said).toEqual<Judgement[]>([
      { correct: true, explanation: 'compared' },
      { correct: false, explanation: 'compared' },
    ]);
    expect(server.asked[0]).toMatchObject({
      model: 'judge-1',
      temperature: 0,
      response_format: { type: 'json_schema', json_schema: { strict: true } },
    });
    expect(judge.use).toEqual({ asked: 2, remembered: 0, promptTokens: 200, completionTokens: 20 });
  });

  it.each([400, 422])('goes on without the format where the endpoint refuses it with %i', async (status) => {
    const { judge, server } = await open((asked) =>
      asked.response_format ? { status, message: 'response_format is not supported' } : 'Correct.',
    );
    for (const answer of ['2', '3', '4'])
      expect(await judge.ask(question(answer))).toMatchObject({ correct: true });
    expect(server.asked.map(({ response_format }) => response_format !== undefined)).toEqual([
      ...[true, false],
      ...[false, false],
    ]);
  });

  it('gives null, not false, where the reply cannot be understood or does not come, and asks again later', async () => {
    const cache = newCache();
    const odd = await open(
      (asked) =>
        sectionOf(asked, 'final_answer') === '2'
          ? 'What a nice problem!'
          : { status: 413, message: 'too long' },
      { cache },
    );
    expect(await odd.judge.ask(question('2'))).toMatchObject({ correct: null });
    const refused = await odd.judge.ask(question('3'));
    expect(refused.correct).toBeNull();
    expect(refused.explanation).toContain('too long');
    expect(odd.judge.use.failures).toMatchObject({ count: 1, permanent: 1 });
    expect(odd.judge.use.failures!.first).toContain('too long');
    odd.judge[Symbol.dispose]();

    const { judge } = await open(verdict, { cache });
    expect(await judge.ask(question('2'))).toMatchObject({ correct: true });
    expect(await judge.ask(question('3'))).toMatchObject({ correct: false });
  });

  it('keeps "unsure" as an answer', async () => {
    const cache = newCache();
    const { judge } = await open(() => '{"explanation": "no reference", "verdict": "unsure"}', { cache });
    const said = { correct: null, explanation: 'no reference' };
    expect(await judge.ask(question('2'))).toEqual(said);
    expect(await judge.ask(question('2'))).toEqual(said);
    expect(judge.use).toMatchObject({ asked: 1, remembered: 1 });
  });

  it('waits and asks again after 429', async () => {
    const { judge, server } = await open((asked, count) =>
      count === 1 ? { status: 429, headers: { 'retry-after-ms': '50' } } : verdict(asked),
    );
    expect(await judge.ask(question('2'))).toMatchObject({ correct: true });
    expect(server.asked).toHaveLength(2);
  });

  it('gives up where the endpoint takes no question at all', async () => {
    const wrongKey = await open(() => ({ status: 401, message: 'no such key' }));
    await expect(wrongKey.judge.ask(question('2'))).rejects.toThrow('OPENAI_API_KEY');
    const full = await open(() => ({ status: 403, message: 'not for you' }));
    const said = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => full.judge.ask(question(String(i)))),
    );
    expect(said.map(({ status }) => status)).toEqual([...Array<string>(7).fill('fulfilled'), 'rejected']);
  });

  it('asks about the same thing once, and no more than so much at once', async () => {
    const { judge, server } = await open(
      async (asked) => {
        await sleep(20);
        return verdict(asked);
      },
      { concurrency: 3 },
    );
    const answers = Array.from({ length: 24 }, (_, i) => String(i % 8));
    const said = await Promise.all(answers.map((answer) => judge.ask(question(answer))));
    expect(said.map(({ correct }) => correct)).toEqual(answers.map((answer) => answer === '2'));
    expect(server.asked).toHaveLength(8);
    expect(server.most).toBe(3);
  });

  it('does not ask what an earlier run was told, even where its last line was cut off', async () => {
    const cache = newCache();
    const first = await open(verdict, { cache });
    for (const answer of ['2', '3', '4']) await first.judge.ask(question(answer));
    first.judge[Symbol.dispose]();
    const whole = readFileSync(cache);
    truncateSync(cache, whole.length - 20);

    const second = await open(verdict, { cache });
    for (const answer of ['2', '3', '4']) await second.judge.ask(question(answer));
    expect(second.judge.use).toMatchObject({ asked: 1, remembered: 2 });
    second.judge[Symbol.dispose]();
    appendFileSync(cache, 'not a line of ours\n{"key": 5}\n');

    const third = await open(verdict, { cache });
    for (const answer of ['2', '3', '4']) await third.judge.ask(question(answer));
    expect(third.server.asked).toHaveLength(0);
    // Another reference answer is another question.
    await third.judge.ask({ ...question('2'), references: ['3'] });
    expect(third.server.asked).toHaveLength(1);
    third.judge[Symbol.dispose]();
  });

  it('stops at once when it is told to', async () => {
    const { judge } = await open(() => sleep(60_000, 'late'));
    const controller = new AbortController();
    const asking = judge.ask(question('2'), controller.signal);
    setTimeout(() => {
      controller.abort(new Error('enough'));
    }, 50);
    await expect(asking).rejects.toThrow('enough');
  });
});
