/** @file The HTTP server: its routes, and what holds for all of them. */
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { chat } from './chat.js';
import { completions } from './completions.js';
import { ApiError, badRequest } from './errors.js';
import { messageSchema, readFields } from './fields.js';
import { corsHeaders, Guard, type GuardOptions } from './guard.js';
import { ClientGone, RequestLife } from './life.js';
import type { ServedModel } from './model.js';

/** Bytes of a request's body. */
const BODY_BYTES = 8 << 20;
/** A body must have come after so many seconds. */
const BODY_SECONDS = 60;
/** Seconds beyond a request's own time after which a connection on which nothing happens is closed. */
const IDLE_SECONDS = 60;

type Answer = (
  served: ServedModel,
  body: unknown,
  reply: FastifyReply,
  life: RequestLife,
) => Promise<unknown>;

/**
 * Makes the server, which does not listen yet. Closing it leaves the model as it is.
 * @throws UserError as a guard does
 */
export function makeServer(served: ServedModel, who: GuardOptions | Guard = {}): FastifyInstance {
  const guard = who instanceof Guard ? who : new Guard(who);
  const tell = (error: unknown, reply: FastifyReply) => {
    const told = served.explain(error);
    void reply.code(told.status).headers(headersFor(told)).send(told.body);
  };
  const app = fastify({
    bodyLimit: BODY_BYTES,
    requestTimeout: BODY_SECONDS * 1000,
    connectionTimeout: (served.timeoutSeconds + IDLE_SECONDS) * 1000,
    forceCloseConnections: true,
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      tell(error, reply);
    },
    clientErrorHandler: refuseGarbage,
  });
  // A page could send texts to any server without asking it first.
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof ClientGone)) tell(error, reply);
    else if (!reply.sent) reply.hijack();
  });
  app.setNotFoundHandler((request, reply) => {
    const { method, url } = request;
    const asked = `${method} ${url.slice(0, 200)}`;
    const other = ['GET', 'POST'].find((one) => app.hasRoute({ method: one, url: url.replace(/\?.*/s, '') }));
    if (other === undefined) tell(new ApiError(404, `there is no ${asked}`, null, 'unknown_url'), reply);
    else {
      void reply.header('allow', other);
      tell(new ApiError(405, `there is no ${asked}, but ${other}`, null, 'method_not_allowed'), reply);
    }
  });
  guardAll(app, guard, served);
  addRoutes(app, served);
  return app;
}

function headersFor({ status }: ApiError): Record<string, string> {
  if (status === 401) return { 'www-authenticate': 'Bearer' };
  return status === 429 || status === 503 ? { 'retry-after': '1' } : {};
}

/** Answers what is not HTTP, or comes too slowly, and lets go of it. */
function refuseGarbage(error: Error & { code?: string }, socket: Socket): void {
  const [status, words] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? [408, 'Request Timeout']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'Request Header Fields Too Large']
        : [400, 'Bad Request'];
  if (socket.writable && error.code !== 'ECONNRESET') {
    const body = JSON.stringify(new ApiError(status, words).body);
    socket.write(
      `HTTP/1.1 ${status} ${words}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  }
  socket.destroy(error);
}

/** Checks every request before its body is read, and counts those that are under way. */
function guardAll(app: FastifyInstance, guard: Guard, { rows, queue }: ServedModel): void {
  let underWay = 0;
  app.addHook('onRequest', async (request, reply) => {
    const { headers, method } = request;
    guard.checkPlace(headers);
    if (headers.origin !== undefined) {
      void reply.headers(corsHeaders(headers.origin, headers['access-control-request-headers']));
      if (method === 'OPTIONS') return reply.code(204).send();
    }
    // Who looks whether the server lives need not know its key.
    if (request.routeOptions.url === '/health') return;
    guard.checkKey(headers);
    if ((headers['content-encoding'] ?? 'identity') !== 'identity')
      throw new ApiError(415, 'a body with a content-encoding is not read: send it as it is');
    // Each may hold a body in memory.
    if (underWay >= rows + queue)
      throw new ApiError(429, `${underWay} requests are under way: try again later`, null, 'queue_full');
    underWay++;
    reply.raw.once('close', () => {
      underWay--;
    });
  });
}

function addRoutes(app: FastifyInstance, served: ServedModel): void {
  const { name, created, context, loop, metrics } = served;
  const model = {
    id: name,
    object: 'model',
    created,
    owned_by: 'redistill',
    root: name,
    max_model_len: context,
  };
  const answering = (answer: Answer) => async (request: FastifyRequest, reply: FastifyReply) => {
    using life = new RequestLife(reply.raw, served.timeoutSeconds);
    return await answer(served, request.body, reply, life);
  };
  app.get('/health', () => ({ status: 'ok' }));
  app.get('/metrics', (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(metrics.text(name, loop.load)),
  );
  app.get('/v1/models', () => ({ object: 'list', data: [model] }));
  app.get<{ Params: { '*': string } }>('/v1/models/*', ({ params }) => {
    served.requireModel(params['*']);
    return model;
  });
  app.post('/v1/chat/completions', answering(chat));
  app.post('/v1/completions', answering(completions));
  app.post('/tokenize', answering(tokenize));
}

const tokenizeSchema = z.object({
  prompt: z.string().optional(),
  messages: z.array(messageSchema).optional(),
  add_special_tokens: z.boolean().optional(),
});

/** As vLLM's `/tokenize`. */
async function tokenize(served: ServedModel, body: unknown): Promise<unknown> {
  const { prompt, messages, add_special_tokens: special = false } = readFields(tokenizeSchema, body);
  if ((prompt === undefined) === (messages === undefined))
    throw badRequest('prompt: one of prompt and messages must be given', 'prompt');
  const text = prompt ?? served.tokenizer.renderChat(messages!, { addGenerationPrompt: true });
  const [ids] = await served.encode([text], special);
  return { count: ids!.length, max_model_len: served.context, tokens: [...ids!] };
}
