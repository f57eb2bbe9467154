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
 * - `template`: one text by the model's template, cut after the token that ends the answer's turn.
 * - `redi`: as the REDI paper's code (arXiv 2505.24850): prompt and answer tokenised apart, the answer being all that
 *   the template writes behind it plus the end-of-text token; in fine-tuning (`sft`) the end-of-text token stands in the
 *   row but is not trained, so it is left out here.
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
 * A prompt and its answer as a row.
 * @param prompt messages, or a plain text, which is followed by the answer and the end-of-text token
 */
export async function tokenRow(
  tokenizer: ChatTokenizer,
  prompt: readonly ChatMessage[] | string,
  response: readonly ChatMessage[] | string,
  options: RowOptions,
  where: Where,
): Promise<TokenRow> {
  if (typeof prompt === 'string' && typeof response === 'string') {
    const [before, after] = await tokenizer.encodeAll([prompt, response]);
    return join(before!, after!, tokenizer.eosTokenId);
  }
  if (typeof prompt === 'string' || typeof response === 'string') {
    throw where('prompt and answer must both be texts or both lists of messages');
  }
  const { promptText, responseText } = renderParts(
    tokenizer,
    withSystem(prompt, options.system),
    response,
    where,
  );
  if (options.layout === 'redi') {
    const [before, after] = await tokenizer.encodeAll([promptText, responseText]);
    return join(before!, after!, options.sft ? undefined : tokenizer.eosTokenId);
  }
  return templateRow(tokenizer, promptText, responseText);
}

function join(before: Int32Array, after: Int32Array, end: number | undefined): TokenRow {
  const tail = end === undefined ? [] : [end];
  return { ids: Int32Array.from([...before, ...after, ...tail]), responseStart: before.length };
}

/**
 * The template's text up to the answer, and from the answer on. Found by rendering the conversation with and without
 * the answer: the first must begin with the second, and the answer must stand in it unchanged.
 */
function renderParts(
  tokenizer: ChatTokenizer,
  prompt: readonly ChatMessage[],
  response: readonly ChatMessage[],
  where: Where,
): { promptText: string; responseText: string } {
  const promptText = tokenizer.renderChat(prompt, { addGenerationPrompt: true });
  const whole = tokenizer.renderChat([...prompt, ...response]);
  if (!whole.startsWith(promptText)) {
    throw where(
      'the chat template writes the prompt differently once the answer is there, so what is trained cannot be told apart',
    );
  }
  const responseText = whole.slice(promptText.length);
  const answer = response.at(-1)!.content;
  if (responseText.startsWith(answer) || response.length > 1) return { promptText, responseText };
  // Templates may trim white space around the answer, but not change or drop what is in it.
  if (responseText.trimStart().startsWith(answer.trim())) return { promptText, responseText };
  throw where(
    'the chat template changes or drops part of the answer (thinking, perhaps); use a template that keeps it',
  );
}

/** One tokenisation of the whole text; the answer's tokens are those behind the prompt's. */
async function templateRow(
  tokenizer: ChatTokenizer,
  promptText: string,
  responseText: string,
): Promise<TokenRow> {
  const { text: ending, tokenId } = tokenizer.turnEnd;
  const [before, whole] = await tokenizer.encodeAll([promptText, promptText + responseText]);
  if (before!.some((id, i) => whole![i] !== id)) {
    // A token reaches over the boundary: generation starts from the prompt's own tokens, so training does too.
    const [after] = await tokenizer.encodeAll([responseText]);
    return cut(tokenizer, join(before!, after!, undefined), ending, tokenId);
  }
  return cut(tokenizer, { ids: whole!, responseStart: before!.length }, ending, tokenId);
}

/** Ends the row with the token that ends the turn; where the template has none, with the end-of-text token. */
function cut(tokenizer: ChatTokenizer, row: TokenRow, ending: string, tokenId: number | undefined): TokenRow {
  if (tokenId === undefined) {
    return join(
      row.ids.subarray(0, row.responseStart),
      row.ids.subarray(row.responseStart),
      tokenizer.eosTokenId,
    );
  }
  // The template's ending holds the end token once or more; the answer itself may hold it too.
  const inEnding = ending.split(tokenizer.decode([tokenId])).length - 1;
  let last = row.ids.length;
  for (let found = 0; found < inEnding; found++) last = row.ids.lastIndexOf(tokenId, last - 1);
  return { ids: row.ids.slice(0, last + 1), responseStart: row.responseStart };
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
