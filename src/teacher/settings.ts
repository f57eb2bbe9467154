/** @file The settings under which problems are answered: the schema that `collect` and `evaluate` share, and what of them a request is made of. */
import { z } from 'zod';
import type { ChatMessage } from '../text/template.js';
import { computeDtypes } from '../util/computeDtype.js';
import { UserError } from '../util/errors.js';
import { filesOfModule } from '../util/modules.js';
import { deriveSeed } from '../util/random.js';
import { redactSettings } from '../util/redact.js';
import { presetNames } from '../verify/presets.js';
import type { RequestId } from './requests.js';

const count = z.int().positive();

const samples = count.max(100_000).meta({ limit: 'all samples of a problem are kept track of at once' });

/** How many responses are drawn. The one schema of it. */
export const samplesKey = (what: string) => samples.default(1).describe(what).meta({ short: 'k' });

/** How an endpoint is asked, whatever for. */
export function endpointKeys(requestsAtOnce: number) {
  return {
    concurrency: count
      .max(4096)
      .default(requestsAtOnce)
      .describe('requests to the endpoint at once, to each if there are several')
      .meta({ limit: 'each request holds a connection open' }),
    timeout: z.number().min(0.001).max(86_400).default(3600).describe('seconds for one request as a whole'),
    idle_timeout: z
      .number()
      .min(0.001)
      .max(300)
      .default(300)
      .describe('seconds without a byte of the response'),
    retries: z.int().min(0).max(1000).default(10).describe('further tries after a failure that may pass'),
  };
}

/** How an endpoint is asked. */
export type EndpointSettings = z.output<z.ZodObject<ReturnType<typeof endpointKeys>>>;

/** What the two commands have by default: a teacher is sampled, a student is examined greedily. */
export interface AnswerDefaults {
  instruction: string;
  temperature: number;
  top_p: number;
  max_tokens: number;
}

/** Decoding rules that have names; those that take a setting are keys of their own. */
export const ruleNames = ['repetition'] as const;
const namedRule = z.enum(ruleNames);
const ruleModule = z.strictObject({ module: z.string().min(1) });

/** How a response is drawn. The one schema of it. */
export function samplingSchema(defaults: Omit<AnswerDefaults, 'instruction'>) {
  return z.strictObject({
    temperature: z.number().min(0).max(100).default(defaults.temperature).describe('0 is greedy'),
    top_p: z
      .number()
      .positive()
      .max(1)
      .default(defaults.top_p)
      .describe('sample from the likeliest tokens of this mass'),
    top_k: z.int().min(0).optional().describe('sample from so many of the likeliest tokens; 0 is all'),
    min_p: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe("sample from tokens that have at least this share of the likeliest one's probability"),
    stop: z
      .array(z.string().min(1).max(1000))
      .max(64)
      .optional()
      .describe('texts before which a response ends'),
    max_tokens: count.max(10_000_000).default(defaults.max_tokens).describe('tokens a response has at most'),
    seed: z
      .int()
      .min(0)
      .default(0)
      .describe('of the sampling; every response has its own seed, made from this one'),
    calculator: z
      .boolean()
      .default(false)
      .describe('compute <<expr=value>> marks while decoding (a local model only)'),
    rules: z
      .union([namedRule, ruleModule, z.array(z.union([namedRule, ruleModule])).min(1)])
      .transform((given) => [given].flat())
      .optional()
      .describe(
        `decoding rules (a local model only): ${ruleNames.join(', ')} (cuts off a response that repeats itself), or a JavaScript file that exports a rule, whose code runs`,
      ),
    helper_model: z
      .string()
      .min(1)
      .optional()
      .describe(
        'a second model of the same vocabulary, to which rules may hand a response over: { model: "helper", tokens } (a local model only)',
      ),
    think_tokens: count
      .optional()
      .describe('tokens after which thinking is ended by force (a local model only)'),
    keep_tokens: z
      .boolean()
      .default(false)
      .describe(
        'keep the ids of each response, their log-probs, and which of them were forced (a local model only)',
      ),
    forced_prefix: z.string().optional().describe('how every response begins (a local model only)'),
    extra_body: z
      .record(z.string(), z.unknown())
      .default({})
      .describe(
        'further fields of a request to an endpoint, as JSON; null leaves one out; what is secret by its name is sent and stored as ***',
      ),
  });
}

export type SamplingSettings = z.output<ReturnType<typeof samplingSchema>>;

/** The keys of whatever has problems answered. */
export function answerKeys(defaults: AnswerDefaults) {
  return {
    data: z.string().min(1).describe('problems with answers: JSON lines, a JSON array or Parquet'),
    problem_field: z
      .string()
      .optional()
      .describe('the field that holds the problem, where it is not "problem" or "question"'),
    answer_field: z
      .string()
      .optional()
      .describe('the field that holds the gold answer, where it is not "answer" or a "solution" with ####'),
    shuffle: z
      .int()
      .min(0)
      .optional()
      .describe('seed of a shuffle of the problems before skip and count; without it they stay in order'),
    skip: z.int().min(0).default(0).describe('problems to leave out at the beginning'),
    count: count.optional().describe('problems to take after that; without it all that are left'),
    model: z.string().min(1).describe("a model directory, or with base_url the model's name at the endpoint"),
    base_url: z
      .string()
      .optional()
      .describe(
        'an OpenAI-compatible endpoint, such as http://127.0.0.1:8000/v1, or several of one model with commas between them; without it the model runs here',
      ),
    samples: samplesKey('responses a problem'),
    system: z.string().optional().describe('a system message'),
    instruction: z
      .string()
      .default(defaults.instruction)
      .describe('put before the problem when asking; rows have it in "sampling", not in the problem'),
    prompt: z
      .string()
      .optional()
      .describe(
        'a YAML file of how problems are asked, templates over their rows and worked examples; instead of system and instruction',
      ),
    prefix_field: z
      .string()
      .optional()
      .describe('the field of a row with which its responses begin (a local model only)'),
    api: z
      .enum(['chat', 'completions'])
      .default('chat')
      .describe('chat messages, or the plain text of the problem'),
    sampling: samplingSchema(defaults).prefault({}).describe('how a response is drawn'),
    dtype: z.enum(computeDtypes).default('bf16').describe('precision of a local model'),
    device: z.string().default('cpu').describe('where a local model runs: cpu, cuda or cuda:N'),
    batch_size: count
      .optional()
      .describe('responses of a local model at a time; without it 64 on the CPU, else 256'),
    api_key_env: z
      .string()
      .optional()
      .describe(
        'environment variable with the key of the endpoint; without it OPENAI_API_KEY, if that is set',
      ),
    ...endpointKeys(16),
  };
}

export const collectDefaults: AnswerDefaults = {
  // How OpenR1-Math's teacher was asked.
  instruction:
    'You will be given a problem. Please reason step by step, and put your final answer within \\boxed{}:',
  temperature: 0.6,
  top_p: 0.95,
  max_tokens: 16_384,
};

export const evaluateDefaults: AnswerDefaults = {
  instruction: '',
  temperature: 0,
  top_p: 1,
  max_tokens: 512,
};

/** What `collect` has besides. */
export const collectSettings = z.strictObject({
  ...answerKeys(collectDefaults),
  preset: z
    .enum(presetNames)
    .default('mathVerify')
    .describe('how the answers of traces are found and compared'),
  until_right: samples
    .optional()
    .describe('ask for a problem until its first right response, at most so many times; instead of samples'),
  max_tokens_total: count
    .optional()
    .describe('ask no more once all requests together took so many tokens (an endpoint only)'),
  max_cost: z
    .number()
    .min(0)
    .optional()
    .describe('ask no more once they cost so much; needs both prices (an endpoint only)'),
  price_in: z.number().min(0).optional().describe('of a million prompt tokens'),
  price_out: z.number().min(0).optional().describe('of a million completion tokens'),
});
export type CollectSettings = z.output<typeof collectSettings>;

/** The files of code that a response depends on. */
export const ruleFiles = ({ rules = [] }: Pick<SamplingSettings, 'rules'>): string[] =>
  rules.flatMap((rule) => (typeof rule === 'string' ? [] : filesOfModule(rule.module)));

/** The settings under which problems are answered, whichever command they come from. */
export type AnswerSettings = z.output<z.ZodObject<ReturnType<typeof answerKeys>>>;

/** @throws UserError where settings do not go together */
export function checkAnswerSettings({
  base_url,
  api,
  system,
  prompt,
  prefix_field,
  sampling,
}: AnswerSettings): void {
  const local = base_url === undefined;
  if (local && Object.keys(sampling.extra_body).length > 0)
    throw new UserError('"extra_body" is for an endpoint: give "base_url", or leave it out.');
  const { calculator, keep_tokens, forced_prefix, rules, helper_model, think_tokens } = sampling;
  if (
    !local &&
    (calculator ||
      keep_tokens ||
      [forced_prefix, prefix_field, rules, helper_model, think_tokens].some((value) => value !== undefined))
  )
    throw new UserError(
      '"calculator", "forced_prefix", "prefix_field", "rules", "helper_model", "think_tokens" and "keep_tokens" need a model that runs here: leave out "base_url", or them.',
    );
  if (prefix_field !== undefined && forced_prefix !== undefined)
    throw new UserError('Give "prefix_field" or "forced_prefix", not both: a response has one beginning.');
  if (prompt !== undefined && system !== undefined)
    throw new UserError('Give "prompt" or "system", not both: the prompt file has a "system" of its own.');
  if (api === 'completions' && system !== undefined)
    throw new UserError('"system" is for chats: with "api" completions put it into "instruction".');
}

/** @throws UserError where there is an instruction beside a prompt file */
export function refuseInstruction(
  { prompt, instruction }: AnswerSettings,
  defaults: Pick<AnswerDefaults, 'instruction'>,
): void {
  if (prompt !== undefined && !['', defaults.instruction].includes(instruction))
    throw new UserError('Give "prompt" or "instruction", not both: the prompt file says what is asked.');
}

/** Why a prompt file cannot say how responses begin, as a sentence's end; undefined where it can. */
export function prefixRefusal({ base_url, prefix_field, sampling }: AnswerSettings): string | undefined {
  if (base_url !== undefined) return 'needs a model that runs here: leave it out, or "base_url".';
  const other = [prefix_field, sampling.forced_prefix].some((value) => value !== undefined);
  return other ? 'cannot stand beside "prefix_field" or "forced_prefix".' : undefined;
}

/** What is sent for a problem without a prompt file: messages for a chat, else a text. */
export function promptFor(
  { api, system, instruction }: Pick<AnswerSettings, 'api' | 'system' | 'instruction'>,
  problem: string,
): ChatMessage[] | string {
  const text = instruction === '' ? problem : `${instruction}\n${problem}`;
  if (api === 'completions') return text;
  return [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    { role: 'user', content: text },
  ];
}

/**
 * The fields of the body of a request for one response. Its seed depends on the run's seed, the problem's place in the
 * file, the number of the sample and that of the turn alone, so that a response is the same whenever it is asked for, as far as the server
 * keeps to seeds. Seeds have 31 bits, which every server takes.
 */
export function requestFields({ sampling }: AnswerSettings, id: RequestId): Record<string, unknown> {
  const { temperature, top_p, top_k, min_p, stop, max_tokens, seed, extra_body } = sampling;
  return {
    seed: seedOf(seed, id) % LARGEST_SEED,
    temperature,
    top_p,
    ...(top_k !== undefined && { top_k }),
    ...(min_p !== undefined && { min_p }),
    ...(stop !== undefined && { stop }),
    max_tokens,
    ...extra_body,
  };
}

/** The seed that an endpoint is asked with, whose further fields may name one. */
export function endpointSeed({ sampling }: AnswerSettings, id: RequestId): number {
  const { seed = seedOf(sampling.seed, id) % LARGEST_SEED } = sampling.extra_body;
  return typeof seed === 'number' ? seed : seedOf(sampling.seed, id) % LARGEST_SEED;
}

const LARGEST_SEED = 2 ** 31;

/** The seed of a response, made from the run's. */
export const seedOf = (seed: number, { problem, sample, turn = 0 }: RequestId): number =>
  deriveSeed(seed, 'collect', problem, sample, ...(turn === 0 ? [] : [turn]));

/**
 * The settings that a response depends on besides the model, by the names that rows and journals use. What is at its
 * default of "none" is left out, and what is secret in `extra_body` is not told.
 */
export function storedSampling({
  api,
  system,
  instruction,
  prompt,
  prefix_field,
  sampling,
}: AnswerSettings): Record<string, unknown> {
  // The digest of the helper tells it apart, wherever it lies.
  const { extra_body, calculator, keep_tokens, ...own } = { ...sampling, helper_model: undefined };
  const all = {
    api,
    system,
    instruction: instruction === '' || prompt !== undefined ? undefined : instruction,
    prefix_field,
    ...own,
    calculator: calculator ? true : undefined,
    keep_tokens: keep_tokens ? true : undefined,
    ...redactSettings(extra_body),
  };
  const isGiven = ([, value]: [string, unknown]) => value !== null && value !== undefined;
  return Object.fromEntries(Object.entries<unknown>(all).filter(isGiven));
}
