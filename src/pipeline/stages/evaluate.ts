/** @file The stage and command `evaluate`: a model's responses to problems, graded and counted. */
import {
  describeEvaluation,
  evaluate,
  evaluateSettings,
  regrade,
  type EvaluateSettings,
} from '../../evaluate/evaluate.js';
import { readSamples } from '../../evaluate/samples.js';
import type { EvaluationSummary } from '../../evaluate/summary.js';
import { inLine } from '../../util/printable.js';
import { filesOfModule } from '../../util/modules.js';
import { withResultOf } from '../../util/ownFolder.js';
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

/** Grades again what an evaluation has left in a folder of its own. @throws UserError for every other folder */
export const gradeAgain = (
  dir: string,
  graders: EvaluateSettings['grader'],
  graderField?: string,
): Promise<EvaluationSummary> => withResultOf('evaluate', dir, () => regrade(dir, graders, graderField));

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
