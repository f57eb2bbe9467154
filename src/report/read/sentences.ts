/** @file What was trained and what it gained, in sentences made from the files. */
import { shareInWords } from '../../evaluate/words.js';
import { counted, numbered } from '../../util/counted.js';
import { own } from '../../util/own.js';
import type { EvaluationColumn, EvaluationSet, TrainingRun } from '../model.js';
import { shortened } from './json.js';
import { lastIn } from './last.js';
import { many } from './words.js';

const MOST_RUNS = 6;

/**
 * What each run trained on what, a sentence each.
 * @param isUnderWay whether somebody works on a run
 */
export function trained(
  runs: readonly TrainingRun[],
  isUnderWay: (run: TrainingRun) => boolean = () => false,
): string[] {
  const groups = [...new Map(runs.map((run) => [run.group, run])).values()];
  const shown = groups.slice(0, MOST_RUNS).map((run) => {
    const seeds = runs.filter(({ group }) => group === run.group).length;
    const tokens = lastIn(run, 'num_tokens');
    const often = seeds > 1 ? `, with ${seeds} seeds` : '';
    const size = typeof tokens === 'number' ? ` (${tokens.toLocaleString('en')} tokens)` : '';
    const end = run.finished ? '' : isUnderWay(run) ? '; it is under way' : '; it is not finished';
    return `${run.group} trained ${studentOf(run)} on ${shortened(run.settings.data)} by ${run.objective} for ${many(run.steps.done, 'step')}${size}${often}${end}.`;
  });
  const more = groups.length - shown.length;
  return more > 0
    ? [...shown, `${counted(more, 'other run')} ${numbered(more, 'stands', 'stand')} under Training.`]
    : shown;
}

/** "SmolLM2-135M-Instruct, as sft left it,": what was trained, by what it was at first. */
function studentOf({ base, before = [], settings }: TrainingRun): string {
  if (base === undefined) return shortened(settings.model);
  const last = before.at(-1);
  return last === undefined ? base : `${base}, as ${last} left it,`;
}

/**
 * pass@1 of the evaluations of a set, in a sentence a grader: each by the set's first grader, or by its own first where that one has not
 * graded it.
 * @param isTold whether an evaluation is told of; default: all are
 */
export function evaluated(
  { name, columns, graders, problems }: EvaluationSet,
  isTold: (column: EvaluationColumn) => boolean = () => true,
): string[] {
  const told = columns.filter(isTold);
  return graders.flatMap((grader) => {
    const shares = told.flatMap(({ name: who, grades }) => {
      const judge = graders.find((one) => own(grades, one) !== undefined);
      const grade = judge === grader ? own(grades, grader) : undefined;
      return grade ? [`${who} ${shareInWords(grade.passAt1, grade.standardError, problems.ids.length)}`] : [];
    });
    return shares.length === 0
      ? []
      : [
          `pass@1 on ${counted(problems.ids.length, 'problem')} of ${name}, graded by ${grader}: ${shares.join('; ')}.`,
        ];
  });
}
