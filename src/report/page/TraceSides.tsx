/** @file Two responses of a row side by side, in tokens that are coloured by what the reader has chosen. */
import type { TracedRow, TraceSet } from '../model.js';
import { Select } from './ProblemControls.js';
import { change, type Route } from './route.js';
import { short } from './text.js';
import { fullScale, LEVELS, partingOf, valuesOf, type Colouring } from './tokens.js';
import { PlainTrace, Tokens } from './TokenView.js';
import { Verdicts } from './Verdicts.js';

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
      <span>
        {ends[1]}
        {column.kind === 'logp' && ' nats'}
      </span>
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

export function Sides({ set, row, route }: { set: TraceSet; row: TracedRow; route: Route }) {
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
