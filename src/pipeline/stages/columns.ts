/** @file The stage and command `columns`: numbers of every response's tokens, written into the rows. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { JsonLinesFile } from '../../data/jsonLinesFile.js';
import { modelInput } from '../../hub/resolve.js';
import { endpointKeys } from '../../teacher/settings.js';
import { layouts } from '../../text/tokenRows.js';
import { columnRead } from '../../train/columnKinds.js';
import { computeDtypes } from '../../util/computeDtype.js';
import { UserError } from '../../util/errors.js';
import { endpointOf } from './model.js';
import { defineStage } from './stage.js';

const FILE = 'rows.jsonl';

export const columnSettings = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe(
      "what computes: a model directory, an adapter, a .gguf file, or a name that `models get` has fetched; with base_url the model's name at the endpoint",
    ),
  base_url: z
    .string()
    .optional()
    .describe(
      'an endpoint that scores token ids (vLLM), such as http://127.0.0.1:8000/v1, or several of one model with commas between them, for logps and top-k; without it the model runs here',
    ),
  data: z.string().min(1).describe('rows that `train` reads, of any shape'),
  as: z
    .string()
    .min(1)
    .describe("the column's name: behaviour, teacher, hindsight, contrast, or what an objective needs"),
  read: z
    .string()
    .min(1)
    .default('logps')
    .describe(
      'logps, log-probs of the tokens; entropy of what was expected in their places; contrast, their probabilities under the contrast with another model; top-k, the likeliest tokens with their log-probs; or tokens with commas between them, such as yes,no, whose log-probs are read in every place',
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
  dtype: z.enum(computeDtypes).default('f32').describe('precision of a model that runs here'),
  device: z.string().default('cpu').describe('where a model runs here: cpu, cuda or cuda:N'),
  layout: z.enum(layouts).default('template').describe('how rows become tokens'),
  system: z.string().optional().describe('a system message for rows that have none, as in training'),
  token_budget: z.int().positive().default(2048).describe('tokens that go through the model at once'),
  api_key_env: z
    .string()
    .optional()
    .describe('environment variable with the key of the endpoint; without it OPENAI_API_KEY, if that is set'),
  ...endpointKeys(16),
});

/** @throws UserError where settings do not go together, or a name is none */
function checkColumnSettings(settings: z.output<typeof columnSettings>): void {
  const { as: name, contrast_with: other, base_url: url, tokenizer } = settings;
  const { read, named } = columnRead(settings.read);
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
  if (named.includes(''))
    throw new UserError('"read" has nothing on one side of a comma: tokens stand on both.');
  if (url === undefined) return;
  if (read !== 'logps' && read !== 'top-k')
    throw new UserError(
      `"base_url" is for logps and top-k: an endpoint tells no more than the likeliest tokens, so "read" ${settings.read} needs a model that runs here.`,
    );
  if (tokenizer === undefined)
    throw new UserError(
      '"base_url" needs a "tokenizer": the directory of the student, whose template and tokenizer make the tokens.',
    );
}

export const columnsStage = defineStage({
  summary: "Writes a column into rows: numbers of each response's tokens under a model.",
  schema: columnSettings,
  inputs: ({ model, base_url: url, data, contrast_with: other, tokenizer, context }) => [
    ...(url === undefined ? [modelInput(model)] : []),
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
    const { base_url: url, token_budget: tokenBudget, contrast_with: contrastWith } = settings;
    const endpoint =
      url === undefined ? undefined : await endpointOf({ ...settings, base_url: url }, progress);
    using file = new JsonLinesFile(out);
    const options = { ...settings, ...columnRead(settings.read), endpoint, contrastWith, tokenBudget };
    const rows = await addColumn(options, file, progress, signal);
    file.commit();
    return { rows, data: out };
  },
  describe: ({ rows, data }) => `${data}: ${rows} rows`,
});
