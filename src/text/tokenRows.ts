/** @file Makes token rows: a prompt and its response as ids, and where the response begins. Knows nothing of files. */

import type { TopK } from '../objectives/topK.js';
import { UserError } from '../util/errors.js';
import { encodeContinuation } from './continuation.js';
import { calledTools, contentText, reasoningOf } from './messages.js';
import type { RowMessage, TemplateInputs } from './template.js';
import type { ChatTokenizer } from './tokenizer.js';

/** A row of tokens whose end is the response: `ids[responseStart..]` is trained or scored. */
export interface TokenRow {
  ids: Int32Array;
  responseStart: number;
  /** How much each token of the response counts; absent where all count 1. A token of weight 0 is context. */
  weights?: Float64Array;
  /** The part of the response that each of its tokens belongs to; absent where there is one part. */
  segments?: Uint8Array;
  /** Tokens of the response that are scored and not trained, counted from its first, in ascending order. */
  scoreOnly?: Int32Array;
  /** Numbers of the response, by name. */
  scalars?: Readonly<Record<string, number>>;
  /** Numbers of its tokens or segments, by name. */
  columns?: Readonly<Record<string, Float64Array>>;
  /** Token ids beside its own, by name. */
  topK?: Readonly<Record<string, TopK>>;
}

/**
 * The ways in which a conversation becomes tokens.
 * - `template`: one text by the model's template, cut after the token that ends the response's turn; if the template
 *   writes no such token, the end-of-text token follows.
 * - `redi`: as the REDI paper's code (arXiv 2505.24850) does it: prompt and response are tokenised apart, and the
 *   response is everything that the template writes after the prompt plus the end-of-text token. In fine-tuning (`sft`)
 *   one text is tokenised in one go, and the end-of-text token stands in the row but is not trained, so it is left out.
 */
export const layouts = ['template', 'redi'] as const;
export type Layout = (typeof layouts)[number];

export interface RowOptions {
  layout: Layout;
  /** A system message for conversations that have none. */
  system?: string;
  /** The row is for supervised fine-tuning. */
  sft?: boolean;
  /** The row's tools and variables for the template. */
  inputs?: TemplateInputs;
}

/** Makes an error that names the row. */
export type Where = (message: string) => Error;

/** Puts the system message in front of messages that have none. */
export function withSystem(
  messages: readonly RowMessage[],
  system: string | undefined,
): readonly RowMessage[] {
  if (system === undefined || ['system', 'developer'].includes(messages[0]?.role ?? '')) return messages;
  return [{ role: 'system', content: system }, ...messages];
}

/**
 * Makes a row of a prompt and its response. No token is added that the template does not write (it writes the one that
 * begins a text, if the model wants it), except the end-of-text token after plain texts and as the layouts say.
 * @param prompt messages, or a plain text, which is followed by the response and the end-of-text token
 * @param response the assistant's message, or a plain text
 * @throws UserError from `where` if the template refuses or changes what it is given
 */
export async function tokenRow(
  tokenizer: ChatTokenizer,
  prompt: readonly RowMessage[] | string,
  response: readonly RowMessage[] | string,
  options: RowOptions,
  where: Where,
): Promise<TokenRow> {
  if (typeof prompt === 'string' && typeof response === 'string') {
    return withEnd(await encodeTogether(tokenizer, prompt, response), tokenizer, where);
  }
  if (typeof prompt === 'string' || typeof response === 'string') {
    throw where('prompt and response must both be texts or both lists of messages');
  }
  const [message] = response;
  if (!message || response.length > 1)
    throw where('the response must be one message, the last of the conversation');
  if (contentText(message).trim() === '' && calledTools(message).length === 0)
    throw where('the response is empty');
  const asked = withSystem(prompt, options.system);
  const { promptText, responseText } = renderParts(tokenizer, asked, message, options.inputs, where);
  if (options.layout === 'redi') {
    if (options.sft) return encodeTogether(tokenizer, promptText, responseText);
    return withEnd(await encodeApart(tokenizer, promptText, responseText), tokenizer, where);
  }
  const { text, trained, tokenId } = tokenizer.turnEnd;
  const row = await encodeTogether(
    tokenizer,
    promptText,
    responseText.slice(0, responseText.length - text.length) + trained,
  );
  if (tokenId === undefined) return withEnd(row, tokenizer, where);
  if (row.ids.at(-1) !== tokenId)
    throw where(`the tokenizer does not read "${trained}" as the end of a turn`);
  return row;
}

/**
 * Renders the conversation with and without the response and splits the text where the response begins: the first text
 * must begin with the second and end with the response and the end of its turn. The template may trim white space
 * around the response, put something before it (Qwen3 writes an empty thought), or begin it in the prompt (`<think>`),
 * but must not change or drop a part of it.
 */
function renderParts(
  tokenizer: ChatTokenizer,
  prompt: readonly RowMessage[],
  message: RowMessage,
  inputs: TemplateInputs | undefined,
  where: Where,
): { promptText: string; responseText: string } {
  let promptText: string;
  let whole: string;
  let ending: string;
  try {
    promptText = tokenizer.renderChat(prompt, { ...inputs, addGenerationPrompt: true });
    whole = tokenizer.renderChat([...prompt, message], inputs);
    ending = tokenizer.turnEnd.text;
  } catch (error) {
    throw error instanceof UserError ? where(error.message) : error;
  }
  const body = whole.slice(0, whole.length - ending.length);
  if (!whole.startsWith(promptText) || body.length <= promptText.length) {
    throw where(
      'the chat template writes the prompt differently when the response follows (it may rewrite earlier turns or remove thinking), so the trained part cannot be told apart; use a template that does not',
    );
  }
  const responseText = whole.slice(promptText.length);
  if (!whole.endsWith(ending) || !keeps(body, responseText, message)) {
    throw where(
      'the chat template changes or drops part of the response (perhaps its thinking or its tool calls); use a template that keeps it',
    );
  }
  return { promptText, responseText };
}

/** Tells whether a template has written all of a response: its separate thinking, its text, the tools that it calls. */
function keeps(body: string, responseText: string, message: RowMessage): boolean {
  const content = contentText(message);
  const calls = calledTools(message);
  const forms = [content, content.trimEnd(), content.trimStart(), content.trim()];
  const kept = calls.length === 0 ? forms.some((form) => body.endsWith(form)) : body.includes(content.trim());
  return kept && [...calls, reasoningOf(message) ?? ''].every((part) => responseText.includes(part));
}

/**
 * Tokenises the whole text once; the response's tokens are those after the prompt's. If a token reaches over the
 * boundary, both are tokenised apart: generation starts from the prompt's own tokens, so training does too.
 */
async function encodeTogether(
  tokenizer: ChatTokenizer,
  promptText: string,
  responseText: string,
): Promise<TokenRow> {
  const [before, whole] = await tokenizer.encodeAll([promptText, promptText + responseText]);
  if (before!.some((id, i) => whole![i] !== id)) return encodeApart(tokenizer, promptText, responseText);
  return { ids: whole!, responseStart: before!.length };
}

/** Tokenises the prompt, and the response as what continues it: no space of the tokenizer's own comes between them. */
async function encodeApart(
  tokenizer: ChatTokenizer,
  promptText: string,
  responseText: string,
): Promise<TokenRow> {
  const [before, after] = await Promise.all([
    tokenizer.encode(promptText),
    encodeContinuation(tokenizer, responseText),
  ]);
  return { ids: joined(before, after), responseStart: before.length };
}

function withEnd({ ids, responseStart }: TokenRow, tokenizer: ChatTokenizer, where: Where): TokenRow {
  const { eosTokenId, dir } = tokenizer;
  if (eosTokenId === undefined) {
    throw where(`${dir}/tokenizer_config.json names no eos_token, which must end this row; add it there`);
  }
  return { ids: joined(ids, [eosTokenId]), responseStart };
}

function joined(first: Int32Array, second: ArrayLike<number>): Int32Array {
  const ids = new Int32Array(first.length + second.length);
  ids.set(first);
  ids.set(second, first.length);
  return ids;
}

export interface PromptOptions extends Pick<RowOptions, 'system' | 'inputs'> {
  /** The response's beginning, e.g. "<think>\n". */
  forcedPrefix?: string;
}

/** Makes the tokens that generation starts from. A text is taken as it is. */
export async function encodePrompt(
  tokenizer: ChatTokenizer,
  messages: readonly RowMessage[] | string,
  { system, inputs, forcedPrefix = '' }: PromptOptions = {},
): Promise<Int32Array> {
  const text =
    typeof messages === 'string'
      ? messages
      : tokenizer.renderChat(withSystem(messages, system), { ...inputs, addGenerationPrompt: true });
  return tokenizer.encode(text + forcedPrefix);
}
