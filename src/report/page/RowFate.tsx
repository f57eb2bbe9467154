/** @file The fate of a row: from its responses and their verdicts over the rule to training, and the problems of evaluations nearest to it. */
import type { NearProblem, Report, TracedRow, TraceSet } from '../model.js';
import { setPlaceOf } from './Evaluation.js';
import { keyOf } from './filters.js';
import { hrefOf } from './links.js';
import { percent } from './numbers.js';
import { address, type Route } from './route.js';
import { Table } from './table.js';
import { LongText, Name, short } from './text.js';
import { useRow } from './useRow.js';

function Way({ way }: { way: TracedRow['way'] }) {
  return (
    <ol class="way">
      {way.map(({ name, words, link }, i) => (
        <li key={i}>
          <b>
            {link === undefined ? (
              <Name of={name} />
            ) : (
              <a href={hrefOf(link)}>
                <Name of={name} />
              </a>
            )}
          </b>
          <span>{short(words, 600)}</span>
        </li>
      ))}
    </ol>
  );
}

function Responses({ row, set }: { row: TracedRow; set: TraceSet }) {
  const roleOf = (place: number) =>
    row.made.some(({ wrong }) => wrong === place)
      ? 'rejected'
      : row.made.some(({ right }) => right === place)
        ? 'chosen'
        : '';
  const graders = [...new Set(row.traces.flatMap(({ verdicts }) => verdicts.map(({ by }) => by)))];
  return (
    <Table
      name={`responses of row ${row.id}`}
      caption="Its responses; each opens beside the one that was chosen"
      rows={row.traces.map((trace, place) => ({ trace, place }))}
      columns={[
        {
          name: 'response',
          value: ({ trace }) => trace.name,
          show: ({ trace, place }) => (
            <a href={address(['traces', set.id, row.id], { r: String(place + 1) })}>
              <Name of={trace.name} />
            </a>
          ),
        },
        { name: 'in training', value: ({ place }) => roleOf(place) },
        ...graders.map((grader) => ({
          name: grader,
          value: ({ trace }: { trace: TracedRow['traces'][number] }) => {
            const verdict = trace.verdicts.find(({ by }) => by === grader)?.right;
            return verdict === undefined || verdict === null ? '–' : verdict ? '✓ right' : '✗ wrong';
          },
        })),
        { name: 'ended by', value: ({ trace }) => trace.finishReason ?? '–' },
        {
          name: 'begins',
          value: ({ trace }) => trace.text,
          show: ({ trace }) => <span class="words">{short(trace.text, 160)}</span>,
        },
      ]}
    />
  );
}

function Nearest({ report, nearest }: { report: Report; nearest: readonly NearProblem[] }) {
  if (report.evaluations.length === 0) return <p class="note">There is no evaluation in this report.</p>;
  if (nearest.length === 0) return <p class="note">No problem of the evaluations resembles this one.</p>;
  return (
    <Table
      name="nearest problems"
      caption="By the Jaccard similarity of their runs of three words"
      rows={nearest}
      columns={[
        {
          name: 'problem',
          value: ({ set, place }) =>
            report.evaluations[setPlaceOf(report, set)]?.problems.ids[place] ?? String(place),
          show: ({ set, place }) => {
            const found = report.evaluations[setPlaceOf(report, set.toWellFormed())];
            if (!found) return String(place);
            return (
              <a href={address(['evaluations', found.id, 'problems', keyOf(found.problems, place)])}>
                <Name of={found.problems.ids[place] ?? String(place)} length={40} />
              </a>
            );
          },
        },
        { name: 'of', value: ({ set }) => set, show: ({ set }) => <Name of={set} length={40} /> },
        {
          name: 'similarity',
          value: ({ similarity }) => similarity,
          show: ({ similarity }) => percent(similarity, 0),
        },
        {
          name: 'the same but for numbers',
          value: ({ isSameButNumbers }) => (isSameButNumbers ? 'yes' : 'no'),
        },
        {
          name: 'begins',
          value: ({ head }) => head,
          show: ({ head }) => <span class="words">{short(head, 160)}</span>,
        },
      ]}
    />
  );
}

function Fate({
  report,
  set,
  setPlace,
  place,
}: {
  report: Report;
  set: TraceSet;
  setPlace: number;
  place: number;
}) {
  const row = useRow(setPlace, set, place);
  if (row === undefined) return <p role="status">Unpacking …</p>;
  if (row instanceof Error) return <p class="warning">{row.message}</p>;
  return (
    <>
      <LongText key={place} text={row.problem} label="Problem" />
      <h2>Its way</h2>
      <Way way={row.way} />
      {row.traces.length > 0 && (
        <>
          <p>
            <a href={address(['traces', set.id, row.id])}>Its responses side by side</a>
          </p>
          <Responses {...{ row, set }} />
        </>
      )}
      <h2>Problems of evaluations nearest to it</h2>
      <Nearest report={report} nearest={row.nearest} />
    </>
  );
}

/** Sets that have a row of an id, with its place. */
const holders = (sets: readonly TraceSet[], id: string) =>
  sets.flatMap((set, setPlace) => {
    const place = set.rows.ids.findIndex((one) => one.toWellFormed() === id);
    return place < 0 ? [] : [{ set, setPlace, place }];
  });

export function RowFate({ report, route }: { report: Report; route: Route }) {
  const [, id = ''] = route.parts;
  const found = holders(report.traces ?? [], id);
  const of = route.query.get('of');
  const shown = found.find(({ set }) => set.id.toWellFormed() === of) ?? found[0];
  const others = found.filter((one) => one !== shown);
  return (
    <>
      <h1>
        Fate of row <Name of={id} />
      </h1>
      {shown ? (
        <>
          <p class="note">
            Of <a href={address(['traces', shown.set.id])}>{short(shown.set.name)}</a>
            {others.length > 0 && '; rows of this id are also in '}
            {others.map(({ set }) => (
              <span key={set.id}>
                <a href={address(['rows', id], { of: set.id.toWellFormed() })}>{short(set.name)}</a>{' '}
              </span>
            ))}
          </p>
          <Fate key={`${shown.setPlace} ${shown.place}`} report={report} {...shown} />
        </>
      ) : (
        <p class="warning">
          There is no row of this id in the report. <a href="#/traces">Rows</a>
        </p>
      )}
    </>
  );
}
