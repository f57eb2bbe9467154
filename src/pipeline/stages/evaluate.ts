import { writeEvaluation } from '../../evaluate/evaluate.js';
import { answer, answerSettings } from './answer.js';
import { defineStage } from './stage.js';

/** Sample answers that are shown; the rest is in samples.jsonl. */
const SHOWN = 2;

/** pass@1 of a model on problems with numeric answers; the result is a directory with samples.jsonl and summary.json. */
export const evaluateStage = defineStage({
  schema: answerSettings,
  inputs: ({ problems }) => [problems.file],
  result: (_, dir) => dir,
  run: async (config, context) => {
    const answered = await answer(config, context);
    const { passAt1, standardError, problems, truncated } = writeEvaluation(context.dir, answered);
    for (const { problem, answer: gold, samples } of answered.slice(0, SHOWN)) {
      const [sample] = samples;
      const text = sample!.text.trim().replace(/\s*\n\s*/g, ' ⏎ ');
      context.progress.log(
        `  Q: ${problem}\n  A: ${text}  (${sample!.correct ? 'right' : `wrong: ${gold}`})`,
      );
    }
    const percent = (x: number) => (100 * x).toFixed(1);
    context.progress.log(
      `pass@1 ${percent(passAt1)} ± ${percent(standardError)} % on ${problems} problems, ${percent(truncated)} % cut off`,
    );
  },
});
