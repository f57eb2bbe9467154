/** @file Answers `/v1/chat/completions`: conversations by the model's own template, thinking apart. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { contentText } from '../text/messages.js';
import type { RowMessage } from '../text/template.js';
import type { Choice, Delta } from './choice.js';
import { beginAll, readPrompts, requireRoom } from './decode.js';
import { badRequest, ofField } from './errors.js';
import { chatSchema, readFields, type ChatFields } from './fields.js';
import type { RequestLife } from './life.js';
import { chatLogprobs, placesOfResponse, promptLogprobs } from './logprobs.js';
import type { ServedModel } from './model.js';
import { answerStream, answerWhole, type Job } from './respond.js';
import { wayOf } from './sampling.js';
import { leavesThoughtOpen, ThinkingSplitter, type Said } from './thinking.js';

/** @throws ApiError; the reason why the request ended before its answer */
export async function chat(
  served: ServedModel,
  body: unknown,
  reply: FastifyReply,
  life: RequestLife,
): Promise<unknown> {
  const fields = readFields(chatSchema, body);
  served.requireModel(fields.model);
  const way = wayOf(fields, served.generator.model.config.vocabSize);
  const { logprobs = false, top_logprobs: top = 0, stream = false, prompt_logprobs: reads } = fields;
  if (top > 0 && !logprobs) throw badRequest('top_logprobs: logprobs must be true', 'top_logprobs');
  if (reads !== undefined && stream)
    throw badRequest('prompt_logprobs: a stream has none', 'prompt_logprobs');
  requireRoom(served, way.n);
  const prompt = renderPrompt(served, fields);
  const prompts = await served.encode([prompt.text], fields.add_special_tokens ?? false, 'messages');
  const keep = logprobs ? { logps: true, ...(top > 0 && { top }) } : {};
  const maxTokens = fields.max_completion_tokens ?? fields.max_tokens;
  const begun = beginAll(served, prompts, 'messages', way, maxTokens, keep);
  const places = reads === undefined ? undefined : await readPrompts(served, prompts, reads, life);
  const textOf = await served.textOf();
  const envelope = {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: served.name,
  };
  const job: Job = { served, begun, life, envelope };
  const logprobsOf = ({ sequence }: Choice, { tokens }: Delta) =>
    logprobs ? chatLogprobs(placesOfResponse(sequence, tokens), textOf) : null;
  requireRoom(served, begun.choices.length);
  if (!stream)
    return answerWhole(
      job,
      'chat.completion',
      (choice, delta) => ({
        index: choice.index,
        message: messageOf(delta.text, prompt.isThinking),
        logprobs: logprobsOf(choice, delta),
        finish_reason: delta.finishReason,
      }),
      places && { prompt_logprobs: promptLogprobs(prompts[0]!, places[0]!, textOf) },
    );
  const splitters = begun.choices.map(() => new ThinkingSplitter(prompt.isThinking));
  await answerStream(job, reply, {
    object: 'chat.completion.chunk',
    usage: fields.stream_options?.include_usage ?? false,
    opening: ({ index }) => ({
      index,
      delta: { role: 'assistant', content: '' },
      logprobs: null,
      finish_reason: null,
    }),
    choiceOf: (choice, delta) => ({
      index: choice.index,
      delta: deltaOf(splitters[choice.index]!, delta),
      logprobs: logprobsOf(choice, delta),
      finish_reason: delta.finishReason ?? null,
    }),
  });
  return reply;
}

/** A conversation as the model reads it, and whether what it says next goes on with a thought. */
interface Rendered {
  text: string;
  isThinking: boolean;
}

function renderPrompt({ tokenizer }: ServedModel, fields: ChatFields): Rendered {
  const { messages, tools, documents, reasoning_effort, continue_final_message: goesOn = false } = fields;
  const kwargs = {
    ...(documents && { documents }),
    ...(reasoning_effort !== undefined && { reasoning_effort }),
    ...fields.chat_template_kwargs,
  };
  const addGenerationPrompt = fields.add_generation_prompt ?? true;
  if (goesOn && addGenerationPrompt)
    throw badRequest(
      'continue_final_message: add_generation_prompt must be false beside it',
      'continue_final_message',
    );
  const conversation: readonly RowMessage[] = messages;
  const text = ofField('messages', () =>
    tokenizer.renderChat(conversation, {
      addGenerationPrompt,
      ...(tools && { tools }),
      kwargs,
    }),
  );
  if (!goesOn) return { text, isThinking: /<think>\s*$/.test(text) };
  const last = contentText(conversation.at(-1)!);
  return { text: upToLast(text, last), isThinking: leavesThoughtOpen(last) };
}

/** Cuts what a template writes after its last message, as transformers does. @throws ApiError where the message is not there */
function upToLast(text: string, last: string): string {
  const start = text.lastIndexOf(last.trim());
  if (start < 0 || last.trim() === '')
    throw badRequest(
      'continue_final_message: the template does not write the last message as it is',
      'messages',
    );
  // White space at its end is the message's where the template keeps it.
  const whole = last.trimStart();
  return text.slice(0, start + (text.startsWith(whole, start) ? whole : last.trim()).length);
}

function messageOf(text: string, isThinking: boolean) {
  const splitter = new ThinkingSplitter(isThinking);
  const said = joined(splitter.push(text), splitter.end());
  if (said.reasoning === '') return { role: 'assistant', content: said.content };
  return {
    role: 'assistant',
    content: said.content === '' ? null : said.content,
    reasoning_content: said.reasoning,
  };
}

function deltaOf(splitter: ThinkingSplitter, { text, finishReason }: Delta) {
  const now = splitter.push(text);
  const { reasoning, content } = finishReason === undefined ? now : joined(now, splitter.end());
  return { ...(reasoning !== '' && { reasoning_content: reasoning }), ...(content !== '' && { content }) };
}

const joined = (a: Said, b: Said): Said => ({
  reasoning: a.reasoning + b.reasoning,
  content: a.content + b.content,
});
