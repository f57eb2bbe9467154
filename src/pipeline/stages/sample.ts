import { join } from 'node:path';
import { writeJsonLines } from '../../data/jsonl.js';
import { answer, answerSettings } from './answer.js';
import { defineStage } from './stage.js';

/**
 * A model's own answers to problems, labelled by the known answers: one row a problem with `generations` and `correct`,
 * which the `traces` stage reads. An answer that was cut off is wrong.
 */
export const sampleStage = defineStage({
  schema: answerSettings,
  inputs: ({ problems }) => [problems.file],
  result: (_, dir) => join(dir, 'traces.jsonl'),
  run: async (config, context) => {
    const answered = await answer(config, context);
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
