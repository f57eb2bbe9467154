/** @file Has the numbers of a column computed by an endpoint, aligned by token ids. */
import { rowError } from '../data/jsonl.js';
import { EndpointError, type Endpoint } from '../teacher/endpoint.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import type { TokenRow } from '../text/tokenRows.js';
import { sameLikeliest, type Keep } from './columnScores.js';
import { within, type Packs } from './keptScores.js';
import { roundingOf } from './rounding.js';
import type { ScoresFile } from './scoresFile.js';

/** Servers compute in bf16, with whatever else they have to do: the largest logits that their numbers are taken for rounded with. */
const LOGIT = 32;
/** Packs that are asked for before their turn, by requests at once: one that is slow keeps few of the others waiting. */
const AHEAD = 4;

export interface RemoteColumn {
  endpoint: Endpoint;
  read: 'logps' | 'top-k';
  /** Of `top-k`, how many tokens. */
  k: number;
  /** That of the rows. */
  tokenizer: ChatTokenizer;
  /** The file of rows, and the line of each part. */
  data: string;
  lineOf: (part: number) => number;
}

/** Makes packs for an endpoint: each response is a request, and kept by itself; the first stay together. */
export const singlePacks = ([first, ...others]: Packs): Packs => [
  first!,
  ...others.flat().map((part) => [part]),
];

/**
 * The numbers follow from the endpoint's address and its name of the model: it says nothing of its weights. Those that are asked for
 * again find out others.
 * @throws EndpointError where the endpoint fails; UserError naming the row that it does not take
 */
export async function scoresElsewhere(
  { endpoint, read, k, tokenizer, data, lineOf }: RemoteColumn,
  keep: Keep,
  signal: AbortSignal | undefined,
): Promise<ScoresFile> {
  const isTopK = read === 'top-k';
  const asked = isTopK ? k : 0;
  const most = roundingOf('bf16', LOGIT).logps;
  const stop = new AbortController();
  const either = AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]);
  const texts = new Map<number, string>();
  const textOf = (id: number): string => {
    const text = texts.get(id) ?? tokenizer.decode([id]);
    texts.set(id, text);
    return text;
  };
  const score = async ({ ids, responseStart: from }: TokenRow, part: number): Promise<Float64Array> => {
    try {
      const { logps, likeliest } = await endpoint.score({ ids, from, k: asked, textOf }, either);
      if (!isTopK) return logps;
      return Float64Array.from(likeliest.flatMap((list) => [...list.ids, ...list.logps]));
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      if (error.isPermanent) throw rowError(data, lineOf(part), error.message);
      error.message += '; the same command goes on where it was';
      throw error;
    }
  };
  try {
    return await keep({
      follows: { endpoint: endpoint.url, model: endpoint.model, kind: read, k: asked },
      compute: (rows, parts) => Promise.all(rows.map((row, i) => score(row, parts[i]!))),
      agrees: isTopK ? sameLikeliest(k, most) : within(most),
      atOnce: AHEAD * endpoint.concurrency,
    });
  } finally {
    stop.abort(); // what was asked for ahead
  }
}
