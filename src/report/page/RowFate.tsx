/** @file The fate of a row: from its responses and their verdicts over the rule to training, and the problems of evaluations nearest to it. */
import { useEffect, useState } from 'preact/hooks';
import type { NearProblem, Report, TracedRow, TraceSet } from '../model.js';
import { setPlaceOf } from './Evaluation.js';
import { keyOf } from './filters.js';
import { hrefOf } from './links.js';
import { percent } from './numbers.js';
import { address, type Route } from './route.js';
import { Table } from './table.js';
import { LongText, Name, short } from './text.js';
import { choices } from './Traces.js';
import { useRow } from './useRow.js';
import { openSet } from './useTraceSet.js';

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

function Responses({ row, set, route }: { row: TracedRow; set: TraceSet; route: Route }) {
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
            <a href={address(['traces', set.id, row.id], { ...choices(route), r: String(place + 1) })}>
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

function Fate({ report, route, set, setPlace, place }: Holder & { report: Report; route: Route }) {
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
            <a href={address(['traces', set.id, row.id], choices(route))}>Its responses side by side</a>
          </p>
          <Responses {...{ row, set, route }} />
        </>
      )}
      <h2>Problems of evaluations nearest to it</h2>
      <Nearest report={report} nearest={row.nearest} />
    </>
  );
}

/** A set that has a row, and the row's place in it. */
interface Holder {
  set: TraceSet;
  setPlace: number;
  place: number;
}

const holderOf = (set: TraceSet, setPlace: number, id: string): Holder[] => {
  const place = set.rows.ids.findIndex((one) => one.toWellFormed() === id);
  return place < 0 ? [] : [{ set, setPlace, place }];
};

/** Sets that have a row of an id; of sets that are asked for, the first that has it, the one that is named before others. */
function useHolders(sets: readonly TraceSet[], id: string, of: string | null): Holder[] | undefined {
  const isThere = sets.every(({ asked }) => asked === undefined);
  const key = JSON.stringify([id, of, sets.map((set) => [set.id, set.asked])]);
  const [found, setFound] = useState<{ id: string; holders: Holder[] }>();
  useEffect(() => {
    if (isThere) return;
    let isWanted = true;
    const look = async () => {
      const all = sets.map((set, setPlace) => ({ set, setPlace }));
      const isNamed = ({ set }: { set: TraceSet }) => set.id.toWellFormed() === of;
      for (const { set, setPlace } of [...all.filter(isNamed), ...all.filter((one) => !isNamed(one))]) {
        // One that has changed meanwhile comes again under another name.
        const opened = await openSet(set).catch(() => undefined);
        if (!isWanted) return;
        const holders = opened ? holderOf(opened, setPlace, id) : [];
        if (holders.length > 0) {
          setFound({ id, holders });
          return;
        }
      }
      setFound({ id, holders: [] });
    };
    void look();
    return () => {
      isWanted = false;
    };
  }, [key]);
  if (isThere) return sets.flatMap((set, setPlace) => holderOf(set, setPlace, id));
  return found?.id === id ? found.holders : undefined;
}

export function RowFate({ report, route }: { report: Report; route: Route }) {
  const [, id = ''] = route.parts;
  const of = route.query.get('of');
  const found = useHolders(report.traces ?? [], id, of);
  if (!found)
    return (
      <>
        <h1>
          Fate of row <Name of={id} />
        </h1>
        <p role="status">Reading rows …</p>
      </>
    );
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
            Of <a href={address(['traces', shown.set.id], choices(route))}>{short(shown.set.name)}</a>
            {others.length > 0 && '; rows of this id are also in '}
            {others.map(({ set }) => (
              <span key={set.id}>
                <a href={address(['rows', id], { of: set.id.toWellFormed() })}>{short(set.name)}</a>{' '}
              </span>
            ))}
          </p>
          <Fate key={`${shown.setPlace} ${shown.place}`} report={report} route={route} {...shown} />
        </>
      ) : (
        <p class="warning">
          There is no row of this id in the report. <a href="#/traces">Rows</a>
        </p>
      )}
    </>
  );
}
