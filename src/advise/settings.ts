/** @file Holds the settings of `advise`. */
import { z } from 'zod';
import { verdictSources } from '../curate/verdictSources.js';

const path = z.string().min(1);
const count = z.int().positive();

export const adviseSettings = z.strictObject({
  data: z
    .union([path, z.array(path).min(1)])
    .describe('files of trace rows with verdicts, of pairs, or of rows of sequences with rewards'),
  verdicts: z.enum(verdictSources).default('mv').describe('which verdicts make a trace right'),
  recipe: path
    .optional()
    .describe('a recipe of one training stage, whose objective, rate, batches and steps are meant'),
  alpha: z.number().min(-1).max(1).optional().describe('the weight of wrong samples; without it REDI’s 0.8'),
  lr: z.number().positive().optional().describe('the largest learning rate'),
  batch_size: count.optional().describe('pairs an optimizer step; without it 8'),
  epochs: z.number().positive().optional().describe('passes over the data; without it and max_steps, one'),
  max_steps: count.optional().describe('optimizer steps, instead of epochs'),
});
export type AdviseSettings = z.output<typeof adviseSettings>;
