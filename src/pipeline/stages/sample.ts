import { join } from 'node:path';
import { z } from 'zod';
import { writeJsonLines } from '../../data/jsonl.js';
import { answer } from './answer.js';
import { problemSelection, samplingSettings, selectProblems } from './problems.js';
import { defineStage } from './stage.js';

/**
 * A model's own answers to problems, labelled by the known answers: one row a problem with `generations` and `correct`,
 * which the `traces` stage reads. An answer that was cut off is wrong.
 */
export const sampleStage = defineStage({
  schema: z.strictObject({
    model: z.string(),
    problems: problemSelection,
    sampling: samplingSettings,
    dtype: z.enum(['bf16', 'f32']).default('bf16'),
    device: z.string().default('cpu'),
  }),
  inputs: ({ problems }) => [problems.file],
  result: (_, dir) => join(dir, 'traces.jsonl'),
  run: async (config, context) => {
    const answered = await answer(config, selectProblems(config.problems), context);
    const rows = answered.map(({ id, problem, answer: gold, original_index, samples }) => ({
      id,
      problem,
      answer: gold,
      generations: samples.map(({ text }) => text),
      correct: samples.map(({ correct, finishReason }) => correct && finishReason === 'stop'),
      original_index,
    }));
    writeJsonLines(join(context.dir, 'traces.jsonl'), rows);
    const right = rows.reduce((sum, { correct }) => sum + correct.filter(Boolean).length, 0);
    const all = rows.reduce((sum, { correct }) => sum + correct.length, 0);
    context.progress.log(`${right} of ${all} answers are right`);
  },
});
