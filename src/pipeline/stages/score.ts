/** @file The stage and command `score`: log-probs of responses. */
import { join } from 'node:path';
import { z } from 'zod';
import { JsonLinesFile } from '../../data/jsonLinesFile.js';
import { modelInput } from '../../hub/resolve.js';
import { layouts } from '../../text/tokenRows.js';
import { computeDtypes } from '../../util/computeDtype.js';
import { defineStage } from './stage.js';

const FILE = 'scores.jsonl';

export const scoreSettings = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('a model directory, an adapter, a .gguf file, or a name that `models get` has fetched'),
  data: z.string().min(1).describe('JSON lines of messages, or of prompt, chosen and rejected'),
  dtype: z.enum(computeDtypes).default('f32').describe('precision'),
  device: z.string().default('cpu').describe('cpu, cuda or cuda:N'),
  layout: z.enum(layouts).default('template').describe('how rows become tokens'),
  system: z.string().optional().describe('a system message for rows that have none, as in training'),
  tokens: z.boolean().default(false).describe("add the response's ids and the log-prob of each"),
  exact: z
    .boolean()
    .default(false)
    .describe('log-probs that do not depend on the other rows, to the last bit; f32 on the CPU, and slow'),
  token_budget: z.int().positive().default(2048).describe('tokens that go through the model at once'),
});

export const scoreStage = defineStage({
  summary: "Log-probabilities of each row's response: tokens, sum and mean, natural logarithms.",
  schema: scoreSettings,
  inputs: ({ model, data }) => [modelInput(model), data],
  file: FILE,
  writes: [FILE],
  result: (_, dir) => join(dir, FILE),
  run: async ({ token_budget: tokenBudget, ...settings }, { out, progress, signal }) => {
    const { scoreFile } = await import('../../train/score.js');
    using file = new JsonLinesFile(out);
    const rows = await scoreFile({ ...settings, tokenBudget }, progress, signal);
    for (const row of rows) file.write(row);
    file.commit();
    return { rows: rows.length, scores: out };
  },
  describe: ({ rows, scores }) => `${scores}: ${rows} rows`,
});
