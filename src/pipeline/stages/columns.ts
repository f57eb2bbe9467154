/** @file The stage and command `columns`: numbers of every response's tokens, written into the rows. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { JsonLinesFile } from '../../data/jsonLinesFile.js';
import { modelInput } from '../../hub/resolve.js';
import { layouts } from '../../text/tokenRows.js';
import { columnKinds } from '../../train/columnKinds.js';
import { computeDtypes } from '../../util/computeDtype.js';
import { UserError } from '../../util/errors.js';
import { defineStage } from './stage.js';

const FILE = 'rows.jsonl';

export const columnSettings = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('what computes: a model directory, a .gguf file, or a name that `models get` has fetched'),
  data: z.string().min(1).describe('rows that `train` reads, of any shape'),
  as: z
    .string()
    .min(1)
    .describe("the column's name: behaviour, teacher, hindsight, contrast, or what an objective needs"),
  read: z
    .enum(columnKinds)
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
});

/** @throws UserError where settings do not go together, or a name is none */
function checkColumnSettings({
  as: name,
  read,
  contrast_with: other,
}: z.output<typeof columnSettings>): void {
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    throw new UserError('"as" names a column, with a word in small letters such as teacher or own_logps.');
  if (name === 'reference')
    throw new UserError(
      '"as" is reference, which `train` scores itself: name the model as its `reference`, or the column otherwise.',
    );
  if (read === 'contrast' && other === undefined)
    throw new UserError('"read" is contrast: name the model that is compared with in "contrast_with".');
  if (read !== 'contrast' && other !== undefined)
    throw new UserError('"contrast_with" is for a contrast: leave it out, or let "read" be contrast.');
}

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
  run: async (settings, { out, progress, signal }) => {
    checkColumnSettings(settings);
    const { addColumn } = await import('../../train/columns.js');
    const { token_budget: tokenBudget, contrast_with: contrastWith } = settings;
    using file = new JsonLinesFile(out);
    const rows = await addColumn({ ...settings, contrastWith, tokenBudget }, file, progress, signal);
    file.commit();
    return { rows, data: out };
  },
  describe: ({ rows, data }) => `${data}: ${rows} rows`,
});
