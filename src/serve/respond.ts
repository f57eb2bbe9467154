/** @file Answers a request whole or as a stream, whatever the shape of its choices. */
import type { FastifyReply } from 'fastify';
import type { Choice, Delta } from './choice.js';
import { decodeAll, type Begun } from './decode.js';
import { EventStream } from './events.js';
import { ClientGone, type RequestLife } from './life.js';
import type { ServedModel } from './model.js';

/** What an answer consists of besides its choices. */
export interface Envelope {
  id: string;
  created: number;
  model: string;
}

/** A request on its way to its answer. */
export interface Job {
  served: ServedModel;
  begun: Begun;
  life: RequestLife;
  envelope: Envelope;
}

export function usageOf({ choices, promptTokens }: Begun) {
  const completionTokens = choices.reduce((sum, { sequence }) => sum + sequence.ids.length, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

function count({ served: { metrics }, begun, life }: Job): void {
  metrics.promptTokens += begun.promptTokens;
  metrics.request(life.seconds);
}

/** Decodes everything and makes the answer of it. @param choiceOf what the answer has of a response */
export async function answerWhole(
  job: Job,
  object: string,
  choiceOf: (choice: Choice, delta: Delta) => object,
  rest: object = {},
) {
  const { served, begun, life, envelope } = job;
  await decodeAll(served, begun.choices, life);
  count(job);
  const choices = begun.choices.map((choice) => choiceOf(choice, choice.take()!));
  return { ...envelope, object, choices, usage: usageOf(begun), ...rest };
}

/** What a stream says of its responses. */
export interface Telling {
  object: string;
  /** Said of a response before anything else. */
  opening?: ((choice: Choice) => object) | undefined;
  /** What an event has of a response; undefined where nothing is to be said yet. */
  choiceOf: (choice: Choice, delta: Delta) => object | undefined;
  /** Whether the last event has the counts. */
  usage: boolean;
}

/**
 * Answers as a stream. A reader that is slow is sent what there is when it has read the last event: nothing piles up for it but the
 * responses themselves.
 */
export async function answerStream(
  job: Job,
  reply: FastifyReply,
  { object, opening, choiceOf, usage }: Telling,
): Promise<void> {
  const { served, begun, life, envelope } = job;
  const { signal } = life;
  reply.hijack();
  const events = new EventStream(reply.raw, headersOf(reply));
  const event = (choices: object[], rest: object = {}) => ({ ...envelope, object, choices, ...rest });
  const tell = (choice: Choice) => {
    if (events.isBlocked) return;
    const delta = choice.take();
    const part = delta && choiceOf(choice, delta);
    if (part) events.send(event([part]));
  };
  const untold = () => begun.choices.filter(({ isTaken }) => !isTaken);
  try {
    for (const choice of begun.choices) if (opening) events.send(event([opening(choice)]));
    events.onDrain(() => {
      untold().forEach(tell);
    });
    await decodeAll(served, begun.choices, life, tell);
    for (let rest = untold(); rest.length > 0; rest = untold()) {
      await events.drained(signal);
      rest.forEach(tell);
    }
    count(job);
    if (usage) events.send(event([], { usage: usageOf(begun) }));
    await events.end(signal);
  } catch (error) {
    if (!(error instanceof ClientGone)) events.fail(served.explain(error).body);
  }
}

/** What the guards have put on a reply, which a stream does not send by itself. */
const headersOf = (reply: FastifyReply): Record<string, string> =>
  Object.fromEntries(
    Object.entries(reply.getHeaders()).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  );
