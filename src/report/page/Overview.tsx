/** @file The first view: what was done, what it gained and how sure that is, and the way to all figures. */
import type { ComponentChild } from 'preact';
import type { EvaluationSet, Report, StageBox } from '../model.js';
import { DifferenceFigure, Verdict } from './ComparisonView.js';
import { EvaluationTable } from './EvaluationTable.js';
import { count } from './numbers.js';
import { hrefOf } from './links.js';
import { RunTable } from './RunTable.js';
import { Name, short } from './text.js';
import { Notes } from './Traces.js';

const STATES = { done: '✓', 'under way': '…', 'not begun': '○' };

/** The stages of each pipeline. */
function linesOf(stages: readonly StageBox[]): { of: string | undefined; line: StageBox[] }[] {
  const lines = new Map<string | undefined, StageBox[]>();
  for (const stage of stages) lines.set(stage.of, [...(lines.get(stage.of) ?? []), stage]);
  return [...lines].map(([of, line]) => ({ of, line }));
}

/** @param isUnder whether a heading of its pipeline stands above it */
function Stage({ stage, isUnder }: { stage: StageBox; isUnder: boolean }) {
  const { name, kind, state, summary, from, counts, account, link } = stage;
  const Heading = isUnder ? 'h4' : 'h3';
  return (
    <li class={`stage ${state.replace(' ', '-')}`}>
      <Heading>
        <span title={state} aria-label={state} role="img">
          {STATES[state]}
        </span>{' '}
        {link === undefined ? (
          <Name of={name} />
        ) : (
          <a href={hrefOf(link)}>
            <Name of={name} />
          </a>
        )}
      </Heading>
      <p class="note">
        {name === kind ? '' : `${short(kind, 30)}; `}
        {short(summary, 200)}
        {from.length === 0 ? '' : ` Reads ${from.map((one) => short(one, 30)).join(', ')}.`}
      </p>
      <dl>
        {counts.map((one) => (
          <div key={one.name}>
            <dt>{short(one.name, 40)}</dt>
            <dd>{count(one.value)}</dd>
          </div>
        ))}
      </dl>
      {account.length > 0 && (
        <details>
          <summary>Account</summary>
          {account.map((sentence, i) => (
            <p key={i}>{short(sentence, 1000)}</p>
          ))}
        </details>
      )}
    </li>
  );
}

/** The grader by which the overview shows a set: the first. */
function SetTable({ set }: { set: EvaluationSet }) {
  const [first = '', ...others] = set.graders;
  return (
    <EvaluationTable
      set={set}
      grader={first}
      note={others.length === 0 ? '' : ` (${others.length} more in the view)`}
    />
  );
}

export function Overview({ report, panel }: { report: Report; panel?: ComponentChild }) {
  const { title, answers, comparisons, stages, evaluations, runs, notes = [] } = report;
  return (
    <>
      <h1>{short(title, 120)}</h1>
      {panel}
      <dl class="answers">
        {answers.map(({ question, sentences }) => (
          <div key={question}>
            <dt>{question}</dt>
            <dd>{sentences.map((sentence) => short(sentence, 400)).join(' ')}</dd>
          </div>
        ))}
      </dl>
      <Notes notes={notes} />
      {comparisons.map((comparison) => (
        <section key={comparison.id} class="found">
          <Verdict comparison={comparison} isLinked />
          <DifferenceFigure comparison={comparison} />
        </section>
      ))}
      {stages.length > 0 && (
        <section>
          <h2>Stages</h2>
          {linesOf(stages).map(({ of, line }, i) => (
            <div key={i}>
              {of !== undefined && (
                <h3>
                  <Name of={of} />
                </h3>
              )}
              <ol class="stages" aria-label={of === undefined ? 'Stages' : `Stages of ${short(of)}`}>
                {line.map((stage, place) => (
                  <Stage key={place} stage={stage} isUnder={of !== undefined} />
                ))}
              </ol>
            </div>
          ))}
        </section>
      )}
      {evaluations.length > 0 && (
        <section>
          <h2>Evaluations</h2>
          {evaluations.map((set) => (
            <SetTable key={set.id} set={set} />
          ))}
        </section>
      )}
      {runs.length > 0 && (
        <section>
          <h2>Training</h2>
          <RunTable runs={runs} />
        </section>
      )}
    </>
  );
}
