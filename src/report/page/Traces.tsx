/** @file The view of traces: rows of curations, and the responses of one side by side with what is known of each token. */
import { useLayoutEffect, useMemo } from 'preact/hooks';
import type { Report, TracedRow, TraceSet } from '../model.js';
import { onKeys } from './keys.js';
import { count, plural } from './numbers.js';
import { Select } from './ProblemControls.js';
import { Pages } from './Pages.js';
import { address, change, go, type Route } from './route.js';
import { SearchField } from './SearchField.js';
import { Downloads } from './table.js';
import { LongText, Marked, Name, short } from './text.js';
import { fullScale, LEVELS, partingOf, valuesOf, type Colouring } from './tokens.js';
import { PlainTrace, Tokens } from './TokenView.js';
import { useRow } from './useRow.js';
import { Verdicts } from './Verdicts.js';

const PAGE = 50;

/** The address of a row, with what the reader has chosen. */
function rowAddress({ id, rows }: TraceSet, place: number, { query }: Route): string {
  const kept = Object.fromEntries([...query].filter(([name]) => !['l', 'r', 'page'].includes(name)));
  return address(['traces', id, rows.ids[place]!], kept);
}

/** Places of the rows that pass search and filter. */
function listed({ rows }: TraceSet, query: string, fate: string): number[] {
  const wanted = query.toLowerCase();
  return rows.ids
    .map((_, place) => place)
    .filter(
      (place) =>
        (fate === '' || rows.fates[place] === fate) &&
        (rows.ids[place]!.toLowerCase() === wanted || rows.heads[place]!.toLowerCase().includes(wanted)),
    );
}

function List({ set, route, places }: { set: TraceSet; route: Route; places: readonly number[] }) {
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
        <SearchField route={route} label="Search ids and beginnings of problems" />
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
        {places.slice((page - 1) * PAGE, page * PAGE).map((place) => (
          <li key={place}>
            <a href={rowAddress(set, place, route)}>
              <span class="head">
                <b>{short(rows.ids[place]!, 40)}</b>{' '}
                <Marked text={short(rows.heads[place]!, 160)} query={q} />
              </span>
              <span class="scores note">
                {short(rows.fates[place]!, 30)}
                {rows.tokens[place]! > 0 && ' · tokens'}
              </span>
            </a>
          </li>
        ))}
      </ol>
      <Pages {...{ route, page, pages }} />
    </section>
  );
}

/** What the reader has chosen to colour tokens by; the first column where nothing was chosen. */
function colouringOf({ columns }: TraceSet, query: URLSearchParams): Colouring {
  const find = (name: string) => columns.find(({ key }) => key.toWellFormed() === query.get(name));
  return {
    column: query.get('by') === 'none' ? undefined : (find('by') ?? columns[0]),
    minus: find('minus'),
  };
}

/** The colours and what they stand for. */
function Legend({ colouring: { column, minus }, full }: { colouring: Colouring; full: number }) {
  if (!column) return null;
  const ends =
    column.kind === 'logp' && !minus
      ? [`−${full}`, '0']
      : [`−${+full.toPrecision(2)}`, `+${+full.toPrecision(2)}`];
  const isOneSided = column.kind === 'logp' && !minus;
  const levels = Array.from({ length: 2 * LEVELS + 1 }, (_, i) => i - LEVELS).filter(
    (level) => !isOneSided || level <= 0,
  );
  return (
    <p class="legend scale">
      <span>{ends[0]}</span>
      {levels.map((level) => (
        <span
          key={level}
          class={`tok${level < 0 ? ` down-${-level}` : level > 0 ? ` up-${level}` : ''}`}
          aria-hidden="true"
        >
          {' '}
          ▁{' '}
        </span>
      ))}
      <span>{ends[1]}</span>
      <span>
        {short(column.name, 60)}
        {minus && ` − ${short(minus.name, 60)}`}: {short(column.about, 200)}
        {minus && `, less ${short(minus.about, 200)}`}
      </span>
    </p>
  );
}

function ColourControls({ set, colouring }: { set: TraceSet; colouring: Colouring }) {
  if (set.columns.length === 0) return null;
  const options = set.columns.map(({ key, name }) => [key.toWellFormed(), name] as const);
  const choose = (name: string) => (value: string) => {
    change({ [name]: value });
  };
  return (
    <div class="controls">
      <Select
        label="Colour by"
        value={colouring.column?.key.toWellFormed() ?? 'none'}
        options={[...options, ['none', 'nothing'] as const]}
        onChoose={choose('by')}
      />
      <Select
        label="minus"
        value={colouring.minus?.key.toWellFormed() ?? ''}
        options={[['', 'nothing'] as const, ...options]}
        onChoose={choose('minus')}
      />
    </div>
  );
}

/** Which responses stand side by side: those that were chosen, else those of the pair, else the first two. */
function sidesOf({ made, traces }: TracedRow, { query }: Route): [number, number | undefined] {
  const pair = made.find(({ wrong }) => wrong !== undefined) ?? made[0];
  const at = (name: string, otherwise: number | undefined) => {
    const place = Number(query.get(name)) - 1;
    return Number.isInteger(place) && place >= 0 && place < traces.length ? place : otherwise;
  };
  const left = at('l', pair?.right ?? 0)!;
  const other = traces.findIndex((_, place) => place !== left);
  return [left, at('r', pair?.wrong ?? (other < 0 ? undefined : other))];
}

function roleOf({ made }: TracedRow, place: number): string {
  if (made.some(({ wrong }) => wrong === place)) return ', rejected';
  return made.some(({ right }) => right === place) ? ', chosen' : '';
}

function Sides({ set, row, route }: { set: TraceSet; row: TracedRow; route: Route }) {
  const colouring = colouringOf(set, route.query);
  const places = sidesOf(row, route);
  const [left, right] = places.map((place) => (place === undefined ? undefined : row.traces[place]));
  const parting = partingOf(left, right);
  const all = [left, right].map((trace) => trace?.tokens && valuesOf(trace.tokens, colouring));
  const full = fullScale(all, colouring);
  const options = row.traces.map(({ name, verdicts }, place) => {
    const verdict = verdicts[0]?.right;
    const mark = verdict === undefined || verdict === null ? '' : verdict ? ' ✓' : ' ✗';
    return [String(place + 1), `${name}${mark}${roleOf(row, place)}`] as const;
  });
  const hasTokens = all.some((_, i) => [left, right][i]?.tokens);
  return (
    <>
      <ColourControls {...{ set, colouring }} />
      {hasTokens && <Legend {...{ colouring, full }} />}
      <div class="panels">
        {places.map((place, i) => {
          const trace = place === undefined ? undefined : row.traces[place];
          if (place === undefined || !trace) return null;
          const label = `Response ${short(trace.name, 40)}`;
          const isTokens = trace.tokens && (parting === undefined || parting.inTokens || hasTokens);
          return (
            <section key={i} class="panel" aria-label={`${i === 0 ? 'Left' : 'Right'}: ${label}`}>
              <div class="controls">
                <Select
                  label={i === 0 ? 'Left response' : 'Right response'}
                  value={String(place + 1)}
                  options={options}
                  onChoose={(value) => {
                    change({ [i === 0 ? 'l' : 'r']: value });
                  }}
                />
              </div>
              <Verdicts trace={trace} />
              {isTokens ? (
                <Tokens
                  key={place}
                  tokens={trace.tokens!}
                  {...{ colouring, full, label }}
                  columns={set.columns}
                  parting={parting?.inTokens ? parting.at : undefined}
                />
              ) : (
                <PlainTrace
                  key={place}
                  {...{ trace, label }}
                  parting={parting && !parting.inTokens ? parting.at : undefined}
                />
              )}
            </section>
          );
        })}
      </div>
      {left && right && parting === undefined && <p class="note">Both responses are the same text.</p>}
    </>
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
  // Before the next key can be pressed.
  useLayoutEffect(() => {
    const step = (to: number | undefined) => () => {
      if (to !== undefined) go(rowAddress(set, to, route), true);
    };
    return onKeys({
      j: step(after),
      k: step(before),
      Escape: () => {
        go(address(['traces', set.id]));
      },
    });
  }, [set, route, before, after]);
  return (
    <article>
      <nav class="steps" aria-label="Rows">
        <a href={address(['traces', set.id])}>↑ list</a>
        {before !== undefined && <a href={rowAddress(set, before, route)}>← before (k)</a>}
        {after !== undefined && <a href={rowAddress(set, after, route)}>next (j) →</a>}
        <a href={address(['rows', set.rows.ids[place]!], { of: set.id.toWellFormed() })}>fate of this row</a>
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

export const Notes = ({ notes }: { notes: readonly string[] }) => (
  <>
    {notes.map((note) => (
      <p key={note} class="note">
        {short(note, 700)}
      </p>
    ))}
  </>
);

export function Traces({ report, route }: { report: Report; route: Route }) {
  const sets = report.traces ?? [];
  const [, id, rowId] = route.parts;
  const named = sets.findIndex((one) => one.id.toWellFormed() === id);
  const setPlace = id === undefined ? 0 : named;
  const set = sets[setPlace];
  const [q, fate] = [route.query.get('q') ?? '', route.query.get('fate') ?? ''];
  const places = useMemo(() => (set ? listed(set, q, fate) : []), [set, q, fate]);
  if (!set)
    return (
      <>
        <h1>Traces</h1>
        <p class={id === undefined ? 'note' : 'warning'}>
          There is no set of traces{id === undefined ? '' : ' of this name'} in the report.
        </p>
      </>
    );
  if (rowId !== undefined) {
    const place = set.rows.ids.findIndex((one) => one.toWellFormed() === rowId);
    if (place >= 0) return <RowView key={setPlace} {...{ set, setPlace, place, places, route }} />;
    return (
      <>
        <h1>No such row</h1>
        <p class="warning">There is no row of this id in the set.</p>
      </>
    );
  }
  return (
    <>
      <h1>Traces</h1>
      {sets.length > 1 && (
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
      <p>
        Rows of <Name of={set.name} />, with what became of each; a row shows its responses side by side.
      </p>
      <Notes notes={set.notes} />
      <List {...{ set, route, places }} />
    </>
  );
}
