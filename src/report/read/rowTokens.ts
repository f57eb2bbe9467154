/** @file Finds numbers of tokens in what `columns`, `score --tokens` and `collect --keep-tokens` have left, and the texts of the tokens. */
import { join } from 'node:path';
import { z } from 'zod';
import { spansOf } from '../../doctor/spans.js';
import type { ChatTokenizer } from '../../text/tokenizer.js';
import { plainNumber } from '../../util/exactJson.js';
import type { TokenColumn, TokenText } from '../model.js';
import { DRAWN, linesOf, type OpenRow, type OpenTrace, type RowTokens } from './openRow.js';
import type { FoundFolder } from './folders.js';
import { settingsOf, shortened } from './json.js';
import { locate, type NamedPaths } from './locate.js';

/** A file with numbers of tokens, and what its folder says of it. */
export interface TokenSource {
  name: string;
  file: string;
  kind: 'columns' | 'score';
  /** The rows that were scored, where that is known and they are still there. */
  data?: string | undefined;
  /** Whether these rows may be read; those of `columns` stand in its own file. */
  mayReadData?: boolean;
  /** What a folder's record says. */
  model?: string | undefined;
  context?: string | undefined;
  as?: string | undefined;
  read?: string | undefined;
  /** Undefined where it is to be found out. */
  tokenizer?: ChatTokenizer | undefined;
  /** A user has named the file, of which no record tells. */
  isNamed?: boolean;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What a folder of `columns` or `score` holds. */
export function sourceIn(
  { dir, name, record }: FoundFolder,
  tokenizerOf: (model: unknown, own: string) => ChatTokenizer | undefined,
  mayRead: NamedPaths,
): TokenSource {
  const { model, data, context, as: column, read, tokenizer } = settingsOf(record);
  const isScore = record.command === 'score';
  const rows = locate(data, dir);
  return {
    ...{ name, file: join(dir, isScore ? 'scores.jsonl' : 'rows.jsonl') },
    ...{ kind: isScore ? 'score' : 'columns', data: rows, model: text(model) },
    ...(isScore && rows !== undefined && { mayReadData: mayRead.has(rows) }),
    ...{ context: text(context), as: text(column), read: text(read) },
    tokenizer: tokenizerOf(tokenizer ?? model, dir),
  };
}

const numbers = z.array(z.number());
const sequence = z.looseObject({
  role: z.string(),
  prompt: z.looseObject({ ids: numbers }),
  response: z.array(z.looseObject({ ids: numbers, weights: numbers.optional() })).min(1),
  scalars: z.record(z.string(), z.number()).optional(),
  columns: z.record(z.string(), z.unknown()).default({}),
});
const scored = z.looseObject({ ids: numbers, logps: z.array(z.number().nullable()) });

/** A response of a source: of which row, as what, in which tokens. */
export interface SourceResponse {
  role: string;
  promptIds: number[];
  tokens: RowTokens;
}

/** The responses of each row of a source. */
export interface SourceRow {
  fields: Record<string, unknown>;
  responses: SourceResponse[];
}

/** Reads the rows of a source in their order. */
export function* rowsOf(source: TokenSource): Generator<SourceRow> {
  if (source.kind === 'score') {
    yield* scoresOf(source);
    return;
  }
  for (const row of linesOf(source.file)) {
    const { data } = z.array(sequence).safeParse(row.sequences);
    if (data) yield { fields: row, responses: data.map((one) => responseOf(one, source)) };
  }
}

function responseOf(
  { role, prompt, response, scalars, columns }: z.output<typeof sequence>,
  source: TokenSource,
): SourceResponse {
  const ids = response.flatMap((part) => part.ids);
  const weights = response.flatMap((part) => part.weights ?? part.ids.map(() => 1));
  const found = Object.entries(columns).flatMap(([name, values]) => {
    const { data } = numbers.safeParse(values);
    return data?.length === ids.length ? [[keyOf(source, name), data] as const] : [];
  });
  return {
    ...{ role, promptIds: prompt.ids },
    tokens: {
      ...{ ids, columns: new Map(found) },
      ...(weights.some((weight) => weight !== 1) && { weights }),
      ...(scalars && { scalars }),
    },
  };
}

/** `score` writes an object for each row of its data, in their order. */
function* scoresOf(source: TokenSource): Generator<SourceRow> {
  if (source.data === undefined || !source.mayReadData) return;
  const rows = linesOf(source.data);
  try {
    for (const score of linesOf(source.file)) {
      const next = rows.next();
      if (next.done) return;
      const responses = Object.entries(rolesIn(score)).flatMap(([role, value]): SourceResponse[] => {
        const { data } = scored.safeParse(value);
        if (!data) return [];
        const logps = data.logps.map((logp) => logp ?? NaN);
        return [
          {
            role,
            promptIds: [],
            tokens: { ids: data.ids, columns: new Map([[keyOf(source, 'logps'), logps]]) },
          },
        ];
      });
      yield { fields: next.value, responses };
    }
  } finally {
    rows.return(undefined);
  }
}

const rolesIn = (score: Record<string, unknown>): Record<string, unknown> =>
  'chosen' in score ? { chosen: score.chosen, rejected: score.rejected } : { demonstration: score };

/** Columns that other commands have left in the rows of a folder keep their names. */
const keyOf = ({ name, as: own, kind, isNamed }: TokenSource, column: string): string =>
  kind === 'score' ? name : isNamed || own === column ? `${name}: ${column}` : column;

/** What the columns that were found are. @param above keys of columns with a number above 0, which is no log-prob */
export function describeColumns(
  keys: Iterable<string>,
  sources: readonly TokenSource[],
  above: ReadonlySet<string>,
): TokenColumn[] {
  return Array.from(keys, (key): TokenColumn => {
    const kind = above.has(key) ? 'number' : 'logp';
    if (key === DRAWN)
      return {
        key,
        name: key,
        kind,
        about: 'log-probs under the model that wrote the response, as it was drawn',
      };
    const source = sources.find((one) => one.model !== undefined && keyOf(one, one.as ?? '') === key);
    if (!source) {
      const what = kind === 'logp' ? 'log-probs (none is above 0)' : 'numbers';
      return { key, name: key, kind, about: `${what} that the rows call ${key}` };
    }
    const under = source.context === undefined ? '' : `, under the context ${source.context}`;
    const what =
      source.kind === 'score' || source.read === 'logps' ? 'log-probs' : (source.read ?? 'numbers');
    return {
      ...{ key, name: key, about: `${what} of ${shortened(source.model)}${under}` },
      kind: what === 'log-probs' ? 'logp' : 'number',
    };
  });
}

const indexIn = (fields: Record<string, unknown>, name: string): number | undefined =>
  plainNumber(fields[name]);

/** Which of a row's responses a response of a source is: by the numbers that rows of curation carry, else by its place. */
export function placeOf(
  row: OpenRow,
  fields: SourceRow['fields'],
  role: string,
  at: number,
): OpenTrace | undefined {
  const place =
    role === 'rejected'
      ? indexIn(fields, 'rejected_gen_idx')
      : ['chosen', 'demonstration'].includes(role)
        ? indexIn(fields, 'chosen_gen_idx')
        : at;
  return place === undefined ? undefined : row.traces.get(place);
}

/** Adds the numbers of a source to the tokens that a response has. @returns whether they are the same tokens */
export function mergeTokens(trace: OpenTrace, { ids, weights, scalars, columns }: RowTokens): boolean {
  const known: RowTokens = (trace.own ??= { ids, columns: new Map<string, number[]>() });
  if (known.ids.length !== ids.length || known.ids.some((id, i) => id !== ids[i])) return false;
  if (weights) known.weights = weights;
  if (scalars) known.scalars = { ...known.scalars, ...scalars };
  for (const [key, values] of columns) known.columns.set(key, values);
  return true;
}

/** Whether tokens are those of a text, but for what frames a turn. */
export const saysSame = (tokenizer: ChatTokenizer, ids: readonly number[], text: string): boolean =>
  squeezed(tokenizer.decode(ids, { contentOnly: true })) === squeezed(text);

const squeezed = (said: string): string => said.replace(/\s+/gu, ' ').trim();

/** Puts tokens together to texts. A character of several tokens has the sum of their numbers. */
export function tokenText(tokenizer: ChatTokenizer, { ids, weights, columns }: RowTokens): TokenText {
  const spans = spansOf(tokenizer, { ids: Int32Array.from(ids), responseStart: 0 });
  const starts: number[] = [];
  let start = 0;
  for (const span of spans) {
    starts.push(start);
    start += span.ids.length;
  }
  const each = (values: readonly number[]) =>
    spans.map(({ ids: own }, i) => values.slice(starts[i], starts[i]! + own.length));
  const summed = (values: readonly number[]) =>
    each(values).map((own) => {
      const sum = own.reduce((a, b) => a + b, 0);
      return Number.isFinite(sum) ? Number(sum.toPrecision(4)) : null;
    });
  return {
    texts: spans.map((span) => span.text),
    ...(weights && { weights: each(weights).map((own) => own[0]!) }),
    columns: Object.fromEntries(Array.from(columns, ([key, values]) => [key, summed(values)])),
  };
}
