/** @file A problem with the answers of two columns side by side: what they say, how graders judged them, and what these read. */
import { useEffect, useState } from 'preact/hooks';
import { own } from '../../util/own.js';
import type { Answer, EvaluationSet, Problem } from '../model.js';
import { problemAt } from './chunks.js';
import type { Looking } from './filters.js';
import { count, plural } from './numbers.js';
import { Select } from './ProblemControls.js';
import { problemAddress } from './ProblemList.js';
import { address, go, withQuery, type Route } from './route.js';
import { LongText, Name, short } from './text.js';

const isCutOff = ({ cutOff, finishReason }: Answer): boolean => cutOff ?? finishReason === 'length';

function Verdicts({ answer }: { answer: Answer }) {
  const grades = Object.entries(answer.grades);
  return (
    <ul class="verdicts">
      {grades.map(([grader, { correct, extracted, reason }]) => (
        <li key={grader}>
          <span class={`badge ${correct ? 'right' : 'wrong'}`}>{correct ? '✓ right' : '✗ wrong'}</span> by{' '}
          <Name of={grader} />, which read{' '}
          {extracted === null ? <i>no answer</i> : <code>{short(extracted, 300) || '(empty)'}</code>}
          {reason !== undefined && <span class="note">: {short(reason, 300)}</span>}
        </li>
      ))}
    </ul>
  );
}

/** The verdict on an answer as a mark. */
const markOf = ({ grades }: Answer, grader: string): string => {
  const grade = own(grades, grader);
  return grade === undefined ? '·' : grade.correct ? '✓' : '✗';
};

interface PanelProps {
  set: EvaluationSet;
  route: Route;
  problem: Problem;
  /** Which of both, by the name of its query. */
  side: 'a' | 'b';
  column: number;
  grader: string;
}

function AnswerPanel({ set, route, problem, side, column, grader }: PanelProps) {
  const answers = problem.answers[column] ?? [];
  const wanted = Number(route.query.get(`s${side}`) ?? 1);
  const at = Math.min(Math.max(1, Math.trunc(wanted) || 1), answers.length) - 1;
  const answer = answers[at];
  const letter = set.columns.length > 1 ? `${side.toUpperCase()}: ` : '';
  return (
    <section class="panel" aria-label={`Answers ${letter}${short(set.columns[column]!.name)}`}>
      <h3>
        {letter}
        <Name of={set.columns[column]!.name} />
      </h3>
      {answers.length > 1 && (
        <div class="samples" role="group" aria-label={`Samples of ${short(set.columns[column]!.name)}`}>
          {answers.map((one, i) => (
            <button
              key={i}
              type="button"
              aria-pressed={i === at}
              aria-label={`Sample ${i + 1}, ${{ '✓': 'right', '✗': 'wrong', '·': 'not judged' }[markOf(one, grader)]!}`}
              class={own(one.grades, grader)?.correct ? 'right' : 'wrong'}
              onClick={() => {
                go(withQuery(route, { [`s${side}`]: i === 0 ? undefined : String(i + 1) }), true);
              }}
            >
              {i + 1} {markOf(one, grader)}
            </button>
          ))}
        </div>
      )}
      {answer ? (
        <>
          <Verdicts answer={answer} />
          <p class="note">
            {answer.tokens === null ? '' : `${plural(answer.tokens, 'token')}, `}
            {isCutOff(answer) ? (
              <span class="badge cut">cut off ({short(answer.finishReason, 40)})</span>
            ) : (
              `ended by ${short(answer.finishReason, 40)}`
            )}
          </p>
          <LongText
            key={`${column} ${at}`}
            text={answer.text}
            label={`Sample ${at + 1} of ${short(set.columns[column]!.name)}`}
          />
        </>
      ) : (
        <p class="note">There is no answer to this problem.</p>
      )}
    </section>
  );
}

/** The problem at a place, once it is unpacked. */
function useProblem(setPlace: number, set: EvaluationSet, place: number): Problem | Error | undefined {
  const [opened, setOpened] = useState<{ place: number; what: Problem | Error }>();
  useEffect(() => {
    let isWanted = true;
    const show = (what: Problem | Error) => {
      if (isWanted) setOpened({ place, what });
    };
    problemAt(setPlace, set.problems, place).then(show, (error: unknown) => {
      show(error instanceof Error ? error : new Error(String(error)));
    });
    return () => {
      isWanted = false;
    };
  }, [setPlace, set, place]);
  return opened?.place === place ? opened.what : undefined;
}

export interface ProblemViewProps {
  set: EvaluationSet;
  setPlace: number;
  route: Route;
  looking: Looking;
  place: number;
  /** The list that the reader goes through. */
  places: readonly number[];
}

export function ProblemView({ set, setPlace, route, looking, place, places }: ProblemViewProps) {
  const problem = useProblem(setPlace, set, place);
  const at = places.indexOf(place);
  const [before, after] = [at > 0 ? places[at - 1] : undefined, places[at + 1]];
  const columns = set.columns.map(({ id, name }) => [id.toWellFormed(), name] as const);
  const filters = Object.fromEntries([...route.query].filter(([name]) => !['sa', 'sb'].includes(name)));
  const choose = (name: 'a' | 'b') => (value: string) => {
    go(withQuery(route, { [name]: value, [`s${name}`]: undefined }), true);
  };
  return (
    <article class="problem">
      <nav class="steps" aria-label="Problems">
        <a href={address(['evaluations', set.id], filters)}>↑ list</a>
        {before !== undefined && <a href={problemAddress(set, before, route)}>← before (k)</a>}
        {after !== undefined && <a href={problemAddress(set, after, route)}>next (j) →</a>}
        <span class="note">{at < 0 ? 'not in the list' : `${count(at + 1)} of ${count(places.length)}`}</span>
      </nav>
      <h1>
        <Name of={set.problems.ids[place]!} />
      </h1>
      {problem === undefined && <p role="status">Unpacking …</p>}
      {problem instanceof Error && <p class="warning">{problem.message}</p>}
      {problem && !(problem instanceof Error) && (
        <>
          <LongText key={place} text={problem.problem} label="Problem" />
          <div class="gold">
            <span>Gold:</span> <LongText key={place} text={problem.gold} label="Gold" />
          </div>
          {columns.length > 1 && (
            <div class="controls narrow-only">
              <Select label="A" value={columns[looking.a]![0]} options={columns} onChoose={choose('a')} />
              <Select label="B" value={columns[looking.b]![0]} options={columns} onChoose={choose('b')} />
            </div>
          )}
          <div class="panels">
            {columns.length > 1 && (
              <AnswerPanel {...{ set, route, problem }} side="a" column={looking.a} grader={looking.grader} />
            )}
            <AnswerPanel {...{ set, route, problem }} side="b" column={looking.b} grader={looking.grader} />
          </div>
        </>
      )}
    </article>
  );
}
