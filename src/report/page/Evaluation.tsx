/** @file The view of evaluations: what they found, and the problems of a set with their answers. */
import { useLayoutEffect, useMemo } from 'preact/hooks';
import type { EvaluationSet, Report } from '../model.js';
import { problemsIn } from './chunks.js';
import {
  ByField,
  EvaluationTable,
  PassAt1Figure,
  PassAtKFigure,
  Protocol,
  toldBy,
} from './EvaluationTable.js';
import {
  FILTERS,
  isFilter,
  isOrder,
  lengthsIn,
  listed,
  lookingAt,
  passes,
  placeOf,
  type Filter,
  type Looking,
} from './filters.js';
import { onKeys } from './keys.js';
import { ProblemControls } from './ProblemControls.js';
import { listAddress, problemAddress, ProblemList } from './ProblemList.js';
import { ProblemView } from './ProblemView.js';
import { address, go, type Route } from './route.js';
import { Name } from './text.js';
import { useSearch } from './useSearch.js';

/** The place of the set that a route names, by its own id or by that of one of its columns. */
export function setPlaceOf({ evaluations }: Report, id: string | undefined): number {
  if (id === undefined) return evaluations.length === 1 ? 0 : -1;
  const own = evaluations.findIndex((set) => set.id.toWellFormed() === id);
  return own >= 0
    ? own
    : evaluations.findIndex(({ columns }) => columns.some((column) => column.id.toWellFormed() === id));
}

/** How many problems pass each filter. */
function countsOf({ problems }: EvaluationSet, looking: Looking): Record<Filter, number> {
  const names = Object.keys(FILTERS) as Filter[];
  const counts = names.map((name) => {
    const passing = problems.ids.filter((_, place) => passes(problems, name, looking, place));
    return [name, passing.length] as const;
  });
  return Object.fromEntries(counts) as Record<Filter, number>;
}

/** j and k go through the list, Esc back to it. */
function useKeys(
  set: EvaluationSet,
  route: Route,
  places: readonly number[],
  open: number | undefined,
): void {
  // Before the next key can be pressed.
  useLayoutEffect(() => {
    const step = (by: 1 | -1) => {
      const at = open === undefined ? -1 : places.indexOf(open);
      const next = at < 0 ? places[0] : places[at + by];
      if (next !== undefined) go(problemAddress(set, next, route), open !== undefined);
    };
    return onKeys({
      j: () => {
        step(1);
      },
      k: () => {
        step(-1);
      },
      Escape: () => {
        if (open !== undefined) go(listAddress(set, places.indexOf(open), route));
      },
    });
  }, [set, route, places, open]);
}

function SetView({ set, setPlace, route }: { set: EvaluationSet; setPlace: number; route: Route }) {
  const { query } = route;
  const looking = useMemo(() => lookingAt(set, query), [set, query]);
  const [show, by, q] = [query.get('show'), query.get('order'), query.get('q') ?? ''];
  const [filter, order] = [isFilter(show) ? show : 'all', isOrder(by) ? by : 'file'] as const;
  const chunks = useMemo(() => problemsIn(setPlace, set.problems), [setPlace, set]);
  const search = useSearch(chunks, query.get('texts') === '1' ? q : '');
  const counts = useMemo(() => countsOf(set, looking), [set, looking.a, looking.b, looking.grader]);
  const places = useMemo(() => {
    const found = new Set(search.found.keys());
    return listed(set.problems, looking, { filter, order, query: q, found, lengths: lengthsIn(query) });
  }, [set, looking, filter, order, q, search.found, query]);
  const key = route.parts[2] === 'problems' ? route.parts[3] : undefined;
  const open = key === undefined ? undefined : placeOf(set.problems, key);
  useKeys(set, route, places, open === -1 ? undefined : open);
  const list = (
    <>
      <ProblemControls {...{ set, route, looking, filter, order, counts }} />
      <ProblemList {...{ set, route, looking, places, search, open }} />
    </>
  );
  if (open !== undefined)
    return (
      <div class="browser">
        <div class="side">{list}</div>
        {open < 0 ? (
          <div>
            <h1>No such problem</h1>
            <p class="warning">There is no problem of this id in the set.</p>
          </div>
        ) : (
          <ProblemView {...{ set, setPlace, route, looking, places }} place={open} />
        )}
      </div>
    );
  return (
    <>
      <h1>
        <Name of={set.name} />
      </h1>
      <p>
        <a href={address(['evaluations', set.id, 'problems'], Object.fromEntries(query))}>
          Problems and their answers ↓
        </a>
      </p>
      {set.graders.map((grader) => (
        <EvaluationTable key={grader} set={set} grader={grader} />
      ))}
      <div class="figures">
        <PassAt1Figure set={set} grader={looking.grader} />
        <PassAtKFigure set={set} grader={looking.grader} />
      </div>
      <Protocol set={set} />
      <ByField set={set} grader={looking.grader} shown={[looking.a, looking.b]} />
      <h2 id="problems">Problems</h2>
      {list}
    </>
  );
}

export function Evaluation({ report, route }: { report: Report; route: Route }) {
  const id = route.parts[1];
  const place = setPlaceOf(report, id);
  const set = report.evaluations[place];
  if (set) return <SetView key={set.id} set={set} setPlace={place} route={route} />;
  return (
    <>
      <h1>Evaluations</h1>
      {id !== undefined && <p class="warning">There is no evaluation of this name in the report.</p>}
      {report.evaluations.length === 0 && <p>There is no evaluation in this report.</p>}
      {report.evaluations.map((one) => (
        <section key={one.id}>
          <h2>
            <a href={address(['evaluations', one.id])}>
              <Name of={one.name} />
            </a>
          </h2>
          {toldBy(one).map(({ grader, told }) => (
            <EvaluationTable key={grader} set={one} grader={grader} told={told} />
          ))}
        </section>
      ))}
    </>
  );
}
