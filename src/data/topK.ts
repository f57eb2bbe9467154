/** @file Reads columns of token ids: a teacher's likeliest tokens, or tokens that are named. Knows no tokens itself. */
import type { NamedTokens, TopKLists } from '../text/columns.js';
import { plainNumber } from '../util/exactJson.js';
import { isAbsent, type Fail } from './messages.js';
import { numberOf, refuseOthers, wholeNumber, wholeNumbers } from './fields.js';

type Fields = Readonly<Record<string, unknown>>;

/** What probabilities may add up to: those of narrow numbers are rounded. */
const MOST = 1.01;

/**
 * Reads `{"ids": [[…], …], "logps": [[…], …]}`, with a list for each token of the response.
 * @param count the tokens of the response; undefined unless it is made of ids alone
 * @throws the error of `fail` naming the field
 */
export function parseTopK(value: Fields, count: number | undefined, name: string, fail: Fail): TopKLists {
  refuseOthers(value, new Set(['ids', 'logps']), name, fail);
  const { ids, logps } = value;
  if (count === undefined)
    throw fail(`"${name}" has token ids for each token, which needs a response of ids alone`);
  if (![ids, logps].every((lists) => Array.isArray(lists) && lists.length === count))
    throw fail(
      `"${name}" must have "ids" and "logps", each with a list for each of the response's ${count} tokens`,
    );
  const [idLists, logpLists] = [ids as unknown[], logps as unknown[]];
  const parsed = idLists.map((list, t) => distinct(list, `${name}.ids.${t}`, fail));
  return {
    ids: parsed,
    logps: logpLists.map((list, t) => logProbs(list, parsed[t]!.length, `${name}.logps.${t}`, fail)),
  };
}

/**
 * Reads `{"segment": 1, "tokens": [" yes", " no"]}`, perhaps with "logps".
 * @param segments of the response
 * @throws the error of `fail` naming the field
 */
export function parseNamedTokens(value: Fields, segments: number, name: string, fail: Fail): NamedTokens {
  refuseOthers(value, new Set(['segment', 'tokens', 'logps']), name, fail);
  const { segment: given, tokens, logps } = value;
  const segment = isAbsent(given) ? 0 : plainNumber(given);
  if (segment === undefined || !Number.isInteger(segment) || segment < 0 || segment >= segments)
    throw fail(`"${name}.segment" must be one of the response's ${segments} segments, counted from 0`);
  if (!Array.isArray(tokens) || tokens.length < 2)
    throw fail(`"${name}.tokens" must be a list of two tokens or more, each a text of one token or an id`);
  return {
    segment,
    tokens: tokens.map((token: unknown, i) => {
      if (typeof token === 'string' && token !== '') return token;
      return wholeNumber(token, `${name}.tokens.${i}`, fail);
    }),
    ...(!isAbsent(logps) && { logps: logProbs(logps, tokens.length, `${name}.logps`, fail) }),
  };
}

function distinct(list: unknown, name: string, fail: Fail): number[] {
  const ids = wholeNumbers(list, name, fail);
  if (new Set(ids).size < ids.length) throw fail(`"${name}" has one id twice`);
  return ids;
}

function logProbs(list: unknown, count: number, name: string, fail: Fail): number[] {
  if (!Array.isArray(list) || list.length !== count)
    throw fail(`"${name}" must be a list of ${count} natural log-probs, one for each id`);
  const logps = list.map((logp: unknown, i) => numberOf(logp, `${name}.${i}`, fail));
  const sum = logps.reduce((total, logp) => total + Math.exp(logp), 0);
  if (!(sum <= MOST))
    throw fail(
      `"${name}" has probabilities that add up to ${sum.toPrecision(4)}; give natural log-probs, after the softmax`,
    );
  return logps;
}
