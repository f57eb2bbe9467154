/** @file Makes token rows of responses in parts, each with a weight and a segment of its own, as texts or as token ids. */

import { encodeContinuation } from './continuation.js';
import type { RowMessage } from './template.js';
import type { ChatTokenizer } from './tokenizer.js';
import { encodePrompt, type PromptOptions, type TokenRow, type Where } from './tokenRows.js';

/** A stretch of a response: a text, which is tokenised by itself, or ids, which are taken as they are. */
export interface Part {
  text?: string;
  ids?: readonly number[];
  /** How much each token counts, or one number for all; 0 is context. Default: 1. */
  weights?: number | readonly number[];
  /** From 0 to 255. Default: 0. */
  segment?: number;
}

/** A response in parts. */
export interface PartsResponse {
  parts: readonly Part[];
  /** Whether the token that ends a turn follows, or without a chat template that which ends a text. */
  end: boolean;
  /** Tokens that are scored and not trained, counted from the response's first. */
  scoreOnly: readonly number[];
}

/** What a response in parts responds to: messages, a text, or token ids as they are. */
export type PartsPrompt = readonly RowMessage[] | string | { ids: readonly number[] };

/**
 * Makes the token row of a response in parts. The prompt is rendered as generation has it; no token reaches over the
 * border of a part.
 * @throws the error of `where` for ids that the tokenizer has not, a prompt without tokens, tokens to score that are not
 * there, and where no token would be trained
 */
export async function partsRow(
  tokenizer: ChatTokenizer,
  prompt: PartsPrompt,
  { parts, end, scoreOnly }: PartsResponse,
  options: Pick<PromptOptions, 'system' | 'inputs'>,
  where: Where,
): Promise<TokenRow> {
  const asked =
    typeof prompt === 'object' && 'ids' in prompt
      ? Int32Array.from(prompt.ids)
      : await encodePrompt(tokenizer, prompt, options);
  if (asked.length === 0)
    throw where('the prompt has no tokens, and the first token of a response needs one before it');
  const ids = [...asked];
  const weights: number[] = [];
  const segments: number[] = [];
  for (const { text, ids: given, weights: weight = 1, segment = 0 } of parts) {
    const own = given ?? (await encodeContinuation(tokenizer, text!));
    for (let i = 0; i < own.length; i++) {
      ids.push(own[i]!);
      weights.push(typeof weight === 'number' ? weight : weight[i]!);
      segments.push(segment);
    }
  }
  if (end) {
    ids.push(endToken(tokenizer, Array.isArray(prompt), where));
    weights.push(1);
    segments.push(segments.at(-1) ?? 0);
  }
  const beyond = scoreOnly.find((at) => at >= weights.length);
  if (beyond !== undefined)
    throw where(
      `"score_only" names token ${beyond} of a response that has ${weights.length}, counted from 0`,
    );
  const scored = new Set(scoreOnly);
  if (!weights.some((weight, i) => weight !== 0 && !scored.has(i)))
    throw where('no token of the response is trained');
  return {
    ids: Int32Array.from(ids),
    responseStart: asked.length,
    ...(weights.some((weight) => weight !== 1) && { weights: Float64Array.from(weights) }),
    ...(segments.some((segment) => segment !== 0) && { segments: Uint8Array.from(segments) }),
    ...(scored.size > 0 && { scoreOnly: Int32Array.from(scored).sort() }),
  };
}

function endToken(tokenizer: ChatTokenizer, isChat: boolean, where: Where): number {
  const id = (isChat ? tokenizer.turnEnd.tokenId : undefined) ?? tokenizer.eosTokenId;
  if (id === undefined)
    throw where(
      `${tokenizer.dir}/tokenizer_config.json names no eos_token, which must end this row; add it there`,
    );
  return id;
}

/** How much each token of a row's response is trained; undefined where all count 1. */
export function trainedWeights({
  ids,
  responseStart,
  weights,
  scoreOnly,
}: TokenRow): Float64Array | undefined {
  if (!scoreOnly) return weights;
  const trained = weights?.slice() ?? new Float64Array(ids.length - responseStart).fill(1);
  for (const at of scoreOnly) trained[at] = 0;
  return trained;
}
