import type { z } from 'zod';
import { answerProblems, type AnsweredProblem } from '../../evaluate/evaluate.js';
import type { Problem } from '../../data/problems.js';
import { openGenerator } from '../../generate/open.js';
import type { samplingSettings } from './problems.js';
import type { StageContext } from './stage.js';

interface AnswerSettings {
  model: string;
  dtype: 'f32' | 'bf16';
  device: string;
  sampling: z.output<typeof samplingSettings>;
}

/** Lets a stage's model answer problems, with progress. */
export async function answer(
  { model, dtype, device, sampling }: AnswerSettings,
  problems: readonly Problem[],
  { progress, signal }: StageContext,
): Promise<AnsweredProblem[]> {
  using opened = openGenerator(model, { dtype, device });
  const started = performance.now();
  const { max_new_tokens: maxNewTokens, top_p: topP, batch_size: batchSize, ...rest } = sampling;
  return await answerProblems(
    opened.generator,
    opened.tokenizer,
    problems,
    { ...rest, maxNewTokens, topP, ...(batchSize !== undefined && { batchSize }), signal },
    ({ finished, total, tokens }) => {
      const speed = Math.round(tokens / ((performance.now() - started) / 1000));
      progress.update(finished, total, `${speed} tokens/s`);
    },
  );
}
