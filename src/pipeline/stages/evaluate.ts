/** @file The stage and command `evaluate`: a model's responses to problems, graded and counted. */
import { z } from 'zod';
import {
  describeEvaluation,
  disagreementsFile,
  evaluate,
  evaluateSettings,
  graderSetting,
  gradingSettings,
  regrade,
  type Grading,
} from '../../evaluate/evaluate.js';
import { readSamples } from '../../evaluate/samples.js';
import type { EvaluationSummary } from '../../evaluate/summary.js';
import { inLine } from '../../util/printable.js';
import { filesOfModule } from '../../util/modules.js';
import { recordOf, withResultOf } from '../../util/ownFolder.js';
import { UserError } from '../../util/errors.js';
import type { Progress } from '../../util/progress.js';
import { answerInputs, askedModel, holdsAnswers } from './model.js';
import { defineStage } from './stage.js';

export const evaluateStage = defineStage({
  summary:
    'Has a model answer problems, grades the responses by one or more graders, and gives pass@1 with its standard error.',
  schema: evaluateSettings,
  inputs: (settings) => [
    ...answerInputs(settings),
    ...[settings.grader, settings.selectors, settings.measures].flatMap(
      (list: readonly (string | { module: string })[]) =>
        list.flatMap((one) => (typeof one === 'string' ? [] : filesOfModule(one.module))),
    ),
  ],
  writes: [
    ...[
      'journal.jsonl',
      'samples.jsonl',
      'failed.jsonl',
      'quarantine.jsonl',
      disagreementsFile,
      'summary.json',
    ],
  ],
  result: (_, dir) => dir,
  resumes: true,
  holdsWork: holdsAnswers,
  run: async (settings, { out, progress, signal }) => {
    const model = await askedModel(settings, progress);
    const summary = await evaluate({ settings, out, model, progress, signal });
    show(out, progress);
    return summary;
  },
  describe: (summary) => describeEvaluation(summary),
});

/**
 * Grades and counts again what an evaluation has left in a folder of its own.
 * @param given by what; what is not given stays as it is, but the fields that name graders, which go with the graders
 * @throws UserError for every other folder
 */
export const gradeAgain = (dir: string, given: Partial<Grading>): Promise<EvaluationSummary> =>
  withResultOf('evaluate', dir, () => {
    const before = gradingOf(dir, given.grader);
    const grading = given.grader ? { ...before, grader_field: undefined, ...given } : { ...before, ...given };
    return regrade(dir, grading);
  });

/** By what the folder's record says that an evaluation was graded and counted. @throws UserError where it does not say by whom */
function gradingOf(dir: string, grader: Grading['grader'] | undefined): Grading {
  const settings = recordOf(dir)?.settings as object | undefined;
  const { data } = recordedGrading.safeParse({ ...settings, ...(grader && { grader }) });
  if (data) return data;
  throw new UserError(
    `${dir} does not say by what it was graded: name all graders that it is to have with --grader, such as verify,rllm.`,
  );
}

/** Without a default for the graders. */
const recordedGrading = z.object({ ...gradingSettings.shape, grader: graderSetting.unwrap() });

/** Problems whose first response is shown; all are in samples.jsonl. */
const SHOWN = 2;
const SHOWN_CHARACTERS = 400;

function show(dir: string, progress: Progress): void {
  let shown = 0;
  for (const { problem, answer, generations, generation_details: details } of readSamples(dir)) {
    const [grade] = Object.values(details[0]!.grades);
    const verdict = grade!.correct ? 'right' : `wrong; the gold is ${inLine(answer, SHOWN_CHARACTERS)}`;
    const [asked, said] = [problem, generations[0]!].map((text) => inLine(text, SHOWN_CHARACTERS));
    progress.log(`  Q: ${asked}\n  A: ${said}  (${verdict})`);
    if (++shown === SHOWN) return;
  }
}
