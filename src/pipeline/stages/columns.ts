/** @file The stage and command `columns`: numbers of every response's tokens, written into the rows. */
import { join } from 'node:path';
import { z } from 'zod';
import { JsonLinesFile } from '../../data/jsonLinesFile.js';
import { modelInput } from '../../hub/resolve.js';
import { layouts } from '../../text/tokenRows.js';
import { computeDtypes } from '../../util/computeDtype.js';
import { existsSync } from 'node:fs';
import { defineStage } from './stage.js';

const FILE = 'rows.jsonl';
const kinds = ['logps', 'entropy', 'contrast', 'top-k'] as const;

export const columnSettings = z
  .strictObject({
    model: z
      .string()
      .min(1)
      .describe('what computes: a model directory, a .gguf file, or a name that `models get` has fetched'),
    data: z.string().min(1).describe('rows that `train` reads, of any shape'),
    as: z
      .string()
      .regex(/^[a-z][a-z0-9_]*$/, 'must be a word in small letters')
      .refine(
        (name) => name !== 'reference',
        'is scored by `train` itself: name the model as its `reference`',
      )
      .describe("the column's name: behaviour, teacher, hindsight, contrast, or what an objective needs"),
    read: z
      .enum(kinds)
      .default('logps')
      .describe(
        'log-probs of the tokens; entropies of what was expected in their places; their probabilities under the contrast with another model; or the likeliest tokens with their log-probs',
      ),
    contrast_with: z.string().min(1).optional().describe('of a contrast: the model of wrong traces'),
    strength: z
      .number()
      .min(0)
      .default(1)
      .describe('of a contrast: b in softmax((1 + b)·z − b·z of the other)'),
    k: z.int().min(1).max(1024).default(20).describe('of top-k: tokens in each place'),
    context: z
      .string()
      .min(1)
      .optional()
      .describe(
        '`hindsight`, or a file of Jinja that writes another prompt, under which the same tokens are scored',
      ),
    tokenizer: z
      .string()
      .min(1)
      .optional()
      .describe('the student, if another model computes: its template and tokenizer make the tokens'),
    dtype: z.enum(computeDtypes).default('f32').describe('precision'),
    device: z.string().default('cpu').describe('cpu, cuda or cuda:N'),
    layout: z.enum(layouts).default('template').describe('how rows become tokens'),
    system: z.string().optional().describe('a system message for rows that have none, as in training'),
    token_budget: z.int().positive().default(2048).describe('tokens that go through the model at once'),
  })
  .refine(({ read, contrast_with: other }) => (read === 'contrast') === (other !== undefined), {
    message: 'read contrast needs a model to compare with, and nothing else does',
    path: ['contrast_with'],
  });

export const columnsStage = defineStage({
  summary: "Writes a column into rows: numbers of each response's tokens under a model.",
  schema: columnSettings,
  inputs: ({ model, data, contrast_with: other, tokenizer, context }) => [
    modelInput(model),
    data,
    ...(other === undefined ? [] : [modelInput(other)]),
    ...(tokenizer === undefined ? [] : [modelInput(tokenizer)]),
    ...(context !== undefined && existsSync(context) ? [context] : []),
  ],
  file: FILE,
  writes: [FILE],
  result: (_, dir) => join(dir, FILE),
  run: async (
    { token_budget: tokenBudget, contrast_with: contrastWith, ...settings },
    { out, progress, signal },
  ) => {
    const { addColumn } = await import('../../train/columns.js');
    using file = new JsonLinesFile(out);
    const rows = await addColumn({ ...settings, contrastWith, tokenBudget }, file, progress, signal);
    file.commit();
    return { rows, data: out };
  },
  describe: ({ rows, data }) => `${data}: ${rows} rows`,
});
