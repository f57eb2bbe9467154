import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { LocalServer } from './localServer.js';

/** A request as it came. */
export interface ScoreRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: { model: string; prompt: number[]; max_tokens: number; prompt_logprobs: number };
}

export interface VllmEntry {
  logprob: number | null;
  rank: number | null;
  decoded_token: string | null;
}
/** What is known of each place of a prompt. */
export type Places = (Record<string, VllmEntry> | null)[];

/** Tokens of the model that the server has. */
export const VOCAB = 400;

/** The log-probs of all tokens in a place, which look like noise with a few likely ones, rounded as float32 is; a shift makes other weights. */
export function allLogps(place: number, shift = 0): number[] {
  const logits = Array.from({ length: VOCAB }, (_, id) => {
    const uniform = (((id * 7919 + place * 10_473 + shift) % 1009) + 1) / 1010;
    return -2 * Math.log(-Math.log(uniform));
  });
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return logits.map((logit) => Math.fround(logit - total));
}

/** The ids of a place by their log-probs, likeliest first. */
export const ranked = (logps: readonly number[]): number[] =>
  [...logps.keys()].sort((a, b) => logps[b]! - logps[a]! || a - b);

/** As vLLM answers: nothing for the first token, for each other one the k likeliest and the token itself. */
export function placesOf(
  { prompt, prompt_logprobs: k }: ScoreRequest['body'],
  textOf: (id: number) => string | null = () => null,
  shift = 0,
): Places {
  return prompt.map((id, place) => {
    if (place === 0) return null;
    const logps = allLogps(place, shift);
    const order = ranked(logps);
    const shown = [...new Set([...order.slice(0, k), id])];
    return Object.fromEntries(
      shown.map((token) => [
        token,
        { logprob: logps[token]!, rank: order.indexOf(token) + 1, decoded_token: textOf(token) },
      ]),
    );
  });
}

/** An answer with those places. */
export const answerOf = (places: unknown) => ({
  object: 'text_completion',
  choices: [{ index: 0, text: 'x', finish_reason: 'length', prompt_logprobs: places }],
});

/** What comes: an answer, another status, or nothing ever. */
export type Given = { answer: unknown } | { status: number; error?: string } | 'silence';

/** A made-up vLLM on 127.0.0.1, as far as it scores prompts. */
export class ScoringServer extends LocalServer {
  readonly requests: ScoreRequest[] = [];
  /** How long each answer takes. */
  delayMs = 0;

  /** @param give what comes of a request with its number, from 0; nothing: as vLLM answers */
  constructor(public give: (request: ScoreRequest, index: number) => Given | undefined = () => undefined) {
    super();
  }

  protected async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // One that is answered is not under way any more when the client hears of it.
    let isUnderWay = true;
    const end = () => {
      if (isUnderWay) this.underWay--;
      isUnderWay = false;
    };
    response.on('close', end);
    const body = JSON.parse(await text(request)) as ScoreRequest['body'];
    const asked = { path: request.url ?? '', headers: request.headers, body };
    const given = this.give(asked, this.requests.push(asked) - 1) ?? { answer: answerOf(placesOf(body)) };
    if (given === 'silence') return;
    await sleep(this.delayMs);
    end();
    const [status, json] =
      'answer' in given ? [200, given.answer] : [given.status, { error: { message: given.error ?? 'no' } }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  }
}

/** Servers for a test file, which are closed after it. */
export function scoringServers() {
  const servers: ScoringServer[] = [];
  afterAll(() => Promise.all(servers.map((server) => server.close())));
  return async (give?: ScoringServer['give']) => {
    const server = new ScoringServer(give);
    servers.push(server);
    return { server, url: await server.listen() };
  };
}
