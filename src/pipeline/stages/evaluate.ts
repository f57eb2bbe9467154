/** @file The stage and command `evaluate`: a model's responses to problems, graded and counted. */
import { z } from 'zod';
import {
  describeEvaluation,
  evaluate,
  evaluateSettings,
  graderSetting,
  regrade,
  type EvaluateSettings,
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
    ...settings.grader.flatMap((grader) => (typeof grader === 'string' ? [] : filesOfModule(grader.module))),
  ],
  writes: ['journal.jsonl', 'samples.jsonl', 'failed.jsonl', 'quarantine.jsonl', 'summary.json'],
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

/** By what an evaluation is graded. */
export type Grading = Pick<EvaluateSettings, 'grader' | 'grader_field'>;

/**
 * Grades again what an evaluation has left in a folder of its own.
 * @param given by what; without graders those that it has
 * @throws UserError for every other folder
 */
export const gradeAgain = (dir: string, given: Partial<Grading>): Promise<EvaluationSummary> =>
  withResultOf('evaluate', dir, () => {
    const { grader, grader_field } = given.grader ? given : { ...gradingOf(dir), ...given };
    return regrade(dir, grader!, grader_field);
  });

/** By what the folder's record says that an evaluation was graded. @throws UserError where it does not say */
function gradingOf(dir: string): Grading {
  const { data } = recordedGrading.safeParse(recordOf(dir)?.settings);
  if (data) return data;
  throw new UserError(
    `${dir} does not say by what it was graded: name all graders that it is to have with --grader, such as verify,rllm.`,
  );
}

const recordedGrading = z.object({ grader: graderSetting.unwrap(), grader_field: z.string().optional() });

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
