import { z } from 'zod';
import { answerProblems, type AnsweredProblem } from '../../evaluate/evaluate.js';
import { openGenerator } from '../../generate/open.js';
import { problemSelection, samplingSettings, selectProblems } from './problems.js';
import type { StageContext } from './stage.js';

/** The settings of stages in which a model answers problems. */
export const answerSettings = z.strictObject({
  model: z.string(),
  problems: problemSelection,
  sampling: samplingSettings,
  dtype: z.enum(['bf16', 'f32']).default('bf16'),
  device: z.string().default('cpu'),
});

/** Lets a stage's model answer problems, with progress. */
export async function answer(
  { model, dtype, device, sampling, problems }: z.output<typeof answerSettings>,
  { progress, signal }: StageContext,
): Promise<AnsweredProblem[]> {
  using opened = openGenerator(model, { dtype, device });
  const started = performance.now();
  const { max_new_tokens: maxNewTokens, top_p: topP, batch_size: batchSize, ...rest } = sampling;
  return await answerProblems(
    opened.generator,
    opened.tokenizer,
    selectProblems(problems),
    { ...rest, maxNewTokens, topP, ...(batchSize !== undefined && { batchSize }), signal },
    ({ finished, total, tokens }) => {
      const speed = Math.round(tokens / ((performance.now() - started) / 1000));
      progress.update(finished, total, `${speed} tokens/s`);
    },
  );
}
