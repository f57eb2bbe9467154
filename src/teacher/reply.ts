/** @file Puts a response together from what an endpoint sends. Only the text is needed; the rest may be odd or absent. */
import { serverWords } from './serverWords.js';

/** What a model answered. */
export interface Completion {
  /** The whole answer: the reasoning, where the endpoint gives it apart, put back as `<think>\n…\n</think>\n\n`. */
  text: string;
  /** The reasoning alone, null where the endpoint does not give it apart. */
  reasoning: string | null;
  /** As the endpoint says it: `stop`, `length` (cut off), `content_filter`, …; `unknown` where it does not. */
  finishReason: string;
  /** Null where the endpoint does not count. */
  promptTokens: number | null;
  completionTokens: number | null;
  /** Of a model that runs here, where they are kept. */
  tokens?: ResponseTokens;
  /** Of a model that runs here: what else a response may depend on by rounding. */
  computed?: { dtype: string; batch_size: number };
}

/** A response as the model drew it. */
export interface ResponseTokens {
  prompt_ids: number[];
  ids: number[];
  /** Of `ids`, at temperature 1. */
  logps: number[];
  /** 1 for each of `ids` that was put in and not drawn. */
  forced: number[];
}

type Fields = Record<string, unknown>;
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Gathers the events of a stream, or the one object of an answer that was sent whole. */
class Reply {
  readonly texts: string[] = [];
  readonly reasonings: string[] = [];
  finishReason: string | undefined;
  promptTokens: number | null = null;
  completionTokens: number | null = null;
  /** The number of the choice that is read, where choices have numbers: a server may send several. */
  #index: number | undefined;
  choices = 0;
  /** What came in place of a choice. */
  strange: unknown;

  /** @throws Error where the event is an error */
  add(event: unknown): void {
    if (!isObject(event)) return;
    if (event.error) throw new Error(`the answer is an error: ${serverWords(event)}`);
    this.#count(event.usage);
    const choices = [event.choices].flat().filter(isObject);
    if (choices.length === 0 && !Array.isArray(event.choices)) this.strange = event;
    const choice = choices.find(({ index }) => !isCount(index) || index === (this.#index ??= index));
    if (choice) this.#take(choice);
  }

  #take(choice: Fields): void {
    this.choices++;
    this.#count(choice.usage);
    const said = [choice.delta, choice.message].find(isObject);
    this.#say(said?.content ?? said?.refusal ?? choice.text);
    // DeepSeek, vLLM and others use the first name, OpenRouter and newer vLLM the second; some send both.
    const reasoning = [said?.reasoning_content, said?.reasoning].find(
      (value) => isText(value) && value !== '',
    );
    if (isText(reasoning)) this.reasonings.push(reasoning);
    const { finish_reason: reason } = choice;
    // Some say "" until the end.
    if (reason) this.finishReason = isText(reason) ? reason : 'unknown';
  }

  /** Takes a text, or parts of one: {"type": "text", "text"}, {"type": "thinking", "thinking": […]}. */
  #say(content: unknown): void {
    if (isText(content)) this.texts.push(content);
    if (!Array.isArray(content)) return;
    for (const part of content as unknown[]) {
      if (!isObject(part)) this.#say(part);
      else if (isText(part.text)) this.texts.push(part.text);
      else if (part.thinking) this.reasonings.push([part.thinking].flat().map(thought).join(''));
    }
  }

  /** What is no count is none, and never a reason to refuse a text. */
  #count(usage: unknown): void {
    if (!isObject(usage)) return;
    if (isCount(usage.prompt_tokens)) this.promptTokens = usage.prompt_tokens;
    if (isCount(usage.completion_tokens)) this.completionTokens = usage.completion_tokens;
  }
}

const thought = (part: unknown): string => {
  const text = isObject(part) ? part.text : part;
  return isText(text) ? text : '';
};

/**
 * Puts an answer together.
 * @param whole the answer came as one object, which cannot break off: it need not say why it ended
 * @throws Error saying what is missing: a choice, the end of the answer, any text at all
 */
export async function gatherReply(
  events: AsyncIterable<unknown> | Iterable<unknown>,
  whole: boolean,
): Promise<Completion> {
  const reply = new Reply();
  for await (const event of events) reply.add(event);
  const { texts, promptTokens, completionTokens, strange } = reply;
  const instead = strange === undefined ? '' : `: ${serverWords(strange)}`;
  if (reply.choices === 0) throw new Error(`the answer has no choices${instead}`);
  const finishReason = reply.finishReason ?? (whole ? 'unknown' : undefined);
  if (finishReason === undefined)
    throw new Error(`the answer breaks off (it has no finish_reason)${instead}`);
  const reasoning = reply.reasonings.join('');
  // An empty text can be what a model says; no text at all is a fault of the server.
  if (texts.length === 0 && reasoning === '') throw new Error(`the answer has no text (${finishReason})`);
  return {
    text: withReasoning(reasoning, texts.join(''), finishReason),
    reasoning: reasoning === '' ? null : reasoning,
    finishReason,
    promptTokens,
    completionTokens,
  };
}

function withReasoning(reasoning: string, text: string, finishReason: string): string {
  if (reasoning === '') return text;
  // Thinking that was cut off did not end, and no answer followed.
  if (text === '' && finishReason === 'length') return `<think>\n${reasoning.trimStart()}`;
  return `<think>\n${reasoning.trim()}\n</think>\n\n${text.trimStart()}`;
}
