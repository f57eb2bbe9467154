/** @file The page: its head with the views, the view that the address names, and what keys do. */
import type { ComponentChild } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Report } from '../model.js';
import { Boundary } from './Boundary.js';
import { Comparison } from './ComparisonView.js';
import { Evaluation } from './Evaluation.js';
import { ExaminationView } from './ExaminationView.js';
import { Help } from './Help.js';
import { onKeys } from './keys.js';
import { Overview } from './Overview.js';
import { go, useRoute, type Route } from './route.js';
import { RowFate } from './RowFate.js';
import { Tables } from './Tables.js';
import { short } from './text.js';
import { toggleTheme, useTheme } from './theme.js';
import { Traces } from './Traces.js';
import { Training } from './Training.js';

/** Views by the first part of the address. */
const VIEWS = [
  { path: '', name: 'Overview', has: () => true },
  { path: 'runs', name: 'Training', has: ({ runs }: Report) => runs.length > 0 },
  { path: 'evaluations', name: 'Evaluation', has: ({ evaluations }: Report) => evaluations.length > 0 },
  { path: 'comparisons', name: 'Comparison', has: ({ comparisons }: Report) => comparisons.length > 0 },
  { path: 'traces', name: 'Traces', has: ({ traces }: Report) => (traces?.length ?? 0) > 0 },
  { path: 'doctor', name: 'Doctor', has: ({ examinations }: Report) => (examinations?.length ?? 0) > 0 },
  { path: 'tables', name: 'Tables', has: ({ tables }: Report) => (tables?.length ?? 0) > 0 },
] as const;

/** What a page shows besides, while runs go on. */
export interface LiveParts {
  /** How things are, in the head of every view. */
  badge: ComponentChild;
  /** What is under way, above the overview. */
  panel: ComponentChild;
}

function View({ report, route, live }: { report: Report; route: Route; live: LiveParts | undefined }) {
  switch (route.parts[0]) {
    case undefined:
    case 'overview':
      return <Overview report={report} panel={live?.panel} />;
    case 'runs':
      return <Training report={report} route={route} />;
    case 'evaluations':
      return <Evaluation report={report} route={route} />;
    case 'comparisons':
      return <Comparison report={report} route={route} />;
    case 'traces':
      return <Traces report={report} route={route} />;
    case 'rows':
      return <RowFate report={report} route={route} />;
    case 'doctor':
      return <ExaminationView report={report} route={route} />;
    case 'tables':
      return <Tables report={report} route={route} />;
    default:
      return (
        <>
          <h1>No such view</h1>
          <p class="warning">
            The address names a part that this report has not. <a href="#/">Overview</a>
          </p>
        </>
      );
  }
}

/** Puts the cursor into the search; where the view has none, into that of the evaluations. */
function search(): void {
  const box = document.querySelector<HTMLInputElement>('input[type=search]');
  if (box?.checkVisibility()) {
    box.focus();
    return;
  }
  const [, id] = /^#\/evaluations\/([^/?]+)/.exec(location.hash) ?? [];
  go(id === undefined ? '#/evaluations' : `#/evaluations/${id}`);
  setTimeout(() => {
    document.querySelector<HTMLInputElement>('input[type=search]')?.focus();
  }, 50);
}

/** A new view begins at its top, unless it is another problem or filter of the same one. */
function useTop(route: Route): void {
  const at = route.parts.slice(0, 3).join('/');
  useEffect(() => {
    if (route.parts[2] === 'problems' && route.parts[3] === undefined)
      document.getElementById('problems')?.scrollIntoView();
    else scrollTo(0, 0);
  }, [at, route.parts[3]]);
}

export function App({ report, live }: { report: Report; live?: LiveParts }) {
  const route = useRoute();
  const help = useRef<HTMLDialogElement>(null);
  const theme = useTheme();
  useTop(route);
  useEffect(
    () =>
      onKeys({
        '/': search,
        '?': () => help.current?.showModal(),
      }),
    [],
  );
  const [first = ''] = route.parts;
  const view = { overview: '', rows: 'traces' }[first] ?? first;
  return (
    <>
      <header>
        <a class="title" href="#/">
          {short(report.title, 50) || 'Report'}
        </a>
        <nav aria-label="Views">
          {VIEWS.filter(({ has }) => has(report)).map(({ path, name }) => (
            <a key={path} href={`#/${path}`} aria-current={path === view ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        {live?.badge}
        <span class="tools">
          <button
            type="button"
            onClick={toggleTheme}
            aria-label={`Colours: ${theme}; change`}
            title="Light or dark"
          >
            {theme === 'dark' ? '☀' : '☾'}
          </button>
          <button
            type="button"
            aria-label="Help: keys and terms"
            title="Keys and terms (?)"
            onClick={() => {
              help.current?.showModal();
            }}
          >
            ?
          </button>
        </span>
      </header>
      <main>
        <Boundary key={route.parts.join('/')} of={report}>
          <View {...{ report, route, live }} />
        </Boundary>
      </main>
      <footer>
        Made by redistill {short(report.version, 30)} from files of {short(report.date, 40)}. Drawn with
        Preact and uPlot (MIT licences in this file).
      </footer>
      <Help dialog={help} />
    </>
  );
}
