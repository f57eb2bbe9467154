/** @file The stage and command `doctor`: what would spoil training, row by row. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Examination } from '../../doctor/examine.js';
import { KEPT_FILE, KEPT_ROWS, keptRow } from '../../doctor/kept.js';
import { errorsOf, printSummary } from '../../doctor/print.js';
import { modelInput, resolveModel } from '../../hub/resolve.js';
import { hasErrors } from '../../doctor/summary.js';
import { FileReplacement, replaceTogether } from '../../util/files.js';
import { modelOverrides } from '../../models/overrides.js';
import { layouts } from '../../text/tokenRows.js';
import type { Progress } from '../../util/progress.js';
import { defineStage } from './stage.js';

export const doctorSettings = z.strictObject({
  data: z
    .string()
    .min(1)
    .describe('training rows: JSON lines of messages, or of prompt, chosen and rejected'),
  model: z
    .string()
    .min(1)
    .describe(
      'the student: a model directory, an adapter, a .gguf file, or a name that `models get` has fetched',
    ),
  model_overrides: modelOverrides
    .optional()
    .describe('settings of its config.json that training will change'),
  layout: z.enum(layouts).default('template').describe('how rows become tokens'),
  system: z.string().optional().describe('a system message for rows that have none, as in training'),
  max_length: z
    .union([z.int().positive(), z.array(z.int().positive()).min(1)])
    .optional()
    .describe('tokens a row may have; the largest is the limit; without it what the model can take'),
  against: z
    .union([z.string(), z.array(z.string())])
    .default([])
    .describe('problems that the student will be examined with: JSON lines or arrays, Parquet'),
});
export type DoctorSettings = z.output<typeof doctorSettings>;

export const doctorStage = defineStage({
  summary: 'Looks for what would spoil training: a verdict for every row, with the student’s tokenizer.',
  schema: doctorSettings,
  inputs: ({ data, model, against }) => [data, modelInput(model), ...[against].flat()],
  writes: ['verdicts.jsonl', KEPT_FILE, 'summary.json'],
  result: (_, dir) => dir,
  run: async (settings, { out, progress, signal }) => {
    const path = join(out, 'summary.json');
    using verdicts = new FileReplacement(join(out, 'verdicts.jsonl'));
    using kept = new FileReplacement(join(out, KEPT_FILE));
    const { summary, shown } = await examineFile(settings, { verdicts, show: KEPT_ROWS }, progress, signal);
    for (const row of shown) kept.write(`${JSON.stringify(keptRow(row))}\n`);
    using account = new FileReplacement(path);
    account.write(`${JSON.stringify(summary, null, 2)}\n`);
    replaceTogether([verdicts, kept, account], [path]);
    if (hasErrors(summary)) progress.log(printSummary(summary).trimEnd());
    requireHealthy(settings, summary);
    return summary;
  },
  describe: (summary) => printSummary(summary).trimEnd(),
});

/** @param outputs what the verdicts are written to, which is left open, and how many rows are kept for a view */
export async function examineFile(
  { data, model, model_overrides: overrides, layout, system, max_length: limits, against }: DoctorSettings,
  { verdicts, show = 0 }: { verdicts?: FileReplacement | undefined; show?: number },
  progress: Progress,
  signal: AbortSignal,
): Promise<Examination> {
  const { loadEvaluationSets } = await import('../../curate/decontaminate.js');
  const { examine } = await import('../../doctor/examine.js');
  const { openStudent } = await import('../../train/preflight.js');
  return examine(
    data,
    {
      student: openStudent(
        await resolveModel(model, progress),
        { layout, ...(system !== undefined && { system }) },
        overrides,
      ),
      ...(limits !== undefined && { limits: [limits].flat() }),
      against: await loadEvaluationSets([against].flat()),
      show,
      onVerdict: (verdict) => verdicts?.write(`${JSON.stringify(verdict)}\n`),
      signal,
    },
    progress,
  );
}

/** @throws Error where training on the rows would be spoilt */
export function requireHealthy({ data }: DoctorSettings, summary: Examination['summary']): void {
  if (hasErrors(summary))
    throw new Error(`${data}: training on these rows would be spoilt: ${errorsOf(summary)}`);
}
