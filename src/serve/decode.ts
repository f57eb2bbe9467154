/** @file Has the responses of a request decoded, within what a server can take. */
import type { Keep } from '../generate/sequence.js';
import { rankedPlaces, type Place } from '../models/distributions.js';
import { asError } from '../util/errors.js';
import { deriveSeed } from '../util/random.js';
import { Choice } from './choice.js';
import { ApiError, badRequest, ofField } from './errors.js';
import type { RequestLife } from './life.js';
import type { ServedModel } from './model.js';
import type { Way } from './sampling.js';

/** Entries of a prompt's log-probs in one answer. */
const MOST_ENTRIES = 2 ** 20;

/** Responses of each prompt, not begun yet. */
export interface Begun {
  choices: Choice[];
  promptTokens: number;
}

/**
 * Makes the responses of a request: `n` for each prompt, in order.
 * @param param the field that holds the prompts
 * @param maxTokens of each response; undefined where the context alone limits it
 * @throws ApiError where a prompt is empty or does not fit, and where there are too many
 */
export function beginAll(
  served: ServedModel,
  prompts: readonly Int32Array[],
  param: 'prompt' | 'messages',
  way: Way,
  maxTokens: number | undefined,
  keep: Keep,
): Begun {
  const { generator, context } = served;
  const { n, seed, sampling, rules, stops } = way;
  const choices = prompts.flatMap((ids, prompt) => {
    checkLength(ids, param, maxTokens, context);
    if (maxTokens === 0) return [];
    return Array.from({ length: n }, (_, sample) => {
      const sequence = ofField(param, () =>
        generator.begin(ids, {
          ...{ sampling, rules, keep, name: 'the prompt' },
          maxNewTokens: maxTokens ?? context - ids.length,
          seed: deriveSeed(seed, 'generate', prompt, sample),
        }),
      );
      return new Choice(prompt * n + sample, prompt, sequence, generator, stops);
    });
  });
  return { choices, promptTokens: prompts.reduce((sum, { length }) => sum + length, 0) };
}

function checkLength(ids: Int32Array, param: string, maxTokens: number | undefined, context: number): void {
  if (ids.length === 0) throw badRequest(`${param}: the prompt has no tokens`, param);
  const needed = ids.length + (maxTokens ?? 1);
  if (needed <= context) return;
  const wanted = maxTokens === undefined ? '' : ` and ${maxTokens} are asked for`;
  throw badRequest(
    `the context is ${context} tokens at most: the prompt has ${ids.length}${wanted}; shorten the prompt or lower max_tokens`,
    ids.length >= context ? param : 'max_tokens',
    'context_length_exceeded',
  );
}

/** @throws ApiError where so many more responses would wait than may */
export function requireRoom(served: ServedModel, count: number): void {
  const { rows, queue, loop } = served;
  if (count > rows + queue)
    throw badRequest(`${count} responses are more than the ${rows + queue} that are taken on at once`, 'n');
  const { running, waiting } = loop.load;
  if (running + waiting + count > rows + queue)
    throw new ApiError(429, `${waiting} responses wait already: try again later`, null, 'queue_full');
}

/**
 * Decodes all. Resolves when all have ended.
 * @param onAdvanced called when one has a token more, and when it has ended
 * @throws the reason of the request's end; what made the decoding fail. Nothing of the request is decoded any more then
 */
export function decodeAll(
  served: ServedModel,
  choices: readonly Choice[],
  life: RequestLife,
  onAdvanced: (choice: Choice) => void = () => undefined,
): Promise<void> {
  const { loop, metrics } = served;
  const { signal } = life;
  let left = choices.length;
  let isFirst = true;
  return new Promise<void>((resolve, reject) => {
    const abort = () => {
      stop(signal.reason);
    };
    const stop = (reason: unknown) => {
      signal.removeEventListener('abort', abort);
      for (const { sequence } of choices) loop.cancel(sequence);
      reject(asError(reason));
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort);
    for (const choice of choices)
      loop.submit(choice.sequence, {
        advanced() {
          if (isFirst) metrics.firstToken(life.seconds);
          isFirst = false;
          if (choice.sequence.finishReason === undefined) onAdvanced(choice);
        },
        finished() {
          metrics.finished(choice.sequence.finishReason!);
          onAdvanced(choice);
          if (--left > 0) return;
          signal.removeEventListener('abort', abort);
          resolve();
        },
        failed: stop,
      });
    if (left === 0) resolve();
  });
}

/**
 * Reads what the model expects in the places of prompts' tokens, one prompt after another, between steps.
 * @param k likeliest tokens of each place
 * @returns of each prompt all places but the first
 */
export async function readPrompts(
  { loop, generator: { model } }: ServedModel,
  prompts: readonly Int32Array[],
  k: number,
  { signal }: RequestLife,
): Promise<Place[][]> {
  const count = Math.min(k, model.config.vocabSize);
  const entries = prompts.reduce((sum, ids) => sum + ids.length * (count + 1), 0);
  if (entries > MOST_ENTRIES)
    throw badRequest(
      `the prompts have ${entries} log-probs, more than the ${MOST_ENTRIES} of one answer: ask for fewer at a time`,
      'prompt_logprobs',
    );
  const all: Place[][] = [];
  for (const ids of prompts) {
    signal.throwIfAborted();
    const row = { ids, responseStart: 1 };
    all.push(ids.length < 2 ? [] : await loop.work(() => rankedPlaces([row], model, count)[0]!));
  }
  return all;
}
