/** @file Answers `/v1/completions`: texts or token ids are continued as they are. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { Place } from '../models/distributions.js';
import type { Choice, Delta } from './choice.js';
import { beginAll, readPrompts, requireRoom } from './decode.js';
import { badRequest } from './errors.js';
import { completionSchema, readFields, type CompletionFields } from './fields.js';
import type { RequestLife } from './life.js';
import { completionLogprobs, placesOfPrompt, placesOfResponse, promptLogprobs } from './logprobs.js';
import type { ServedModel } from './model.js';
import { answerStream, answerWhole, type Job } from './respond.js';
import { wayOf } from './sampling.js';

/** Tokens of a response where nobody says how many: OpenAI's and vLLM's number. */
const DEFAULT_TOKENS = 16;
/** Prompts in one request. */
const MOST_PROMPTS = 1024;

/** A prompt as it is given. */
type Given = string | Int32Array;

/** @throws ApiError; the reason why the request ended before its answer */
export async function completions(
  served: ServedModel,
  body: unknown,
  reply: FastifyReply,
  life: RequestLife,
): Promise<unknown> {
  const fields = readFields(completionSchema, body);
  served.requireModel(fields.model);
  const { vocabSize } = served.generator.model.config;
  const given = promptsOf(fields.prompt, vocabSize);
  const way = wayOf(fields, vocabSize);
  const { echo = false, logprobs, stream = false } = fields;
  const reads = readsOf(fields);
  const maxTokens = fields.max_tokens ?? DEFAULT_TOKENS;
  if (maxTokens === 0 && reads === undefined && !echo)
    throw badRequest('max_tokens: must be at least 1 where nothing of the prompt is asked for', 'max_tokens');
  requireRoom(served, given.length * way.n);
  const prompts = await served.encode(given, fields.add_special_tokens ?? false);
  const keep = logprobs === undefined ? {} : { logps: true, ...(logprobs > 0 && { top: logprobs }) };
  const begun = beginAll(served, prompts, 'prompt', way, maxTokens, keep);
  const places = reads === undefined ? undefined : await readPrompts(served, prompts, reads, life);
  const textOf = await served.textOf();
  const shown = { fields, prompts, texts: echo ? textsOf(served, given) : undefined, places, textOf };
  const envelope = { id: `cmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: served.name };
  const job: Job = { served, begun, life, envelope };
  if (maxTokens === 0) return promptsAlone(job, shown, way.n);
  requireRoom(served, begun.choices.length);
  if (!stream) return answerWhole(job, 'text_completion', (choice, delta) => partOf(choice, delta, shown));
  const lengths = new Map<Choice, number>();
  await answerStream(job, reply, {
    object: 'text_completion',
    usage: fields.stream_options?.include_usage ?? false,
    choiceOf: (choice, delta) => {
      const isFirst = !lengths.has(choice);
      const start = lengths.get(choice) ?? 0;
      const part = partOf(choice, delta, isFirst ? shown : { ...shown, texts: undefined }, start);
      lengths.set(choice, start + part.text.length);
      return part;
    },
  });
  return reply;
}

/** How many likeliest tokens of a prompt's places are wanted; undefined where nothing of it is. */
function readsOf({ echo, logprobs, prompt_logprobs: reads, stream }: CompletionFields): number | undefined {
  if (reads !== undefined && stream === true)
    throw badRequest('prompt_logprobs: a stream has none', 'prompt_logprobs');
  if (echo !== true || logprobs === undefined) return reads;
  return Math.max(reads ?? 0, logprobs);
}

/** @throws ApiError for what is neither a text nor ids of the model, nor a list of them */
function promptsOf(prompt: unknown, vocabSize: number): Given[] {
  const wrong = (message: string) => badRequest(`prompt: ${message}`, 'prompt');
  if (typeof prompt === 'string') return [prompt];
  if (!Array.isArray(prompt) || prompt.length === 0)
    throw wrong('must be a text, a list of token ids, or a list of one of both');
  const list = prompt as unknown[];
  const ids = (tokens: readonly unknown[]) => {
    const bad = tokens.find(
      (id) => !(typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabSize),
    );
    if (bad !== undefined || tokens.includes(undefined))
      throw wrong(
        `${JSON.stringify(bad).slice(0, 40)} is not a token id of this model, 0 to ${vocabSize - 1}`,
      );
    return Int32Array.from(tokens as number[]);
  };
  if (typeof list[0] === 'number') return [ids(list)];
  if (list.length > MOST_PROMPTS)
    throw wrong(`${list.length} are more than the ${MOST_PROMPTS} of one request`);
  return list.map((entry) => {
    if (typeof entry === 'string') return entry;
    if (Array.isArray(entry)) return ids(entry as unknown[]);
    throw wrong('must be a text, a list of token ids, or a list of one of both');
  });
}

const textsOf = ({ tokenizer }: ServedModel, given: readonly Given[]): string[] =>
  given.map((prompt) => (typeof prompt === 'string' ? prompt : tokenizer.decode(prompt)));

/** What an answer shows besides responses. */
interface Shown {
  fields: CompletionFields;
  prompts: readonly Int32Array[];
  /** Of prompts that are repeated before their responses. */
  texts: readonly string[] | undefined;
  /** What the model expects in a prompt's places, where that is read. */
  places: readonly Place[][] | undefined;
  textOf: (id: number) => string;
}

/** What belongs to a prompt, whatever its response is. */
function aboutPrompt({ fields, prompts, places, textOf }: Shown, prompt: number) {
  const { prompt_logprobs: reads } = fields;
  if (reads === undefined) return {};
  const own = places![prompt]!.map((place) => firstOf(place, reads));
  return { prompt_logprobs: promptLogprobs(prompts[prompt]!, own, textOf) };
}

const firstOf = (place: Place, count: number): Place => ({
  ...place,
  ids: place.ids.slice(0, count),
  logps: place.logps.slice(0, count),
});

/** The prompt's part of a completion's log-probs. */
function placesBefore({ fields: { logprobs }, prompts, texts, places }: Shown, prompt: number) {
  if (!texts || !places || logprobs === undefined) return [];
  return placesOfPrompt(
    prompts[prompt]!,
    places[prompt]!.map((place) => firstOf(place, logprobs)),
  );
}

/** @param start characters that are shown already */
function partOf({ index, prompt, sequence }: Choice, delta: Delta, shown: Shown, start = 0) {
  const { logprobs } = shown.fields;
  return {
    index,
    text: (shown.texts?.[prompt] ?? '') + delta.text,
    logprobs:
      logprobs === undefined
        ? null
        : completionLogprobs(
            [...placesBefore(shown, prompt), ...placesOfResponse(sequence, delta.tokens)],
            shown.textOf,
            start,
          ),
    finish_reason: delta.finishReason ?? null,
    ...aboutPrompt(shown, prompt),
  };
}

/** The answer where no token is wanted: what is said of the prompts themselves. */
function promptsAlone({ served, begun, life, envelope }: Job, shown: Shown, n: number) {
  const { promptTokens } = begun;
  served.metrics.promptTokens += promptTokens;
  served.metrics.request(life.seconds);
  const choices = shown.prompts.flatMap((_, prompt) =>
    Array.from({ length: n }, (_, sample) => ({
      index: prompt * n + sample,
      text: shown.texts?.[prompt] ?? '',
      logprobs:
        shown.fields.logprobs === undefined
          ? null
          : completionLogprobs(placesBefore(shown, prompt), shown.textOf, 0),
      finish_reason: 'length',
      ...aboutPrompt(shown, prompt),
    })),
  );
  const usage = { prompt_tokens: promptTokens, completion_tokens: 0, total_tokens: promptTokens };
  return { ...envelope, object: 'text_completion', choices, usage };
}
