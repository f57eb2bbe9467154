/** @file Writes log-probs in the three shapes that clients know: of chats, of completions, of prompts. */
import type { Place } from '../models/distributions.js';
import type { Sequence } from '../generate/sequence.js';

/** What vLLM writes for a probability of 0, since JSON has no −∞. */
const LEAST = -9999;
const finite = (logp: number): number => Math.max(LEAST, logp);

/** A token in its place. */
export interface TokenPlace {
  id: number;
  /** Undefined where nothing predicts it: the first token of a prompt. */
  logp: number | undefined;
  top: readonly { id: number; logp: number }[];
}

const pairs = (ids: ArrayLike<number>, logps: ArrayLike<number>) =>
  Array.from(ids, (id, i) => ({ id, logp: logps[i]! }));

/** Tokens of a response that keeps its log-probs. */
export function placesOfResponse(
  { ids, logps, top }: Pick<Sequence, 'ids' | 'logps' | 'top'>,
  [from, to]: readonly [number, number],
): TokenPlace[] {
  return ids.slice(from, to).map((id, i) => {
    const likeliest = top[from + i];
    return { id, logp: logps[from + i]!, top: likeliest ? pairs(likeliest.ids, likeliest.logps) : [] };
  });
}

/** Tokens of a prompt. @param places of all but the first */
export const placesOfPrompt = (ids: Int32Array, places: readonly Place[]): TokenPlace[] =>
  Array.from(ids, (id, i) => {
    const place = places[i - 1];
    return { id, logp: place?.logp, top: place ? pairs(place.ids, place.logps) : [] };
  });

type TextOf = (id: number) => string;

/** As `logprobs` of a chat. */
export function chatLogprobs(places: readonly TokenPlace[], textOf: TextOf) {
  const entry = ({ id, logp }: { id: number; logp: number | undefined }) => {
    const token = textOf(id);
    return { token, logprob: finite(logp ?? NaN), bytes: [...Buffer.from(token)] };
  };
  return { content: places.map((place) => ({ ...entry(place), top_logprobs: place.top.map(entry) })) };
}

/**
 * As `logprobs` of a completion.
 * @param start characters of the completion before these tokens
 */
export function completionLogprobs(places: readonly TokenPlace[], textOf: TextOf, start: number) {
  const tokens = places.map(({ id }) => textOf(id));
  let offset = start;
  return {
    text_offset: tokens.map((token) => (offset += token.length) - token.length),
    token_logprobs: places.map(({ logp }) => (logp === undefined ? null : finite(logp))),
    tokens,
    top_logprobs: places.map(({ id, logp, top }) => {
      if (logp === undefined) return null;
      // The token itself stands among them; of several tokens with one text the likeliest counts.
      const all = [...top, { id, logp }].map((one) => [textOf(one.id), finite(one.logp)] as const);
      return Object.fromEntries(all.toReversed());
    }),
  };
}

/** As vLLM's `prompt_logprobs`. @param places of all tokens but the first */
export function promptLogprobs(ids: Int32Array, places: readonly Place[], textOf: TextOf) {
  return Array.from(ids, (id, i) => {
    const place = places[i - 1];
    if (!place) return null;
    const entry = (token: number, logp: number, rank: number) =>
      [token, { logprob: finite(logp), rank, decoded_token: textOf(token) }] as const;
    return Object.fromEntries([
      ...place.ids.map((token, k) => entry(token, place.logps[k]!, k + 1)),
      entry(id, place.logp, place.rank),
    ]);
  });
}
