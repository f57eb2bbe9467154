import { UserError } from '../util/errors.js';
import type { ChatMessage } from './template.js';
import type { ChatTokenizer } from './tokenizer.js';

/** A row of tokens whose end is the response: `ids[responseStart..]` is what is trained or scored. */
export interface TokenRow {
  ids: Int32Array;
  responseStart: number;
}

/**
 * How a conversation becomes tokens.
 * - `template`: one text by the model's template, cut after the token that ends the answer's turn; where the template
 *   writes no such token, the end-of-text token is put behind it.
 * - `redi`: as the REDI paper's code (arXiv 2505.24850): prompt and answer tokenised apart, the answer being all that
 *   the template writes behind it plus the end-of-text token. In fine-tuning (`sft`) one text is tokenised in one go,
 *   and the end-of-text token stands in the row but is not trained, so it is left out here.
 */
export type Layout = 'template' | 'redi';

export interface RowOptions {
  layout: Layout;
  /** A system message for conversations that have none. */
  system?: string;
  /** The row is for supervised fine-tuning. */
  sft?: boolean;
}

/** Names the row and the answer in errors. */
export type Where = (problem: string) => UserError;

/** The messages with the system message in front where there is none. */
function withSystem(messages: readonly ChatMessage[], system: string | undefined): readonly ChatMessage[] {
  if (system === undefined || messages[0]?.role === 'system') return messages;
  return [{ role: 'system', content: system }, ...messages];
}

/**
 * A prompt and its answer as a row. No token is added that the template does not write (it writes the one that begins
 * a text, where the model wants it), except the end-of-text token behind plain texts and as the layouts say.
 * @param prompt messages, or a plain text, which is followed by the answer and the end-of-text token
 * @param response the assistant's message, or a plain text
 * @throws UserError from `where` when the template refuses or changes what it is given
 */
export async function tokenRow(
  tokenizer: ChatTokenizer,
  prompt: readonly ChatMessage[] | string,
  response: readonly ChatMessage[] | string,
  options: RowOptions,
  where: Where,
): Promise<TokenRow> {
  if (typeof prompt === 'string' && typeof response === 'string') {
    return withEnd(await encodeApart(tokenizer, prompt, response), tokenizer, where);
  }
  if (typeof prompt === 'string' || typeof response === 'string') {
    throw where('prompt and answer must both be texts or both lists of messages');
  }
  const [answer] = response;
  if (!answer || response.length > 1)
    throw where('the answer must be one message, the last of the conversation');
  if (answer.content.trim() === '') throw where('the answer is empty');
  const { promptText, responseText } = renderParts(
    tokenizer,
    withSystem(prompt, options.system),
    answer,
    where,
  );
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
 * The template's text up to the answer, and from the answer on. Found by rendering the conversation with and without
 * the answer: the first must begin with the second and end with the answer and what ends a turn. The template may trim
 * white space around the answer, put something before it (Qwen3 writes an empty thought), or begin it in the prompt
 * (`<think>`), but not change or drop what is in it.
 */
function renderParts(
  tokenizer: ChatTokenizer,
  prompt: readonly ChatMessage[],
  answer: ChatMessage,
  where: Where,
): { promptText: string; responseText: string } {
  let promptText: string;
  let whole: string;
  let ending: string;
  try {
    promptText = tokenizer.renderChat(prompt, { addGenerationPrompt: true });
    whole = tokenizer.renderChat([...prompt, answer]);
    ending = tokenizer.turnEnd.text;
  } catch (error) {
    throw error instanceof UserError ? where(error.message) : error;
  }
  const body = whole.slice(0, whole.length - ending.length);
  if (!whole.startsWith(promptText) || body.length <= promptText.length) {
    throw where(
      'the chat template writes the prompt differently once the answer is there (it may rewrite earlier turns or take thinking out of answers), so what is trained cannot be told apart; use a template that does not',
    );
  }
  const { content } = answer;
  const forms = [content, content.trimEnd(), content.trimStart(), content.trim()];
  if (!whole.endsWith(ending) || !forms.some((form) => body.endsWith(form))) {
    throw where(
      'the chat template changes or drops part of the answer (thinking, perhaps); use a template that keeps it',
    );
  }
  return { promptText, responseText: whole.slice(promptText.length) };
}

/**
 * One tokenisation of the whole text; the response's tokens are those behind the prompt's. Where a token reaches over
 * the boundary they are tokenised apart: generation starts from the prompt's own tokens, so training does too.
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

async function encodeApart(
  tokenizer: ChatTokenizer,
  promptText: string,
  responseText: string,
): Promise<TokenRow> {
  const [before, after] = await tokenizer.encodeAll([promptText, responseText]);
  return { ids: Int32Array.from([...before!, ...after!]), responseStart: before!.length };
}

function withEnd({ ids, responseStart }: TokenRow, tokenizer: ChatTokenizer, where: Where): TokenRow {
  const { eosTokenId, dir } = tokenizer;
  if (eosTokenId === undefined) {
    throw where(`${dir}/tokenizer_config.json names no eos_token, which must end this row; add it there`);
  }
  return { ids: Int32Array.from([...ids, eosTokenId]), responseStart };
}

/** The tokens that generation starts from. @param forcedPrefix the answer's beginning, e.g. "<think>\n" */
export async function encodePrompt(
  tokenizer: ChatTokenizer,
  messages: readonly ChatMessage[] | string,
  { system, forcedPrefix = '' }: { system?: string; forcedPrefix?: string } = {},
): Promise<Int32Array> {
  const text =
    typeof messages === 'string'
      ? messages
      : tokenizer.renderChat(withSystem(messages, system), { addGenerationPrompt: true });
  return tokenizer.encode(text + forcedPrefix);
}
