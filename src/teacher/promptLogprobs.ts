/**
 * @file Reads the log-probs of a prompt's tokens from what an endpoint answers. vLLM answers `prompt_logprobs`: a list with null for
 * the first token, and for each other one an object by token id, `{"17": {"logprob", "rank", "decoded_token"}, …}`, of the token itself
 * and of the k likeliest in its place, k or k + 1 entries.
 */
import { serverWords } from './serverWords.js';

/** A prompt of token ids, of which log-probs are wanted. */
export interface ScoredPrompt {
  ids: ArrayLike<number>;
  /** The first token whose log-prob is wanted; at least 1, since nothing predicts the first of all. */
  from: number;
  /** How many of the likeliest tokens of each place are wanted besides. */
  k: number;
  /** Gives the text of a single token, by which another tokenizer is noticed. */
  textOf: (id: number) => string;
}

/** Natural log-probs of the tokens of a prompt from one of them on. */
export interface PromptLogprobs {
  logps: Float64Array;
  /** The k likeliest tokens in each place, most likely first; empty where none are wanted. */
  likeliest: { ids: number[]; logps: number[] }[];
}

/** An answer that would come again: the endpoint cannot score this model's tokens. The message has the endpoint as its subject. */
export class UnusableScores extends Error {}

type Fields = Record<string, unknown>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What vLLM writes for a probability of 0, which JSON has no log-prob for. */
const NO_PROBABILITY = -9999;
/** Log-probs that are rounded to float32 may be above 0 by so much, and their probabilities may add up to so much. */
const MOST = { logp: 1e-3, sum: 1.01 };

/** Makes the request that has a prompt scored. */
export function scoreRequest(model: string, prompt: ScoredPrompt) {
  return {
    path: '/completions',
    // One token must be written, and nobody looks at it. Greedy decoding leaves the distribution as it is.
    body: { model, prompt: Array.from(prompt.ids), max_tokens: 1, temperature: 0, prompt_logprobs: prompt.k },
    gather: async (events: AsyncIterable<unknown> | Iterable<unknown>): Promise<PromptLogprobs> => {
      for await (const event of events) return readPromptLogprobs(event, prompt);
      throw new Error('the answer is empty');
    },
    check:
      'that the row and one token more fit into the context of the model, and k into what it allows (--max-logprobs)',
    ifTooLarge: 'lower k, or shorten the row',
  };
}

/**
 * Reads an answer. Each place must have the token that was sent, with its text where the endpoint says it: so the numbers are aligned
 * by tokens, or refused.
 * @throws UnusableScores where the endpoint gives no log-probs, or others than were asked for; Error for an answer that is an error
 */
export function readPromptLogprobs(reply: unknown, prompt: ScoredPrompt): PromptLogprobs {
  const { ids, from, k } = prompt;
  const places = placesOf(reply);
  if (places.length !== ids.length)
    throw new UnusableScores(
      `scores ${places.length} tokens where ${ids.length} were sent: it changes prompts, so nothing can be aligned`,
    );
  const logps = new Float64Array(ids.length - from);
  const likeliest: PromptLogprobs['likeliest'] = [];
  for (let at = from; at < ids.length; at++) {
    const given = places[at];
    const place = isObject(given) ? given : {};
    logps[at - from] = ownLogp(place, at, prompt);
    const entries = entriesOf(place);
    const sum = entries.reduce((total, { logp }) => total + Math.exp(logp), 0);
    if (sum > MOST.sum)
      throw new UnusableScores(
        `gives token ${at} of a prompt probabilities that add up to ${sum.toPrecision(4)}: they are not natural log-probs of a whole softmax`,
      );
    if (k > 0) likeliest.push(likeliestOf(entries, k));
  }
  return { logps, likeliest };
}

function placesOf(reply: unknown): unknown[] {
  if (!isObject(reply)) throw new Error(`the answer is not an object: ${serverWords(reply)}`);
  if (reply.error) throw new Error(`the answer is an error: ${serverWords(reply)}`);
  const choice = [reply.choices].flat().find(isObject);
  if (!choice) throw new Error(`the answer has no choices: ${serverWords(reply)}`);
  if (!Array.isArray(choice.prompt_logprobs))
    throw new UnusableScores(
      'answers without "prompt_logprobs", so it cannot score tokens: vLLM can, at /v1/completions',
    );
  return choice.prompt_logprobs as unknown[];
}

/** The log-prob of the token that was sent. */
function ownLogp(place: Fields, at: number, { ids, textOf }: ScoredPrompt): number {
  const id = ids[at]!;
  const entry = place[id];
  if (!isObject(entry)) {
    const there = Object.keys(place).slice(0, 3).join(', ') || 'nothing';
    throw new UnusableScores(
      `gives log-probs of other tokens than were sent: token ${at} of a prompt is ${id}, and there it has ${there}`,
    );
  }
  const { logprob, decoded_token: text } = entry;
  if (!isLogp(logprob))
    throw new UnusableScores(
      `gives token ${at} of a prompt, ${id}, the log-prob ${JSON.stringify(logprob)}, with which nothing can be trained`,
    );
  const here = textOf(id);
  if (typeof text === 'string' && !mayBeSame(text, here))
    throw new UnusableScores(
      `has another tokenizer: token ${id} is ${JSON.stringify(text)} there and ${JSON.stringify(here)} here`,
    );
  return Math.min(0, logprob);
}

const isLogp = (value: unknown): value is number =>
  typeof value === 'number' && value > NO_PROBABILITY && value <= MOST.logp;

/** Whether texts may be of one token: servers write spaces at its ends in other ways, and a part of a character has no text. */
function mayBeSame(there: string, here: string): boolean {
  const isUnknown = (text: string) => text === '' || text.includes('\ufffd');
  return isUnknown(there) || isUnknown(here) || there.trim() === here.trim();
}

interface Entry {
  id: number;
  logp: number;
  /** From 1; those of the likeliest are at most k. */
  rank: unknown;
}

/** Those of a place that are log-probs of tokens. */
function entriesOf(place: Fields): Entry[] {
  return Object.entries(place).flatMap(([key, entry]) => {
    if (!/^(0|[1-9]\d{0,8})$/.test(key) || !isObject(entry) || !isLogp(entry.logprob)) return [];
    return [{ id: Number(key), logp: Math.min(0, entry.logprob), rank: entry.rank }];
  });
}

/** The k likeliest of a place. The token that was sent may stand beside them with a rank of its own. */
function likeliestOf(entries: readonly Entry[], k: number): { ids: number[]; logps: number[] } {
  const found = entries
    .filter(({ rank }) => typeof rank !== 'number' || rank <= k)
    .sort((a, b) => b.logp - a.logp || a.id - b.id)
    .slice(0, k);
  if (found.length < k)
    throw new UnusableScores(
      `gives ${found.length} of the ${k} likeliest tokens of a place: lower k, or raise what it allows (vLLM's --max-logprobs)`,
    );
  return { ids: found.map(({ id }) => id), logps: found.map(({ logp }) => logp) };
}
