/** @file The keys of a training stage that say how it is watched while it trains. Reads no files. */
import { z } from 'zod';
import { answerKeys, evaluateDefaults } from '../../teacher/settings.js';
import { graderNames } from '../../verify/graders/index.js';

const count = z.int().positive();

const every = count
  .default(100)
  .describe('steps between two measurements; there is one before the first step and one after the last too');

const evaluation = z
  .strictObject({
    data: z.string().min(1).optional().describe('rows like those of "data" that are not trained on'),
    rows: count
      .optional()
      .describe('instead of data: so many rows, or pairs, of "data" are held out, drawn by the seed'),
    every,
  })
  .refine(({ data, rows }) => (data === undefined) !== (rows === undefined), {
    path: ['data'],
    message: 'give data, a file of rows, or rows, how many of the training rows are held out',
  });

const { data, problem_field, answer_field, shuffle, skip, count: problems } = answerKeys(evaluateDefaults);
const { system, instruction, batch_size, sampling } = answerKeys(evaluateDefaults);

const development = z.strictObject({
  ...{ data, problem_field, answer_field, shuffle, skip, count: problems, system, instruction, batch_size },
  sampling: sampling
    .unwrap()
    .omit({ extra_body: true, keep_tokens: true, helper_model: true })
    .prefault({})
    .describe('how a response is drawn'),
  grader: z.enum(graderNames).default('verify').describe('who says what is right'),
  every,
});

const best = z.strictObject({
  metric: z
    .string()
    .regex(/^eval_/, 'must be a metric of "evaluation" or "development", such as eval_loss or eval_accuracy')
    .describe(
      'what is compared, such as eval_accuracy; of a loss, of what was cut off and of repetition less is better',
    ),
  patience: count
    .optional()
    .describe(
      'end the run after so many measurements in a row that were no better; without it the run goes on to its end',
    ),
});

export const sentinelActs = ['warn', 'stop', 'rollback', 'off'] as const;

const sentinel = z.strictObject({
  act: z
    .enum(sentinelActs)
    .default('warn')
    .describe(
      'what happens where the model collapses: it is said, the run stops, or it ends with the weights of the last look that was healthy, and an error where there is none',
    ),
  every: every.describe('steps between two looks at small samples; log-probs are looked at in every step'),
});

export const watchKeys = {
  evaluation: evaluation.optional().describe('loss and log-probs on rows that are not trained on'),
  development: development
    .optional()
    .describe('accuracy of sampled responses to problems with known answers'),
  best: best
    .optional()
    .describe('keep the best weights in the folder "best", which is then what later stages take'),
  sentinel: sentinel
    .prefault({})
    .describe('tells a healthy run, the benign decline of both sides and collapse apart'),
};

/** @returns what is wrong with keys that do not go together, if anything */
export function watchFault({ best, evaluation, development }: WatchSettings): string | undefined {
  if (!best || evaluation || development) return undefined;
  return 'needs "evaluation" or "development", whose metrics it goes by';
}

export type WatchSettings = z.output<z.ZodObject<typeof watchKeys>>;
export type EvaluationSettings = z.output<typeof evaluation>;
export type DevelopmentSettings = z.output<typeof development>;
export type SentinelSettings = z.output<typeof sentinel>;
