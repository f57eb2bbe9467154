/** @file What was done, what it gained and how sure that is, in sentences made from the files. */
import { shareInWords } from '../../evaluate/words.js';
import { counted } from '../../util/counted.js';
import { own } from '../../util/own.js';
import type { EvaluationSet, Report, TrainingRun } from '../model.js';
import { shortened } from './json.js';
import { lastIn } from './last.js';

/** The first sentences of a report. */
export function sentencesOf({
  runs,
  evaluations,
  comparisons,
}: Pick<Report, 'runs' | 'evaluations' | 'comparisons'>): string[] {
  return [...trained(runs), ...evaluations.flatMap(evaluated), ...comparisons.map(({ verdict }) => verdict)];
}

const MOST_RUNS = 6;

/** What each run trained on what, a sentence each. */
export function trained(runs: readonly TrainingRun[]): string[] {
  const groups = [...new Map(runs.map((run) => [run.group, run])).values()];
  const shown = groups.slice(0, MOST_RUNS).map((run) => {
    const seeds = runs.filter(({ group }) => group === run.group).length;
    const { model, data } = run.settings;
    const tokens = lastIn(run, 'num_tokens');
    const often = seeds > 1 ? `, with ${seeds} seeds` : '';
    const size = typeof tokens === 'number' ? ` (${tokens.toLocaleString('en')} tokens)` : '';
    const end = run.finished ? '' : '; it is not finished';
    return `${run.group} trained ${shortened(model)} on ${shortened(data)} by ${run.objective} for ${counted(run.steps.done, 'step')}${size}${often}${end}.`;
  });
  const more = groups.length - shown.length;
  return more > 0 ? [...shown, `${counted(more, 'other run')} stand under Training.`] : shown;
}

/** pass@1 of each evaluation of a set, in a sentence. */
export function evaluated({ name, columns, graders, problems }: EvaluationSet): string[] {
  const grader = graders[0];
  if (grader === undefined) return [];
  const shares = columns.flatMap(({ name: who, grades }) => {
    const grade = own(grades, grader);
    return grade ? [`${who} ${shareInWords(grade.passAt1, grade.standardError, problems.ids.length)}`] : [];
  });
  return [
    `pass@1 on ${counted(problems.ids.length, 'problem')} of ${name}, graded by ${grader}: ${shares.join('; ')}.`,
  ];
}
