/** @file Which problems of a set are listed: by what became of them in one column, or between two. */
import { own } from '../../util/own.js';
import type { EvaluationSet, ProblemIndex } from '../model.js';

/** What the reader looks at. */
export interface Looking {
  /** Places of the two columns; equal where the set has one. */
  a: number;
  b: number;
  grader: string;
}

export const FILTERS = {
  all: 'all',
  right: 'right in B',
  wrong: 'wrong in B',
  cut: 'cut off in B',
  changed: 'changed from A to B',
  gained: 'gained from A to B',
  lost: 'lost from A to B',
  disputed: 'disputed by graders in B',
} as const;
export type Filter = keyof typeof FILTERS;

/** What each filter means, where its name does not say it. */
export const MEANINGS: Partial<Record<Filter, string>> = {
  right: 'At least half of the responses are right.',
  wrong: 'Fewer than half of the responses are right.',
  cut: 'At least one response was cut off at its token limit.',
  changed: 'The share of right responses differs between the two.',
  gained: 'The share of right responses is higher in B.',
  lost: 'The share of right responses is lower in B.',
  disputed: 'Graders disagree about at least one response.',
};

export const isFilter = (name: string | null): name is Filter =>
  name !== null && Object.hasOwn(FILTERS, name);

/** The share of right responses of a problem; null where there are none, or the grader did not judge. */
export function shareOf(
  { right, responses }: ProblemIndex,
  column: number,
  grader: string,
  place: number,
): number | null {
  const n = responses[column]?.[place] ?? 0;
  const known = own(right[column], grader)?.[place];
  return n === 0 || known === undefined ? null : known / n;
}

/** Tells whether a problem passes a filter. */
export function passes(
  index: ProblemIndex,
  filter: Filter,
  { a, b, grader }: Looking,
  place: number,
): boolean {
  const share = (column: number) => shareOf(index, column, grader, place);
  const [was, is] = [share(a), share(b)];
  switch (filter) {
    case 'all':
      return true;
    case 'right':
      return is !== null && is >= 0.5;
    case 'wrong':
      return is !== null && is < 0.5;
    case 'cut':
      return (index.cutOff[b]?.[place] ?? 0) > 0;
    case 'disputed':
      return (index.disputed[b]?.[place] ?? 0) > 0;
    case 'changed':
      return was !== null && is !== null && was !== is;
    case 'gained':
      return was !== null && is !== null && is > was;
    case 'lost':
      return was !== null && is !== null && is < was;
  }
}

/** Mean tokens of the responses in B, from and to; either may be open. */
export interface Lengths {
  least: number | undefined;
  most: number | undefined;
}

/** The lengths that an address asks for; undefined where it asks for none. */
export function lengthsIn(query: URLSearchParams): Lengths | undefined {
  const at = (name: string) => {
    const given = query.get(name)?.trim();
    return given && Number.isFinite(Number(given)) ? Number(given) : undefined;
  };
  const [least, most] = [at('from'), at('to')];
  return least === undefined && most === undefined ? undefined : { least, most };
}

function isBetween(
  index: ProblemIndex,
  { b }: Looking,
  lengths: Lengths | undefined,
  place: number,
): boolean {
  if (!lengths) return true;
  const tokens = index.tokens[b]?.[place] ?? null;
  return tokens !== null && tokens >= (lengths.least ?? 0) && tokens <= (lengths.most ?? Infinity);
}

export const ORDERS = {
  file: 'as in the file',
  change: 'most lost first',
  share: 'least right in B first',
  tokens: 'longest in B first',
} as const;
export type Order = keyof typeof ORDERS;

export const isOrder = (name: string | null): name is Order => name !== null && Object.hasOwn(ORDERS, name);

/** Places of the problems that are listed, in their order. */
export function listed(
  index: ProblemIndex,
  looking: Looking,
  {
    filter,
    order,
    query,
    found,
    lengths,
  }: {
    filter: Filter;
    order: Order;
    query: string;
    found?: ReadonlySet<number> | undefined;
    lengths?: Lengths | undefined;
  },
): number[] {
  const wanted = query.toLowerCase();
  const matches = (place: number) =>
    wanted === '' ||
    (found?.has(place) ?? false) ||
    index.ids[place]!.toLowerCase().includes(wanted) ||
    index.heads[place]!.toLowerCase().includes(wanted);
  const places = index.ids
    .map((_, place) => place)
    .filter(
      (place) =>
        passes(index, filter, looking, place) && isBetween(index, looking, lengths, place) && matches(place),
    );
  if (order === 'file') return places;
  const { a, b, grader } = looking;
  const share = (column: number, place: number) => shareOf(index, column, grader, place) ?? 0;
  const key = {
    change: (place: number) => share(b, place) - share(a, place),
    share: (place: number) => share(b, place),
    tokens: (place: number) => -(index.tokens[b]?.[place] ?? 0),
  }[order];
  return places.sort((one, other) => key(one) - key(other) || one - other);
}

/** The two columns and the grader of a query; the first and the last column where it says nothing. */
export function lookingAt({ columns, graders }: EvaluationSet, query: URLSearchParams): Looking {
  const at = (name: string, otherwise: number) => {
    const place = columns.findIndex(({ id }) => id.toWellFormed() === query.get(name));
    return place < 0 ? otherwise : place;
  };
  const wanted = query.get('grader');
  const grader = graders.find((name) => name.toWellFormed() === wanted) ?? graders[0] ?? '';
  return { a: at('a', 0), b: at('b', columns.length - 1), grader };
}

/** Names of problems that an address cannot hold are written as their places. */
const LONGEST_ID = 200;

export function keyOf({ ids }: ProblemIndex, place: number): string {
  const id = ids[place]!;
  const isPlain = id.length <= LONGEST_ID && id !== '' && id.isWellFormed() && !id.startsWith('@');
  return isPlain && ids.indexOf(id) === place ? id : `@${place}`;
}

/** The place of a key; -1 where there is none. */
export function placeOf({ ids }: ProblemIndex, key: string): number {
  if (!/^@\d+$/.test(key)) return ids.indexOf(key);
  return Number(key.slice(1)) < ids.length ? Number(key.slice(1)) : -1;
}
