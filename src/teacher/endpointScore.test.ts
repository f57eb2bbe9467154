import { afterEach, describe, expect, it, vi } from 'vitest';
import { failure } from '../../test/support/teacherEndpoints.js';
import { allLogps, answerOf, scoringServers, type ScoringServer } from '../../test/support/scoringServer.js';
import { openEndpoint, type EndpointOptions } from './endpoint.js';

const newServer = scoringServers();
afterEach(() => {
  vi.unstubAllEnvs();
});

const prompt = { ids: [3, 5, 8], from: 1, k: 0, textOf: () => '' };
const expected = [1, 2].map((place) => allLogps(place)[prompt.ids[place]!]);

async function scoring(give?: ScoringServer['give'], options: Partial<EndpointOptions> = {}) {
  const { server, url } = await newServer(give);
  const waits: string[] = [];
  const endpoint = openEndpoint({
    ...{ baseUrl: url, model: 'big', firstWaitSeconds: 0.01 },
    onRetry: (reason) => waits.push(reason),
    ...options,
  });
  return { server, url, waits, endpoint };
}

it('sends ids to /completions and is given their log-probs, not streamed', async () => {
  const { server, endpoint } = await scoring();
  expect([...(await endpoint.score(prompt)).logps]).toEqual(expected);
  expect(server.requests).toMatchObject([
    { path: '/v1/completions', body: { model: 'big', prompt: [3, 5, 8], max_tokens: 1, prompt_logprobs: 0 } },
  ]);
  expect(server.requests[0]!.body).not.toHaveProperty('stream');
});

it('tries again what may pass', async () => {
  const faults = [
    { status: 503 },
    { answer: { error: { message: 'engine died' } } },
    { answer: { choices: [] } },
  ];
  const { server, waits, endpoint } = await scoring((_, index) => faults[index]);
  expect([...(await endpoint.score(prompt)).logps]).toEqual(expected);
  expect(server.requests).toHaveLength(4);
  expect(waits).toEqual([
    'HTTP 503 no',
    'the answer is an error: engine died',
    expect.stringMatching(/no choices/),
  ]);
});

describe('asks once', () => {
  it('where the answer would be the same again', async () => {
    const { server, url, endpoint } = await scoring(() => ({ answer: answerOf(null) }));
    const error = await failure(endpoint.score(prompt));
    expect(error.name).toBe('UserError');
    expect(error.message).toMatch(new RegExp(`^${url} answers without "prompt_logprobs"`));
    expect(server.requests).toHaveLength(1);
  });

  it('where the server does not take the prompt, and says what to check', async () => {
    const { server, endpoint } = await scoring(() => ({
      status: 400,
      error: 'Requested prompt logprobs of 50, which is greater than max allowed: 20',
    }));
    const error = await failure(endpoint.score({ ...prompt, k: 50 }));
    expect(error).toMatchObject({ name: 'EndpointError', isPermanent: true });
    expect(error.message).toMatch(/prompt logprobs of 50.*max allowed: 20.*--max-logprobs/);
    expect(server.requests).toHaveLength(1);
  });

  it('where the answer is larger than 64 MiB', async () => {
    const { server, endpoint } = await scoring(() => ({
      answer: { choices: [{ text: 'x'.repeat(65 << 20) }] },
    }));
    const error = await failure(endpoint.score(prompt));
    expect(error.message).toMatch(/larger than 64 MiB\): lower k, or shorten the row/);
    expect(error).toMatchObject({ name: 'EndpointError', isPermanent: true });
    expect(server.requests).toHaveLength(1);
  });
});

it('ends at once when it is aborted', async () => {
  const { server, endpoint } = await scoring(() => 'silence');
  const abort = new AbortController();
  const scored = failure(endpoint.score(prompt, abort.signal));
  await vi.waitFor(() => {
    expect(server.underWay).toBe(1);
  });
  abort.abort(new Error('stopped'));
  expect((await scored).message).toBe('stopped');
  await vi.waitFor(() => {
    expect(server.underWay).toBe(0);
  });
});

it('tells nothing secret, even where the server repeats it as the text of a token', async () => {
  vi.stubEnv('SCORING_KEY', 'sk-hunter2-hunter2');
  const token = (text: string) => ({ logprob: -1, rank: 1, decoded_token: text });
  const { server, url } = await newServer(({ headers }) => ({
    answer: answerOf([null, { 5: token(`${headers.authorization} query-secret`) }, { 8: token('x') }]),
  }));
  const endpoint = openEndpoint({
    ...{ baseUrl: `${url}?key=query-secret`, model: 'big', apiKeyEnv: 'SCORING_KEY' },
  });
  expect(endpoint.url).toBe(`${url}?key=***`);
  const { message } = await failure(endpoint.score({ ...prompt, textOf: () => 'five' }));
  expect(message).toMatch(/has another tokenizer: token 5 is "Bearer \*\*\* \*\*\*" there and "five" here/);
  expect(server.requests[0]!.headers.authorization).toBe('Bearer sk-hunter2-hunter2');
});
