/** @file Makes of a request's fields how its responses are drawn. */
import { randomInt } from 'node:crypto';
import { logitBias } from '../generate/rules/logitBias.js';
import type { Rule } from '../generate/rules/rule.js';
import { stopStrings } from '../generate/rules/stopStrings.js';
import type { SamplingOptions } from '../generate/sampling.js';
import { badRequest, ofField } from './errors.js';
import type { CommonFields } from './fields.js';

/** Below this a temperature is taken as 0, and below the second one as the second one: as in vLLM. */
const GREEDY_BELOW = 1e-5;
const LEAST_TEMPERATURE = 0.01;
/** Biases beyond this are taken as this: as in vLLM. */
const MOST_BIAS = 100;

/** How the responses of a request are drawn. */
export interface Way {
  sampling: SamplingOptions;
  rules: Rule[];
  /** Texts that end a response. */
  stops: readonly string[];
  /** Of the request: that of each response is made of it as `generate` makes it. */
  seed: number;
  /** Responses a prompt. */
  n: number;
}

/** @throws ApiError naming the field that is not possible */
export function wayOf(fields: CommonFields, vocabSize: number): Way {
  const { temperature = 1, top_p: topP = 1, top_k: topK = 0, min_p: minP = 0, n = 1 } = fields;
  const { stop: stops = [], logit_bias: bias = {} } = fields;
  const isGreedy = temperature < GREEDY_BELOW;
  if (isGreedy && n > 1) throw badRequest(`n: ${n} responses at temperature 0 would all be the same`, 'n');
  if (fields.stream_options !== undefined && fields.stream !== true)
    throw badRequest('stream_options: only a stream has them', 'stream_options');
  const biases = new Map(
    Object.entries(bias).map(([id, value]) => [Number(id), Math.max(-MOST_BIAS, Math.min(MOST_BIAS, value))]),
  );
  return {
    sampling: {
      ...{ topP, topK: Math.max(0, topK), minP },
      temperature: isGreedy ? 0 : Math.max(LEAST_TEMPERATURE, temperature),
    },
    rules: [
      ...(stops.length > 0 ? [ofField('stop', () => stopStrings(stops))] : []),
      ...(biases.size > 0 ? [ofField('logit_bias', () => logitBias(biases, vocabSize))] : []),
    ],
    stops,
    seed: fields.seed ?? randomInt(2 ** 47),
    n,
  };
}
