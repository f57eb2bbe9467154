/** @file Makes the columns of a token row of what a row of data gives, now that its tokens are known. */

import { topKOf, type TopK } from '../objectives/topK.js';
import { encodeContinuation } from './continuation.js';
import type { TokenRow, Where } from './tokenRows.js';
import type { ChatTokenizer } from './tokenizer.js';

/** Token ids and their natural log-probs, a list of each for every token of a response. */
export interface TopKLists {
  ids: readonly (readonly number[])[];
  logps: readonly (readonly number[])[];
}

/** Tokens that are read where a segment of a response begins: texts of one token, or ids. */
export interface NamedTokens {
  segment: number;
  tokens: readonly (string | number)[];
  /** Natural log-probs that somebody gave them. */
  logps?: readonly number[];
}

/** Columns by name: numbers of tokens or segments, or token ids. */
export type GivenColumns = Readonly<Record<string, readonly number[] | TopKLists | NamedTokens>>;

/** Makes a row's columns. @throws the error of `where` for a text that is not one token, and a segment without tokens */
export async function columnsOf(
  tokenizer: ChatTokenizer,
  given: GivenColumns,
  row: TokenRow,
  where: Where,
): Promise<Pick<TokenRow, 'columns' | 'topK'>> {
  const columns: Record<string, Float64Array> = {};
  const topK: Record<string, TopK> = {};
  for (const [name, column] of Object.entries(given)) {
    if ('tokens' in column) topK[name] = await namedTokens(tokenizer, name, column, row, where);
    else if ('ids' in column) topK[name] = topKOf(column.ids, column.logps);
    else columns[name] = Float64Array.from(column);
  }
  return {
    ...(Object.keys(columns).length > 0 && { columns }),
    ...(Object.keys(topK).length > 0 && { topK }),
  };
}

async function namedTokens(
  tokenizer: ChatTokenizer,
  name: string,
  { segment, tokens, logps }: NamedTokens,
  { ids, responseStart, segments }: TokenRow,
  where: Where,
): Promise<TopK> {
  const length = ids.length - responseStart;
  const at = segments ? segments.indexOf(segment) : segment === 0 ? 0 : -1;
  if (at === -1)
    throw where(`"columns.${name}" is read where segment ${segment} begins, which has no tokens`);
  const found: number[] = [];
  for (const token of tokens)
    found.push(
      typeof token === 'number'
        ? token
        : await singleToken(tokenizer, token, (count) =>
            where(
              `"columns.${name}" names ${JSON.stringify(token)}, which is ${count} tokens of this model; name single ones`,
            ),
          ),
    );
  if (new Set(found).size < found.length) throw where(`"columns.${name}" names one token twice`);
  const only = <T>(own: readonly T[]) => Array.from({ length }, (_, t) => (t === at ? own : []));
  return topKOf(only(found), logps && only(logps));
}

/** Finds the token that a text is where it continues another. @param fail makes the error for one of another number of tokens */
export async function singleToken(
  tokenizer: ChatTokenizer,
  text: string,
  fail: (count: number) => Error,
): Promise<number> {
  const ids = await encodeContinuation(tokenizer, text);
  if (ids.length !== 1) throw fail(ids.length);
  return ids[0]!;
}
