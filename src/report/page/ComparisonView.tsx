/** @file The view of comparisons: the verdict, its rows with intervals, and the gained and lost problems with their answers. */
import type { ComparisonTable, EvaluationSet, Report } from '../model.js';
import { IntervalFigure } from './figures.js';
import { keyOf, shareOf } from './filters.js';
import { chance, percent, plural, points, signedPoints } from './numbers.js';
import { PowerFigures } from './PowerFigures.js';
import { address, type Route } from './route.js';
import { Table } from './table.js';
import { Name, short } from './text.js';

type Row = ComparisonTable['rows'][number];

const MARKS = { better: '▲ better', worse: '▼ worse', unclear: '? unclear' };

export function Verdict({
  comparison,
  isLinked = false,
}: {
  comparison: ComparisonTable;
  isLinked?: boolean;
}) {
  const { finding, verdict, name, id, before, after } = comparison;
  return (
    <div class={`verdict ${finding}`}>
      <p>
        <span class="badge">{MARKS[finding]}</span> <strong>{verdict}</strong>
      </p>
      <p class="note">
        A: <Name of={before} />, B: <Name of={after} />.{' '}
        {isLinked && <a href={address(['comparisons', id])}>Comparison {short(name, 40)}</a>}
      </p>
    </div>
  );
}

export function DifferenceFigure({ comparison }: { comparison: ComparisonTable }) {
  const rows = comparison.rows.map((row, place) => ({
    label: `${short(row.name, 40)} by ${short(row.grader, 30)}: ${signedPoints(row.difference)}${row.interval ? ` (${row.interval.map(signedPoints).join(' to ')})` : ''}`,
    value: row.difference,
    interval: row.interval,
    place,
  }));
  const level = `${+(100 * (1 - comparison.alpha)).toFixed(2)} %`;
  return (
    <figure>
      <figcaption>
        <strong>Difference B − A, with {level} intervals</strong>
      </figcaption>
      <IntervalFigure title="Difference" axis="B − A, points" rows={rows} isDifference />
    </figure>
  );
}

/** The ends of a row's interval, where there is one: a single problem has none. */
const ends = ({ interval }: Row): readonly [string, string] =>
  interval ? [signedPoints(interval[0]), signedPoints(interval[1])] : ['–', '–'];

/** Columns of a table that hold shares. */
const shares = (['before', 'after'] as const).map((name, i) => ({
  name: i === 0 ? 'A' : 'B',
  value: (row: Row) => row[name],
  show: (row: Row) => percent(row[name]),
}));

function RowTable({ comparison }: { comparison: ComparisonTable }) {
  return (
    <Table
      name={`comparison ${comparison.name}`}
      caption="Rows of the comparison; differences and what was detectable in points, p adjusted by Holm's procedure"
      rows={comparison.rows}
      columns={[
        { name: 'benchmark', value: ({ name }) => name, show: ({ name }) => <Name of={name} length={40} /> },
        {
          name: 'grader',
          value: ({ grader }) => grader,
          show: ({ grader }) => <Name of={grader} length={30} />,
        },
        { name: 'problems', value: ({ problems }) => problems },
        ...shares,
        {
          name: 'B − A',
          value: ({ difference }) => difference,
          show: ({ difference }) => signedPoints(difference),
        },
        { name: 'from', value: (row) => row.interval?.[0] ?? null, show: (row) => ends(row)[0] },
        { name: 'to', value: (row) => row.interval?.[1] ?? null, show: (row) => ends(row)[1] },
        { name: 'p', value: ({ pValue }) => pValue, show: ({ pValue }) => chance(pValue) },
        { name: 'p adjusted', value: ({ adjusted }) => adjusted, show: ({ adjusted }) => chance(adjusted) },
        { name: 'gained', value: ({ gained }) => gained },
        { name: 'lost', value: ({ lost }) => lost },
        {
          name: 'detectable',
          value: ({ detectableEffect }) => detectableEffect,
          show: ({ detectableEffect }) => points(detectableEffect),
        },
      ]}
    />
  );
}

/** The share of right responses of a problem over columns, which may be several seeds. */
function pooledShare(
  set: EvaluationSet,
  ids: readonly string[],
  grader: string,
  place: number,
): number | null {
  const known = ids
    .map((id) =>
      shareOf(
        set.problems,
        set.columns.findIndex((column) => column.id === id),
        grader,
        place,
      ),
    )
    .filter((share) => share !== null);
  return known.length === 0 ? null : known.reduce((sum, share) => sum + share, 0) / known.length;
}

/** So many problems are linked; the others are in the evaluation's own list. */
const MOST_LINKS = 60;

function ChangedProblems({ report, row }: { report: Report; row: Row }) {
  const set = report.evaluations.find(({ id }) => id === row.columns?.set);
  if (!set || !row.columns) return null;
  const { before, after } = row.columns;
  const change = (place: number) => {
    const [was, is] = [before, after].map((ids) => pooledShare(set, ids, row.grader, place));
    return was === null || was === undefined || is === null || is === undefined ? 0 : is - was;
  };
  const changes = set.problems.ids.map((_, place) => change(place));
  const query = {
    a: before[0]?.toWellFormed(),
    b: after[0]?.toWellFormed(),
    grader: row.grader.toWellFormed(),
  };
  const kinds = [
    ['gained', (by: number) => by > 0],
    ['lost', (by: number) => by < 0],
  ] as const;
  return (
    <section>
      <h3>
        <Name of={row.name} /> by <Name of={row.grader} />
      </h3>
      {kinds.map(([kind, isOf]) => {
        const places = changes.flatMap((by, place) => (isOf(by) ? [place] : []));
        const filtered = { ...query, show: kind };
        return (
          <div key={kind} class="changed">
            <h4>
              {kind === 'gained' ? '▲' : '▼'} {plural(places.length, 'problem')} {kind}
            </h4>
            <ul class="links">
              {places.slice(0, MOST_LINKS).map((place) => (
                <li key={place}>
                  <a
                    href={address(['evaluations', set.id, 'problems', keyOf(set.problems, place)], filtered)}
                    title={set.problems.heads[place]}
                  >
                    <Name of={set.problems.ids[place]!} length={30} />
                  </a>
                </li>
              ))}
            </ul>
            {places.length > 0 && (
              <a href={address(['evaluations', set.id, 'problems'], filtered)}>Look through them</a>
            )}
          </div>
        );
      })}
    </section>
  );
}

function One({ report, comparison }: { report: Report; comparison: ComparisonTable }) {
  const { rows, warnings, alpha, power } = comparison;
  return (
    <>
      <Verdict comparison={comparison} />
      {warnings.length > 0 && (
        <ul class="warning">
          {warnings.map((warning) => (
            <li key={warning}>{short(warning, 500)}</li>
          ))}
        </ul>
      )}
      <DifferenceFigure comparison={comparison} />
      <RowTable comparison={comparison} />
      <p class="note">
        Error of the first kind {+alpha.toFixed(4)}. A difference of the size under “detectable” would have
        been found with probability {+power.toFixed(4)}.
      </p>
      <PowerFigures comparison={comparison} />
      <h2>Gained and lost problems</h2>
      {rows.every(({ columns }) => columns === undefined) && (
        <p class="note">The evaluations that were compared are not in this report.</p>
      )}
      {rows.map((row, i) => (
        <ChangedProblems key={i} report={report} row={row} />
      ))}
    </>
  );
}

export function Comparison({ report, route }: { report: Report; route: Route }) {
  const { comparisons } = report;
  const id = route.parts[1];
  const named = comparisons.find((one) => one.id.toWellFormed() === id);
  const shown = named ?? (id === undefined && comparisons.length === 1 ? comparisons[0] : undefined);
  if (shown)
    return (
      <>
        <h1>
          Comparison <Name of={shown.name} />
        </h1>
        <One report={report} comparison={shown} />
      </>
    );
  return (
    <>
      <h1>Comparisons</h1>
      {id !== undefined && <p class="warning">There is no comparison of this name in the report.</p>}
      {comparisons.length === 0 && <p>There is no comparison in this report.</p>}
      {comparisons.map((one) => (
        <Verdict key={one.id} comparison={one} isLinked />
      ))}
    </>
  );
}
