/** @file The page while runs go on: the report as it is, with what is under way, what the machine does, and the state of the connection. */
import { useEffect } from 'preact/hooks';
import type { Activity, Live, LiveSample } from '../live.js';
import type { Report } from '../model.js';
import { App } from './App.js';
import { useConnection } from './connection.js';
import { lastOf } from './lines.js';
import { count, duration, gigabytes, percent, plural } from './numbers.js';
import { address } from './route.js';
import { Table } from './table.js';
import { LongText, Name, short } from './text.js';

const MARKS: Record<Activity['state'], string> = { running: '▶', stalled: '⏸', stopped: '■', done: '✓' };
const MEANINGS: Record<Activity['state'], string> = {
  running: 'running',
  stalled: 'its process lives, but nothing has been written for minutes',
  stopped: 'nobody works on it, and it is not done',
  done: 'done',
};

const hrefOf = (link: string): string => {
  const [view = '', id = ''] = link.split(/\/(.*)/s);
  return address([view, id]);
};

function Progress({ activity }: { activity: Activity }) {
  const { done, planned, unit } = activity;
  if (done === null) return <>–</>;
  if (planned === null) return <>{plural(done, unit)}</>;
  return (
    <span class="progress">
      <progress
        max={Math.max(1, planned)}
        value={Math.min(done, planned)}
        aria-label={`Progress of ${short(activity.name)}`}
      />{' '}
      {count(done)} of {plural(planned, unit)}
    </span>
  );
}

/** The share of right responses that a training run drew last, by its development set. */
function accuracyOf({ runs }: Report, { link }: Activity): number | null {
  const run = runs.find(({ id }) => link === `runs/${id}`);
  return lastOf(run?.measured.find(({ name }) => name === 'eval_accuracy')?.values ?? []);
}

function Activities({ live, report }: { live: Live; report: Report }) {
  const { activities, time } = live;
  if (activities.length === 0)
    return (
      <p>
        There is no run in <Name of={live.dir} /> yet. It shows up here when it begins.
      </p>
    );
  return (
    <Table
      name="work"
      caption="What is under way, and what was"
      rows={activities}
      columns={[
        {
          name: 'work',
          value: ({ name }) => name,
          show: ({ name, link }) =>
            link === undefined ? (
              <Name of={name} length={40} />
            ) : (
              <a href={hrefOf(link)}>
                <Name of={name} length={40} />
              </a>
            ),
        },
        { name: 'kind', value: ({ kind }) => kind, show: ({ kind }) => <span class="state">{kind}</span> },
        {
          name: 'state',
          value: ({ state }) => state,
          show: ({ state }) => (
            <span class={`state ${state}`} title={MEANINGS[state]}>
              {MARKS[state]} {state}
            </span>
          ),
        },
        {
          name: 'progress',
          value: ({ done }) => done,
          show: (activity) => <Progress activity={activity} />,
        },
        ...(activities.some((activity) => accuracyOf(report, activity) !== null)
          ? [
              {
                name: 'sampled accuracy',
                value: (activity: Activity) => accuracyOf(report, activity),
                show: (activity: Activity) => percent(accuracyOf(report, activity)),
              },
            ]
          : []),
        ...(activities.some(({ graded }) => graded)
          ? [
              {
                name: 'right so far',
                value: ({ graded }: Activity) => (graded ? graded.right / graded.of : null),
                show: ({ graded }: Activity) =>
                  graded
                    ? `${percent(graded.right / graded.of)} (${count(graded.right)} of ${count(graded.of)})`
                    : '–',
              },
            ]
          : []),
        {
          name: 'time left',
          value: ({ secondsLeft }) => secondsLeft,
          show: ({ secondsLeft }) => (secondsLeft === null ? '–' : duration(secondsLeft)),
        },
        {
          name: 'last change',
          value: ({ changed }) => (changed === null ? null : new Date(changed).toISOString()),
          show: ({ changed }) => (changed === null ? '–' : `${duration((time - changed) / 1000)} ago`),
        },
      ]}
    />
  );
}

/** Alerts that are shown here; the view of trainings has all. */
const MOST_ALERTS = 5;

function LastAlerts({ report }: { report: Report }) {
  const all = report.runs.flatMap(({ id, name, alerts }) => alerts.map((alert) => ({ id, name, ...alert })));
  if (all.length === 0) return null;
  const shown = all.slice(-MOST_ALERTS).reverse();
  return (
    <section class="card">
      <h2>The sentinel</h2>
      <ul class="last-alerts" aria-live="polite">
        {shown.map(({ id, name, step, sentence }) => (
          <li key={`${id} ${step} ${sentence}`}>
            <a href={address(['runs', id])}>
              <Name of={name} length={40} />
            </a>
            , step {count(step)}: {short(sentence, 300)}
          </li>
        ))}
      </ul>
      {all.length > shown.length && (
        <p class="note">{count(all.length - shown.length)} more stand under Training.</p>
      )}
    </section>
  );
}

/** What its file says of a response, or that it says nothing yet. */
function Graded({ verdict, kind }: { verdict: LiveSample['verdict']; kind: string }) {
  if (!verdict)
    return (
      <p class="note">
        {kind === 'evaluate'
          ? 'Not graded yet: its grader is asked when all responses are there.'
          : 'Not graded: its file has no verdict.'}
      </p>
    );
  const { right, by, extracted, reason } = verdict;
  return (
    <p>
      <span class={`badge ${right ? 'right' : 'wrong'}`}>{right ? '✓ right' : '✗ wrong'}</span>{' '}
      <span class="note">
        {by !== undefined && `by ${short(by, 40)}, which `}read{' '}
        {extracted === null ? <i>no answer</i> : <code>{short(extracted, 200) || '(empty)'}</code>}
        {reason !== '' && `: ${short(reason, 200)}`}
      </span>
    </p>
  );
}

function Samples({ activities }: { activities: readonly Activity[] }) {
  const sampled = activities.filter(({ samples }) => samples.length > 0);
  if (sampled.length === 0) return null;
  return (
    <details class="samples-now" open>
      <summary>Responses as they come</summary>
      <div class="cards">
        {sampled.flatMap(({ name, kind, samples }) =>
          samples.map(({ problem, text, length, finishReason, tokens, verdict }, i) => (
            <section class="card" key={`${name} ${i}`}>
              <h3>
                <Name of={name} length={40} />, {short(problem, 60)}
              </h3>
              <Graded verdict={verdict} kind={kind} />
              <p class="note">
                {tokens === null ? '' : `${plural(tokens, 'token')}, `}ended by {short(finishReason, 40)}
                {length > text.length && `; the first ${count(text.length)} of ${count(length)} characters`}
              </p>
              <LongText text={text} label={`Response of ${short(name)}, ${short(problem)}`} />
            </section>
          )),
        )}
      </div>
    </details>
  );
}

function Load({ load }: { load: Live['load'] }) {
  const { busy, processors, memory } = load;
  return (
    <p class="load">
      <label>
        Processors <meter min={0} max={1} value={busy} /> {percent(busy, 0)} of {count(processors)}
      </label>
      <label>
        Memory <meter min={0} max={memory.total} value={memory.used} /> {gigabytes(memory.used)} of{' '}
        {gigabytes(memory.total)}
      </label>
    </p>
  );
}

function Panel({ report, live }: { report: Report; live: Live | undefined }) {
  if (!live) return <p role="status">Looking …</p>;
  return (
    <section class="live" aria-label="Under way">
      <Load load={live.load} />
      <Activities live={live} report={report} />
      {live.notes.map((note, i) => (
        <p key={i} class="warning">
          {short(note, 500)}
        </p>
      ))}
      <LastAlerts report={report} />
      <Samples activities={live.activities} />
    </section>
  );
}

function Badge({ live, isConnected }: { live: Live | undefined; isConnected: boolean }) {
  const running = live?.activities.filter(({ state }) => state === 'running') ?? [];
  const left = running.flatMap(({ secondsLeft }) => (secondsLeft === null ? [] : [secondsLeft]));
  const longest = left.length === 0 ? '' : `, ${duration(Math.max(...left))} left`;
  return (
    <span class={`badge-live ${isConnected ? 'on' : 'off'}`}>
      <span role="status">{isConnected ? '● live' : '○ no connection, trying again'}</span>
      {isConnected && (
        <span class="note">
          {' '}
          {count(running.length)} running{longest}
        </span>
      )}
    </span>
  );
}

export function LiveApp() {
  const { snapshot, live, isConnected } = useConnection();
  const title = snapshot?.report.title;
  useEffect(() => {
    if (title !== undefined) document.title = `${short(title, 100)}, live`;
  }, [title]);
  if (!snapshot) return <p role="status">Waiting for the server …</p>;
  const { report } = snapshot;
  return (
    <App
      report={report}
      live={{
        badge: <Badge live={live} isConnected={isConnected} />,
        panel: <Panel report={report} live={live} />,
      }}
    />
  );
}
