/** @file Reads rows that are groups of sequences, each with its own prompt and its response in parts. Knows no tokens. */
import type { Role } from '../objectives/objective.js';
import type { GivenColumns } from '../text/columns.js';
import type { Part, PartsPrompt, PartsResponse } from '../text/parts.js';
import { plainNumber } from '../util/exactJson.js';
import { numberOf, refuseOthers, weightOf, wholeNumbers } from './fields.js';
import { isObject } from './jsonl.js';
import { isAbsent, parseMessages, refuseWeights, type Fail } from './messages.js';
import { parseNamedTokens, parseTopK } from './topK.js';

/** One sequence of a group. */
export interface GroupSequence {
  role: Role;
  prompt: PartsPrompt;
  response: PartsResponse;
  /** Numbers by name. */
  scalars?: Record<string, number>;
  /** By name, numbers for each token of a response of ids or for each segment, or token ids. */
  columns?: GivenColumns;
}

const ROLE = /^[a-z][a-z0-9_-]*$/;
const SEQUENCE_FIELDS = new Set(['role', 'prompt', 'response', 'end', 'score_only', 'scalars', 'columns']);
const PART_FIELDS = new Set(['text', 'ids', 'weight', 'weights', 'segment']);

/**
 * Reads the sequences of a row, such as one demonstration, a chosen and a rejected one, or samples of a problem.
 *
 *     {"sequences": [{"role": "chosen", "prompt": …, "response": [{"text": "…", "weight": 0.5, "segment": 1}, …]}, …]}
 *
 * A prompt is messages, a text or `{"ids": […]}`; a response is a text or a list of parts, each `{"text"}` or `{"ids"}`.
 * @throws the error of `fail` naming the field
 */
export function parseSequences(value: unknown, fail: Fail): GroupSequence[] {
  if (!Array.isArray(value) || value.length === 0) throw fail('"sequences" must be a list of sequences');
  return value.map((sequence: unknown, i) => parseSequence(sequence, `sequences.${i}`, fail));
}

function parseSequence(value: unknown, name: string, fail: Fail): GroupSequence {
  if (!isObject(value)) throw fail(`"${name}" must be an object with "role", "prompt" and "response"`);
  refuseOthers(value, SEQUENCE_FIELDS, name, fail);
  const { role, prompt, response, end, score_only: scoreOnly } = value;
  if (typeof role !== 'string' || !ROLE.test(role))
    throw fail(
      `"${name}.role" must be chosen, rejected, demonstration or a word of your own, in small letters`,
    );
  if (role === 'mismatched') throw fail(`"${name}.role" is mismatched, which are responses of other rows`);
  if (!isAbsent(end) && typeof end !== 'boolean') throw fail(`"${name}.end" must be true or false`);
  const parts = parseParts(response, `${name}.response`, fail);
  // What ends with ids says itself how it ends.
  const ends = typeof end === 'boolean' ? end : parts.at(-1)!.ids === undefined;
  return {
    role,
    prompt: parsePrompt(prompt, `${name}.prompt`, fail),
    response: {
      parts,
      end: ends,
      scoreOnly: isAbsent(scoreOnly) ? [] : wholeNumbers(scoreOnly, `${name}.score_only`, fail),
    },
    ...(!isAbsent(value.scalars) && { scalars: parseScalars(value.scalars, `${name}.scalars`, fail) }),
    ...(!isAbsent(value.columns) && {
      columns: parseColumns(value.columns, { parts, end: ends }, `${name}.columns`, fail),
    }),
  };
}

/** Reads numbers by name. @throws the error of `fail` naming the field */
export function parseScalars(value: unknown, name: string, fail: Fail): Record<string, number> {
  if (!isObject(value)) throw fail(`"${name}" must be an object of numbers`);
  return Object.fromEntries(
    Object.entries(value).map(([key, number]) => [key, numberOf(number, `${name}.${key}`, fail)]),
  );
}

/**
 * Reads columns by name: lists as long as the response has tokens, if it is made of ids alone, or segments; or objects of token
 * ids.
 */
function parseColumns(
  value: unknown,
  { parts, end }: Pick<PartsResponse, 'parts' | 'end'>,
  name: string,
  fail: Fail,
): GivenColumns {
  if (!isObject(value)) throw fail(`"${name}" must be an object of lists of numbers`);
  const segments = Math.max(...parts.map(({ segment = 0 }) => segment)) + 1;
  const tokens = parts.every(({ ids }) => ids)
    ? parts.reduce((sum, { ids }) => sum + ids!.length, end ? 1 : 0)
    : undefined;
  return Object.fromEntries(
    Object.entries(value).map(([key, numbers]): [string, GivenColumns[string]] => {
      if (isObject(numbers) && 'tokens' in numbers)
        return [key, parseNamedTokens(numbers, segments, `${name}.${key}`, fail)];
      if (isObject(numbers)) return [key, parseTopK(numbers, tokens, `${name}.${key}`, fail)];
      if (!Array.isArray(numbers) || (numbers.length !== tokens && numbers.length !== segments))
        throw fail(
          `"${name}.${key}" must be a list of numbers, ` +
            (tokens === undefined
              ? `one for each of the response's ${segments} segments; one for each token needs a response of ids alone`
              : `one for each of the response's ${tokens} tokens or ${segments} segments`),
        );
      return [key, numbers.map((number: unknown, i) => numberOf(number, `${name}.${key}.${i}`, fail))];
    }),
  );
}

function parsePrompt(value: unknown, name: string, fail: Fail): PartsPrompt {
  if (typeof value === 'string' && value !== '') return value;
  if (isObject(value) && 'ids' in value) return { ids: wholeNumbers(value.ids, `${name}.ids`, fail) };
  const messages = parseMessages(value, name, fail);
  if (!messages) throw fail(`"${name}" must be a text, a list of {"role", "content"}, or {"ids"}`);
  refuseWeights(messages, name, fail);
  return messages;
}

function parseParts(value: unknown, name: string, fail: Fail): Part[] {
  if (typeof value === 'string' && value !== '') return [{ text: value }];
  if (!Array.isArray(value) || value.length === 0)
    throw fail(`"${name}" must be a text or a list of parts, {"text"} or {"ids"}`);
  return value.map((part: unknown, i) => parsePart(part, `${name}.${i}`, fail));
}

function parsePart(value: unknown, name: string, fail: Fail): Part {
  if (!isObject(value) || (typeof value.text === 'string') === !isAbsent(value.ids))
    throw fail(`"${name}" must have either "text" or "ids"`);
  refuseOthers(value, PART_FIELDS, name, fail);
  const { text, ids, weight, weights, segment } = value;
  const own = isAbsent(ids) ? { text: text as string } : { ids: wholeNumbers(ids, `${name}.ids`, fail) };
  const number = isAbsent(segment) ? 0 : plainNumber(segment);
  if (number === undefined || !Number.isInteger(number) || number < 0 || number > 255)
    throw fail(`"${name}.segment" must be a whole number from 0 to 255`);
  return {
    ...own,
    ...(number !== 0 && { segment: number }),
    ...(!isAbsent(weight) && { weights: weightOf(weight, `${name}.weight`, fail) }),
    ...(!isAbsent(weights) && { weights: weightsOf(weights, own, name, fail) }),
  };
}

function weightsOf(value: unknown, { ids }: Part, name: string, fail: Fail): number[] {
  if (!ids || !Array.isArray(value) || value.length !== ids.length)
    throw fail(`"${name}.weights" must be a list with a number for each of "ids"; a text has one "weight"`);
  return value.map((weight: unknown, i) => weightOf(weight, `${name}.weights.${i}`, fail));
}
