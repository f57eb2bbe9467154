/** @file The view of training runs: their curves over one another, what the sentinel said, formulas and settings. */
import { useMemo, useState } from 'preact/hooks';
import { isHealthy, type Report, type TrainingRun } from '../model.js';
import { Curve } from './Curve.js';
import { Swatch } from './colours.js';
import { mainFigures, otherFigures, type FigurePlan } from './figureList.js';
import { groupsOf, lineOf, smoothLine, type Group, type Line } from './lines.js';
import type { Mark } from './marks.js';
import { count, plural } from './numbers.js';
import { RunTable } from './RunTable.js';
import { address, go, withQuery, type Route } from './route.js';
import { Table } from './table.js';
import { LongText, Name, short } from './text.js';

/** Bands of single runs, of what lies between their points, would cover one another where runs are many. */
const MOST_BANDS = 3;
const hasBand = ({ place }: Line, groups: readonly Group[]): boolean =>
  groups.length <= MOST_BANDS || groups.some((group) => group.place === place && group.runs.length > 1);

/** The lines of a figure. Where there is one group, the sides of a pair have colours of their own, else they differ by dashes. */
function linesOf(groups: readonly Group[], { series }: FigurePlan, isSmooth: boolean): Line[] {
  const lines = groups.flatMap((group) =>
    series.flatMap(({ name, words }, i) => {
      const line = lineOf(group, name);
      if (!line) return [];
      const named = words === undefined ? line : { ...line, name: `${short(line.name, 40)}, ${words}` };
      return [groups.length === 1 ? { ...named, place: group.place + i } : { ...named, isDashed: i > 0 }];
    }),
  );
  const clear = lines.map((line) =>
    hasBand(line, groups) ? line : { ...line, low: undefined, high: undefined },
  );
  return isSmooth ? clear.map(smoothLine) : clear;
}

interface Alert extends Mark {
  run: string;
  sentence: string;
}

const alertsOf = (runs: readonly TrainingRun[]): Alert[] =>
  runs
    .flatMap(({ name, alerts }) => alerts.map((alert) => ({ ...alert, run: name })))
    .sort((a, b) => a.step - b.step)
    .map((alert, i) => ({ ...alert, number: i + 1, isCalm: isHealthy(alert) }));

interface FiguresProps {
  plans: readonly FigurePlan[];
  groups: readonly Group[];
  alerts: readonly Alert[];
  isLog: boolean;
  isSmooth: boolean;
}

function Figures({ plans, groups, alerts, isLog, isSmooth }: FiguresProps) {
  const figures = useMemo(
    () => plans.map((plan) => ({ plan, lines: linesOf(groups, plan, isSmooth) })),
    [plans, groups, isSmooth],
  );
  return (
    <div class="figures">
      {figures
        .filter(({ lines }) => lines.length > 0)
        .map(({ plan, lines }) => (
          <Curve
            key={plan.title}
            title={short(plan.title)}
            unit={plan.unit}
            {...{ lines, isLog }}
            marks={alerts}
          />
        ))}
    </div>
  );
}

/** What the lines and bands are, as a sentence. */
function legendOf(groups: readonly Group[], isSmooth: boolean): string {
  const bucket = Math.max(...groups.flatMap(({ runs }) => runs.map(({ curves }) => curves.bucket)));
  const parts = [
    groups.some(({ runs }) => runs.length > 1) &&
      'A line is the mean over the seeds of a group, its band reaches from the lowest seed to the highest.',
    bucket > 1 &&
      `A point is the mean of up to ${plural(bucket, 'step')}${groups.length <= MOST_BANDS ? '; the band of a single run reaches from the lowest of them to the highest' : ''}.`,
    isSmooth && 'Lines are smoothed: the weights of earlier points halve over a fiftieth of the run.',
  ];
  return parts.filter(Boolean).join(' ');
}

function Toggle({ route, name, children }: { route: Route; name: string; children: string }) {
  const isOn = route.query.get(name) === '1';
  return (
    <label class="toggle">
      <input
        type="checkbox"
        checked={isOn}
        onChange={() => {
          go(withQuery(route, { [name]: isOn ? undefined : '1' }), true);
        }}
      />{' '}
      {children}
    </label>
  );
}

/** The groups, each to be shown or left out. */
function Choice({
  groups,
  hidden,
  route,
}: {
  groups: readonly Group[];
  hidden: ReadonlySet<number>;
  route: Route;
}) {
  return (
    <fieldset class="choice">
      <legend>Runs</legend>
      {groups.map(({ name, place, runs }) => (
        <label key={place}>
          <input
            type="checkbox"
            checked={!hidden.has(place)}
            onChange={() => {
              const next = new Set(hidden);
              if (!next.delete(place)) next.add(place);
              go(withQuery(route, { hide: [...next].join('.') }), true);
            }}
          />{' '}
          <Swatch place={place} /> <Name of={name} length={40} />
          {runs.length > 1 && <span class="note"> {plural(runs.length, 'seed')}</span>}
        </label>
      ))}
    </fieldset>
  );
}

function Alerts({ alerts }: { alerts: readonly Alert[] }) {
  if (alerts.length === 0) return <p class="note">The sentinel said nothing of these runs.</p>;
  return (
    <Table
      name="alerts"
      caption="What the sentinel said; the figures have the numbers at their steps"
      rows={alerts}
      columns={[
        { name: 'number', value: ({ number }) => number },
        { name: 'step', value: ({ step }) => step },
        { name: 'run', value: ({ run }) => run, show: ({ run }) => <Name of={run} /> },
        {
          name: 'sentence',
          value: ({ sentence }) => sentence,
          show: ({ sentence }) => <span class="words">{short(sentence, 500)}</span>,
        },
      ]}
    />
  );
}

function RunCard({ run }: { run: TrainingRun }) {
  const { planned, done } = run.steps;
  return (
    <section class="card">
      <h3>
        <a href={address(['runs', run.id])}>
          <Name of={run.name} />
        </a>
      </h3>
      <p>
        <Name of={run.objective} />, {count(done)}
        {planned === null ? '' : ` of ${count(planned)}`} steps{run.finished ? '' : ', not finished'}
        {run.seed === null ? '' : `, seed ${run.seed}`}. <span class="note">{short(run.dir, 120)}</span>
      </p>
      <LongText text={run.formula} label={`Formula of ${short(run.name)}`} />
      <Table
        name={`settings of ${run.name}`}
        caption="Settings that differ from the defaults"
        rows={Object.entries(run.settings)}
        columns={[
          { name: 'setting', value: ([name]) => name, show: ([name]) => <code>{short(name)}</code> },
          { name: 'value', value: ([, value]) => value, show: ([, value]) => short(String(value), 200) },
        ]}
      />
    </section>
  );
}

export function Training({ report, route }: { report: Report; route: Route }) {
  const [areOthersShown, setOthersShown] = useState(false);
  const [, id] = route.parts;
  const only = id === undefined ? undefined : report.runs.find((run) => run.id === id);
  const hide = route.query.get('hide') ?? '';
  const all = useMemo(() => groupsOf(report.runs), [report.runs]);
  const hidden = useMemo(() => new Set(hide.split('.').filter(Boolean).map(Number)), [hide]);
  const groups = useMemo(() => {
    const shown = all.filter(({ place, runs }) => (only ? runs.includes(only) : !hidden.has(place)));
    return only ? shown.map((group) => ({ ...group, name: only.name, runs: [only] })) : shown;
  }, [all, only, hidden]);
  const runs = useMemo(() => groups.flatMap((group) => group.runs), [groups]);
  const plans = useMemo(() => ({ main: mainFigures(runs), other: otherFigures(runs) }), [runs]);
  const alerts = useMemo(() => alertsOf(runs), [runs]);
  const [isLog, isSmooth] = [route.query.get('log') === '1', route.query.get('smooth') === '1'];
  if (report.runs.length === 0)
    return (
      <>
        <h1>Training</h1>
        <p>There is no training run in this report.</p>
      </>
    );
  const drawn = { groups, alerts, isLog, isSmooth };
  return (
    <>
      <h1>{only ? <Name of={only.name} /> : 'Training'}</h1>
      {id !== undefined && !only && <p class="warning">There is no run of this name in the report.</p>}
      {only && (
        <p>
          <a href="#/runs">All runs</a>
        </p>
      )}
      {!only && <RunTable runs={report.runs} />}
      <div class="controls">
        {!only && all.length > 1 && <Choice groups={all} hidden={hidden} route={route} />}
        <Toggle route={route} name="smooth">
          Smooth
        </Toggle>
        <Toggle route={route} name="log">
          Logarithmic
        </Toggle>
      </div>
      {groups.length > 0 && <p class="note">{legendOf(groups, isSmooth)}</p>}
      <Figures plans={plans.main} {...drawn} />
      {plans.other.length > 0 && (
        <details
          onToggle={(event) => {
            setOthersShown(event.currentTarget.open);
          }}
        >
          <summary>{plural(plans.other.length, 'other curve')}</summary>
          {areOthersShown && <Figures plans={plans.other} {...drawn} />}
        </details>
      )}
      <h2>The sentinel</h2>
      <Alerts alerts={alerts} />
      <h2>Objectives and settings</h2>
      <div class="cards">
        {runs.map((run) => (
          <RunCard key={run.id} run={run} />
        ))}
      </div>
    </>
  );
}
