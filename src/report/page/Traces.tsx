/** @file The view of traces: rows of curations, and the responses of one side by side with what is known of each token. */
import { useLayoutEffect, useMemo } from 'preact/hooks';
import type { Report, TraceSet } from '../model.js';
import { tracedRowsIn } from './chunks.js';
import { onKeys } from './keys.js';
import { Notes } from './Notes.js';
import { count, plural } from './numbers.js';
import { Select } from './ProblemControls.js';
import { Pages } from './Pages.js';
import { address, change, go, type Route } from './route.js';
import { SearchField } from './SearchField.js';
import { Downloads } from './table.js';
import { LongText, Marked, Name, short } from './text.js';
import { Sides } from './TraceSides.js';
import { useRow } from './useRow.js';
import { searchState, useSearch, type Search } from './useSearch.js';
import { useTraceSet } from './useTraceSet.js';

const PAGE = 50;

/** What the reader has chosen, without what is of one row, or of one page of the list, alone. */
export const choices = ({ query }: Route): Record<string, string> =>
  Object.fromEntries([...query].filter(([name]) => !['l', 'r', 'page', 'of'].includes(name)));

/** The address of a row, with what the reader has chosen. */
const rowAddress = ({ id, rows }: TraceSet, place: number, route: Route): string =>
  address(['traces', id, rows.ids[place]!], choices(route));

/** The address of the list, at the page that has a row. */
function listAddress({ id }: TraceSet, at: number, route: Route): string {
  const page = Math.floor(at / PAGE) + 1;
  return address(['traces', id], { ...choices(route), page: page > 1 ? String(page) : undefined });
}

/** Places of the rows that pass search and filter. */
function listed({ rows }: TraceSet, query: string, fate: string, { found }: Search): number[] {
  const wanted = query.toLowerCase();
  return rows.ids
    .map((_, place) => place)
    .filter(
      (place) =>
        (fate === '' || rows.fates[place] === fate) &&
        (rows.ids[place]!.toLowerCase() === wanted ||
          rows.heads[place]!.toLowerCase().includes(wanted) ||
          found.has(place)),
    );
}

interface ListProps {
  set: TraceSet;
  route: Route;
  places: readonly number[];
  search: Search;
}

function List({ set, route, places, search }: ListProps) {
  const { rows } = set;
  const pages = Math.max(1, Math.ceil(places.length / PAGE));
  const page = Math.min(pages, Math.max(1, Number(route.query.get('page')) || 1));
  const q = route.query.get('q') ?? '';
  const fates = [...new Set(rows.fates)];
  const choose = (fate: string) => {
    change({ fate, page: undefined });
  };
  const chosen = route.query.get('fate') ?? '';
  return (
    <section class="problem-list" aria-label="Rows">
      <div class="controls">
        <SearchField
          route={route}
          label="Search ids and beginnings of problems; Enter searches all texts"
          hasTexts
        />
        <div class="chips" role="group" aria-label="Fate">
          {['', ...fates].map((fate) => (
            <button
              key={fate}
              type="button"
              aria-pressed={fate === chosen}
              onClick={() => {
                choose(fate);
              }}
            >
              {fate === '' ? 'all' : short(fate, 40)}{' '}
              <b>{count(fate === '' ? rows.ids.length : rows.fates.filter((one) => one === fate).length)}</b>
            </button>
          ))}
        </div>
      </div>
      <div class="caption">
        <span role="status">
          {count(places.length)} of {plural(rows.ids.length, 'row')}
          {searchState(route, search, rows.chunks)}
        </span>
        <Downloads
          name={`rows of ${set.name}`}
          rows={places}
          columns={[
            { name: 'id', value: (place) => rows.ids[place]! },
            { name: 'problem', value: (place) => rows.heads[place]! },
            { name: 'fate', value: (place) => rows.fates[place]! },
            { name: 'responses', value: (place) => rows.traces[place]! },
            { name: 'with tokens', value: (place) => rows.tokens[place]! },
          ]}
        />
      </div>
      <ol start={(page - 1) * PAGE + 1}>
        {places.slice((page - 1) * PAGE, page * PAGE).map((place) => {
          const snippet = search.found.get(place);
          return (
            <li key={place}>
              <a href={rowAddress(set, place, route)}>
                <span class="head">
                  <b>{short(rows.ids[place]!, 40)}</b>{' '}
                  <Marked text={short(rows.heads[place]!, 160)} query={q} />
                  {snippet !== undefined && (
                    <span class="snippet">
                      … <Marked text={short(snippet, 200)} query={q} /> …
                    </span>
                  )}
                </span>
                <span class="scores note">
                  {short(rows.fates[place]!, 30)}
                  {rows.tokens[place]! > 0 && ' · tokens'}
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

function RowView({
  set,
  setPlace,
  place,
  places,
  route,
}: {
  set: TraceSet;
  setPlace: number;
  place: number;
  places: readonly number[];
  route: Route;
}) {
  const row = useRow(setPlace, set, place);
  const at = places.indexOf(place);
  const [before, after] = [at > 0 ? places[at - 1] : undefined, places[at + 1]];
  const list = listAddress(set, at, route);
  // Before the next key can be pressed.
  useLayoutEffect(() => {
    const step = (to: number | undefined) => () => {
      if (to !== undefined) go(rowAddress(set, to, route), true);
    };
    return onKeys({
      j: step(after),
      k: step(before),
      Escape: () => {
        go(list);
      },
    });
  }, [set, route, before, after, list]);
  return (
    <article>
      <nav class="steps" aria-label="Rows">
        <a href={list}>↑ list</a>
        {before !== undefined && <a href={rowAddress(set, before, route)}>← before (k)</a>}
        {after !== undefined && <a href={rowAddress(set, after, route)}>next (j) →</a>}
        <a href={address(['rows', set.rows.ids[place]!], { ...choices(route), of: set.id.toWellFormed() })}>
          fate of this row
        </a>
      </nav>
      <h1>
        Row <Name of={set.rows.ids[place]!} />
      </h1>
      {row === undefined && <p role="status">Unpacking …</p>}
      {row instanceof Error && <p class="warning">{row.message}</p>}
      {row && !(row instanceof Error) && (
        <>
          <LongText key={place} text={row.problem} label="Problem" />
          {row.gold !== null && (
            <div class="gold">
              <span>Gold:</span> <LongText key={place} text={row.gold} label="Gold" />
            </div>
          )}
          {row.traces.length === 0 ? (
            <p class="note">No response of this row is in the report.</p>
          ) : (
            <Sides {...{ set, row, route }} />
          )}
        </>
      )}
    </article>
  );
}

/** A set, or one row of it. */
function SetView({ set, setPlace, route }: { set: TraceSet; setPlace: number; route: Route }) {
  const [, , rowId] = route.parts;
  const [q, fate] = [route.query.get('q') ?? '', route.query.get('fate') ?? ''];
  const chunks = useMemo(() => tracedRowsIn(setPlace, set), [setPlace, set]);
  const search = useSearch(chunks, route.query.get('texts') === '1' ? q : '');
  const places = useMemo(() => listed(set, q, fate, search), [set, q, fate, search]);
  if (rowId === undefined)
    return (
      <>
        <Notes notes={set.notes} />
        <List {...{ set, route, places, search }} />
      </>
    );
  const place = set.rows.ids.findIndex((one) => one.toWellFormed() === rowId);
  if (place >= 0) return <RowView {...{ set, setPlace, place, places, route }} />;
  return (
    <>
      <h1>No such row</h1>
      <p class="warning">There is no row of this id in the set.</p>
    </>
  );
}

export function Traces({ report, route }: { report: Report; route: Route }) {
  const sets = report.traces ?? [];
  const [, id, rowId] = route.parts;
  const setPlace = id === undefined ? 0 : sets.findIndex((one) => one.id.toWellFormed() === id);
  const set = sets[setPlace];
  const opened = useTraceSet(set);
  if (!set)
    return (
      <>
        <h1>Traces</h1>
        <p class={id === undefined ? 'note' : 'warning'}>
          There is no set of traces{id === undefined ? '' : ' of this name'} in the report.
        </p>
      </>
    );
  const isList = rowId === undefined;
  return (
    <>
      {(isList || !opened || opened instanceof Error) && <h1>Traces</h1>}
      {isList && sets.length > 1 && (
        <div class="controls">
          <Select
            label="Rows of"
            value={set.id.toWellFormed()}
            options={sets.map((one) => [one.id.toWellFormed(), one.name] as const)}
            onChoose={(value) => {
              go(address(['traces', value]));
            }}
          />
        </div>
      )}
      {isList && (
        <p>
          Rows of <Name of={set.name} />, with what became of each; a row shows its responses side by side.
        </p>
      )}
      {opened === undefined ? (
        <p role="status">Reading rows …</p>
      ) : opened instanceof Error ? (
        <p class="warning">{opened.message}</p>
      ) : (
        <SetView key={set.id} {...{ setPlace, route }} set={opened} />
      )}
    </>
  );
}
