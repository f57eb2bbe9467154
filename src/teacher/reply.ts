/** @file Puts a response together from what an endpoint sends. */
import { z } from 'zod';

/** What a model answered. */
export interface Completion {
  /** The whole answer: the reasoning, where the endpoint gives it apart, put back as `<think>\n…\n</think>\n\n`. */
  text: string;
  /** The reasoning alone, null where the endpoint does not give it apart. */
  reasoning: string | null;
  /** As the endpoint says it: `stop`, `length` (cut off), `content_filter`, … */
  finishReason: string;
  /** Null where the endpoint does not count. */
  promptTokens: number | null;
  completionTokens: number | null;
}

const count = z.int().nonnegative();
const part = z.object({
  content: z.string().nullish(),
  // DeepSeek, vLLM and others use the first name, OpenRouter and newer vLLM the second; some send both.
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
});
/** A whole answer or a piece of one, of chat or of completions. */
const event = z.object({
  choices: z
    .array(
      z.object({
        message: part.nullish(),
        delta: part.nullish(),
        text: z.string().nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z.object({ prompt_tokens: count, completion_tokens: count }).nullish(),
  error: z.unknown().optional(),
});

/**
 * Puts an answer together from the events of a stream, or from the one object of an answer that was sent whole.
 * @throws Error saying what is missing: the shape, a choice, the end of the answer, any text at all
 */
export async function gatherReply(events: AsyncIterable<unknown> | Iterable<unknown>): Promise<Completion> {
  const texts: string[] = [];
  const reasonings: string[] = [];
  let choices = 0;
  let finishReason: string | undefined;
  let usage: z.infer<typeof event>['usage'];
  for await (const value of events) {
    const parsed = event.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new Error(`the answer has not the expected shape (${issue.path.join('.')}: ${issue.message})`);
    }
    if (parsed.data.error !== undefined && parsed.data.error !== null)
      throw new Error(`the answer is an error: ${JSON.stringify(parsed.data.error)}`);
    usage = parsed.data.usage ?? usage;
    const choice = parsed.data.choices?.[0];
    if (!choice) continue;
    choices++;
    const said = choice.delta ?? choice.message;
    const text = said?.content ?? choice.text;
    const reasoning = said?.reasoning_content ?? said?.reasoning;
    if (typeof text === 'string') texts.push(text);
    if (typeof reasoning === 'string') reasonings.push(reasoning);
    finishReason = choice.finish_reason ?? finishReason;
  }
  if (choices === 0) throw new Error('the answer has no choices');
  if (finishReason === undefined) throw new Error('the answer breaks off (it has no finish_reason)');
  const reasoning = reasonings.join('');
  // An empty text can be what a model says; no text at all is a fault of the server.
  if (texts.length === 0 && reasoning === '') throw new Error(`the answer has no text (${finishReason})`);
  return {
    text: withReasoning(reasoning, texts.join(''), finishReason),
    reasoning: reasoning === '' ? null : reasoning,
    finishReason,
    promptTokens: usage?.prompt_tokens ?? null,
    completionTokens: usage?.completion_tokens ?? null,
  };
}

function withReasoning(reasoning: string, text: string, finishReason: string): string {
  if (reasoning === '') return text;
  // Thinking that was cut off did not end, and no answer followed.
  if (text === '' && finishReason === 'length') return `<think>\n${reasoning.trimStart()}`;
  return `<think>\n${reasoning.trim()}\n</think>\n\n${text.trimStart()}`;
}
