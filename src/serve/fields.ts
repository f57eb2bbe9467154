/** @file Reads the fields of a request: those that all requests for completions have, and those that cannot be had here. */
import { z } from 'zod';
import { badRequest } from './errors.js';

/** Responses that a request may ask for, for each of its prompts. */
const MOST_CHOICES = 128;
/** Log-probs that may be asked for in one place; vLLM allows 20 unless it is told otherwise. */
export const MOST_LOGPROBS = 128;

/** What is null is not given: clients send nulls for what they leave open. */
const given = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);
const flag = given(z.boolean());
const no = given(z.literal(false, 'is not supported here'));
const logprobs = z.int().min(0).max(MOST_LOGPROBS);

const common = {
  model: given(z.string()),
  n: given(z.int().min(1).max(MOST_CHOICES)),
  temperature: given(z.number().min(0).max(100)),
  top_p: given(z.number().gt(0).max(1)),
  /** 0 and −1 are all tokens. */
  top_k: given(z.int().min(-1)),
  min_p: given(z.number().min(0).max(1)),
  seed: given(z.int()),
  stop: given(
    z.union(
      [z.string().transform((text) => [text]), z.array(z.string())],
      'must be a text or a list of texts',
    ),
  ),
  logit_bias: given(z.record(z.string().regex(/^\d{1,9}$/, 'must be a token id'), z.number())),
  stream: flag,
  stream_options: given(z.object({ include_usage: flag, continuous_usage_stats: no })),
  prompt_logprobs: given(logprobs),
  add_special_tokens: flag,
};

export const completionSchema = z.object({
  ...common,
  prompt: z.unknown(),
  max_tokens: given(z.int().min(0)),
  echo: flag,
  logprobs: given(logprobs),
});

const part = z.looseObject({ type: z.literal('text'), text: z.string() });
export const messageSchema = z.looseObject({
  role: z.string(),
  content: z
    .union(
      [z.string(), z.array(part)],
      'must be a text or a list of text parts, {"type": "text", "text": …}; the model reads nothing else',
    )
    .nullish(),
});

export const chatSchema = z.object({
  ...common,
  messages: z.array(messageSchema).min(1, 'must have at least one message'),
  max_tokens: given(z.int().min(1)),
  max_completion_tokens: given(z.int().min(1)),
  logprobs: flag,
  top_logprobs: given(logprobs),
  tools: given(z.array(z.record(z.string(), z.unknown()))),
  chat_template_kwargs: given(z.record(z.string(), z.unknown())),
  /** For the template, as in vLLM; these two likewise. */
  documents: given(z.array(z.record(z.string(), z.unknown()))),
  reasoning_effort: given(z.string()),
  add_generation_prompt: flag,
  echo: no,
  continue_final_message: flag,
});

export type CompletionFields = z.output<typeof completionSchema>;
export type ChatFields = z.output<typeof chatSchema>;
export type CommonFields = Pick<CompletionFields, keyof typeof common>;

/**
 * Reads a request's body. Fields that nobody here knows are ignored, as vLLM ignores them; those that it or OpenAI know and that
 * would change the answer are refused, since an answer without them would be another one.
 * @throws ApiError naming the field
 */
export function readFields<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('the body must be a JSON object');
  const parsed = schema.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const { path } = issue;
    const { message: words } = (issue.code === 'invalid_key' && issue.issues[0]) || issue;
    const param = path.map(String).join('.');
    throw badRequest(`${param}: ${words}`, param);
  }
  refuseForeign(body as Record<string, unknown>);
  return parsed.data;
}

/** Fields that are not to be had, with the values that ask for nothing. */
const FOREIGN: Record<string, readonly unknown[]> = {
  frequency_penalty: [0],
  presence_penalty: [0],
  repetition_penalty: [1],
  length_penalty: [1],
  best_of: [1],
  use_beam_search: [false],
  suffix: [''],
  ignore_eos: [false],
  min_tokens: [0],
  stop_token_ids: [],
  bad_words: [],
  allowed_token_ids: [],
  include_stop_str_in_output: [false],
  skip_special_tokens: [true],
  truncate_prompt_tokens: [],
  guided_json: [],
  guided_regex: [],
  guided_choice: [],
  guided_grammar: [],
  structured_outputs: [],
  logits_processors: [],
  functions: [],
  function_call: ['none'],
  audio: [],
  chat_template: [],
  prompt_embeds: [],
  return_token_ids: [false],
  return_tokens_as_token_ids: [false],
  include_reasoning: [true],
  thinking_token_budget: [],
  web_search_options: [],
};

function refuseForeign(body: Record<string, unknown>): void {
  for (const [name, idle] of Object.entries(FOREIGN)) {
    const value = Object.hasOwn(body, name) ? body[name] : null;
    const isEmpty = value == null || (Array.isArray(value) && value.length === 0);
    if (!isEmpty && !idle.includes(value)) throw badRequest(`${name} is not supported here`, name);
  }
  const { response_format: format, tools, tool_choice: choice, modalities } = body;
  if (format != null && (format as { type?: unknown }).type !== 'text')
    throw badRequest('response_format: only texts can be had, {"type": "text"}', 'response_format');
  if (Array.isArray(tools) && tools.length > 0 && choice !== 'none')
    throw badRequest(
      'tool_choice: tools are only shown to the model, which "none" says; their calls are not read out of its answer',
      'tool_choice',
    );
  if (Array.isArray(modalities) && modalities.some((name) => name !== 'text'))
    throw badRequest('modalities: only "text" can be had', 'modalities');
}
