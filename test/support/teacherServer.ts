import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalServer } from './localServer.js';

/** What the stand-in makes go wrong with one request. */
export type Fault =
  | { status: number; headers?: Record<string, string>; error?: object | string }
  /** The connection is reset before an answer, or after half of one. */
  | 'reset'
  | 'reset-midway'
  /** The stream ends in good order after half of the answer. */
  | 'truncated'
  | 'not-json'
  | 'broken-event'
  | 'error-event'
  | 'wrong-shape'
  | 'no-choices'
  | 'null-content'
  /** Nothing comes, from the start or after half of the answer. */
  | 'silent'
  | 'stalls'
  /** A byte now and then and no end. */
  | 'drips';

export interface Said {
  content: string | null;
  reasoning?: string;
  finish_reason?: string;
  /** Default: the characters of prompt and answer; null: the server does not count. */
  usage?: { prompt_tokens: number; completion_tokens: number } | null;
}

export interface TeacherRequest {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
  /** The prompt as text, or the content of the messages in lines. */
  prompt: string;
}

export interface TeacherOptions {
  /** The answer to a request that nothing befalls. */
  answer: (request: TeacherRequest) => Said;
  /** What befalls the request with this number, from 0. */
  fault?: (index: number, request: TeacherRequest) => Fault | undefined;
  /** Milliseconds before an answer. */
  delayMs?: (request: TeacherRequest) => number;
  /** Name of the field in which reasoning is sent. */
  reasoningField?: 'reasoning_content' | 'reasoning';
  /** Answers are sent whole though a stream was asked for. */
  whole?: boolean;
}

/** A stand-in for an OpenAI-compatible endpoint on 127.0.0.1 that can fail in every way a real one does. */
export class TeacherServer extends LocalServer {
  readonly requests: TeacherRequest[] = [];
  /** Answers that were sent to their end. */
  answered = 0;

  constructor(readonly options: TeacherOptions) {
    super();
  }

  protected async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('close', () => this.underWay--);
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece as string;
    const body = JSON.parse(text) as TeacherRequest['body'];
    const messages = (body.messages ?? []) as { content: string }[];
    const prompt = (body.prompt as string | undefined) ?? messages.map(({ content }) => content).join('\n');
    const asked = { path: request.url ?? '', headers: request.headers, body, prompt };
    this.requests.push(asked);
    const fault = this.options.fault?.(this.requests.length - 1, asked);
    const delay = this.options.delayMs?.(asked) ?? 0;
    if (delay > 0) await sleep(delay);
    if (response.destroyed) return;
    if (typeof fault === 'object') {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      const error = fault.error ?? { message: 'something went wrong' };
      response.end(typeof error === 'string' ? error : JSON.stringify({ error }));
    } else if (fault === 'reset') request.socket.resetAndDestroy();
    else if (fault === 'not-json') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('<html>Bad gateway</html>');
    } else if (fault !== 'silent') await this.#answer(asked, response, fault);
  }

  async #answer(asked: TeacherRequest, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    const said = this.options.answer(asked);
    const {
      content,
      reasoning,
      finish_reason = 'stop',
    } = fault === 'null-content' ? { content: null } : said;
    const usage = said.usage ?? {
      prompt_tokens: asked.prompt.length,
      completion_tokens: (content ?? '').length + (reasoning ?? '').length,
    };
    const counted = said.usage === null ? {} : { usage };
    const thought = this.options.reasoningField ?? 'reasoning_content';
    const [path] = asked.path.split('?');
    const chat = path === '/v1/chat/completions';
    if (!chat && path !== '/v1/completions') {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"detail":"Not Found"}');
      return;
    }
    if (this.options.whole || asked.body.stream !== true) {
      const message = { role: 'assistant', content, [thought]: reasoning ?? null };
      const choice = { index: 0, finish_reason, ...(chat ? { message } : { text: content }) };
      const choices = fault === 'no-choices' ? [] : [choice];
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ object: 'whole', choices, ...counted }));
      this.answered++;
      return;
    }
    const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
    const piece = (delta: object, finish: string | null = null) =>
      event({ choices: [{ index: 0, finish_reason: finish, ...(chat ? { delta } : delta) }] });
    const events = [
      ...halves(reasoning ?? '').map((text) => piece({ [thought]: text })),
      ...halves(content ?? '').map((text) => piece(chat ? { content: text } : { text })),
    ];
    if (content === '') events.push(piece(chat ? { content } : { text: content }));
    const half = events.slice(0, Math.ceil(events.length / 2)).join('');
    const end = [
      piece(chat ? {} : { text: '' }, finish_reason),
      event({ choices: [], ...counted }),
      'data: [DONE]\n\n',
    ].join('');

    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.write(': a comment that keeps the connection alive\n\n');
    if (fault === 'reset-midway') response.write(half, () => response.socket?.resetAndDestroy());
    else if (fault === 'truncated') response.end(half);
    else if (fault === 'broken-event') response.end(`${half}data: {"choices": [{"del\n\n${end}`);
    else if (fault === 'error-event') response.end(half + event({ error: { message: 'engine died' } }));
    else if (fault === 'wrong-shape') response.end(event({ choices: { '0': 'x' } }) + end);
    else if (fault === 'no-choices') response.end(event({ choices: [], ...counted }) + 'data: [DONE]\n\n');
    else if (fault === 'stalls') response.write(half);
    else if (fault === 'drips') {
      while (!response.destroyed) {
        response.write(': still there\n\n');
        await sleep(20);
      }
    } else {
      response.end((fault === 'null-content' ? '' : events.join('')) + end);
      this.answered++;
    }
  }
}

/** Two pieces of a text, one of a short one, none of nothing; the first never ends within a character. */
function halves(text: string): string[] {
  const characters = Array.from(text);
  const middle = Math.ceil(characters.length / 2);
  return [characters.slice(0, middle).join(''), characters.slice(middle).join('')].filter(
    (half) => half !== '',
  );
}

/** A number in [0, 1) that depends on the prompt, the seed and the label alone. */
export function chance({ prompt, body }: TeacherRequest, label: string): number {
  const digest = createHash('sha256').update(JSON.stringify([prompt, body.seed, label]));
  return digest.digest().readUInt32BE() / 2 ** 32;
}
