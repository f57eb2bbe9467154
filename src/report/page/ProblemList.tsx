/** @file The list of a set's problems, a page at a time, with what became of each in the two columns. */
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { own } from '../../util/own.js';
import type { EvaluationSet } from '../model.js';
import { keyOf, shareOf, type Looking } from './filters.js';
import { count } from './numbers.js';
import { Pages } from './Pages.js';
import { address, type Route } from './route.js';
import { Downloads, type Column } from './table.js';
import { Marked, Name, short } from './text.js';
import type { Search } from './useSearch.js';

const PAGE = 50;

/** The address of a problem, with all filters of the route. */
export function problemAddress(set: EvaluationSet, place: number, { query }: Route): string {
  const kept = Object.fromEntries([...query].filter(([name]) => !['sa', 'sb', 'page'].includes(name)));
  return address(['evaluations', set.id, 'problems', keyOf(set.problems, place)], kept);
}

/** Right responses of all, with a mark that needs no colour. */
export function Score({
  set,
  column,
  grader,
  place,
}: {
  set: EvaluationSet;
  column: number;
  grader: string;
  place: number;
}) {
  const { problems } = set;
  const share = shareOf(problems, column, grader, place);
  const n = problems.responses[column]?.[place] ?? 0;
  if (share === null) return <span class="score none">–</span>;
  const kind = share === 1 ? 'right' : share === 0 ? 'wrong' : 'mixed';
  const mark = { right: '✓', wrong: '✗', mixed: '◐' }[kind];
  return (
    <span class={`score ${kind}`} title={`${Math.round(share * n)} of ${n} responses are right`}>
      {mark} {Math.round(share * n)}/{n}
    </span>
  );
}

/** What the files hold of each problem of the list. */
function dataColumns({ problems, columns, graders }: EvaluationSet): Column<number>[] {
  return [
    { name: 'id', value: (place) => problems.ids[place]! },
    { name: 'problem', value: (place) => problems.heads[place]! },
    ...columns.flatMap(({ name }, c): Column<number>[] => [
      { name: `${name}: responses`, value: (place) => problems.responses[c]?.[place] ?? null },
      ...graders.map((grader) => ({
        name: `${name}: right by ${grader}`,
        value: (place: number) => own(problems.right[c], grader)?.[place] ?? null,
      })),
      { name: `${name}: cut off`, value: (place) => problems.cutOff[c]?.[place] ?? null },
      { name: `${name}: tokens`, value: (place) => problems.tokens[c]?.[place] ?? null },
      { name: `${name}: disputed`, value: (place) => problems.disputed[c]?.[place] ?? null },
    ]),
  ];
}

export interface ListProps {
  set: EvaluationSet;
  route: Route;
  looking: Looking;
  places: readonly number[];
  search: Search;
  /** The place of the problem that is open. */
  open: number | undefined;
}

/** Keeps the problem that is open in sight while keys go through the list. */
function useInSight(open: number | undefined): RefObject<HTMLOListElement | null> {
  const ref = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (open !== undefined)
      ref.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [open]);
  return ref;
}

export function ProblemList({ set, route, looking, places, search, open }: ListProps) {
  const list = useInSight(open);
  const query = route.query.get('q') ?? '';
  const pages = Math.max(1, Math.ceil(places.length / PAGE));
  const opened = open === undefined ? -1 : places.indexOf(open);
  const wanted = route.query.get('page');
  const page =
    wanted !== null
      ? Math.min(pages, Math.max(1, Number(wanted) || 1))
      : opened < 0
        ? 1
        : Math.floor(opened / PAGE) + 1;
  const shown = places.slice((page - 1) * PAGE, page * PAGE);
  const { problems, columns } = set;
  const [a, b] = [columns[looking.a], columns[looking.b]];
  return (
    <section class="problem-list" aria-label="Problems">
      <div class="caption">
        <span role="status">
          {count(places.length)} of {count(problems.ids.length)} problems
          {route.query.get('texts') === '1' &&
            query !== '' &&
            (search.error ?? `, all texts: ${search.done} of ${problems.chunks.length} chunks searched`)}
        </span>
        <Downloads name={`problems of ${set.name}`} columns={dataColumns(set)} rows={places} />
      </div>
      {a && b && (
        <p class="note">
          {columns.length > 1 && (
            <>
              A: <Name of={a.name} length={30} />, B: <Name of={b.name} length={30} />.{' '}
            </>
          )}
          ✓ all responses right, ◐ some, ✗ none.
        </p>
      )}
      <ol ref={list} start={(page - 1) * PAGE + 1}>
        {shown.map((place) => {
          const snippet = search.found.get(place);
          return (
            <li key={place}>
              <a href={problemAddress(set, place, route)} aria-current={place === open ? 'true' : undefined}>
                <span class="head">
                  <b>
                    <Marked text={short(problems.ids[place]!, 40)} query={query} />
                  </b>{' '}
                  <span>
                    <Marked text={short(problems.heads[place]!, 160)} query={query} />
                  </span>
                  {snippet !== undefined && (
                    <span class="snippet">
                      … <Marked text={short(snippet, 200)} query={query} /> …
                    </span>
                  )}
                </span>
                <span class="scores">
                  {columns.length > 1 && (
                    <Score {...{ set, place }} column={looking.a} grader={looking.grader} />
                  )}
                  <Score {...{ set, place }} column={looking.b} grader={looking.grader} />
                </span>
              </a>
            </li>
          );
        })}
      </ol>
      <Pages {...{ route, page, pages }} />
    </section>
  );
}
