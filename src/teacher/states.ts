import { z } from 'zod';
import type { Place } from './journal.js';
import type { TeacherProblem } from './problemRows.js';
import type { CollectSettings } from './settings.js';

/** A line of the journal: a trace that has been paid for. */
export const journalEntry = z.object({
  /** The problem's index among the usable rows of the problem file. */
  problem: z.int().nonnegative(),
  sample: z.int().nonnegative(),
  text: z.string(),
  finish_reason: z.string(),
  /** Null where the endpoint does not count. */
  prompt_tokens: z.number().nullable(),
  completion_tokens: z.number().nullable(),
  /** Against the row's answer. */
  verdict: z.object({
    correct: z.boolean(),
    reason: z.string(),
    stage: z.string(),
    extracted: z.string().nullable(),
  }),
  /** Against any of `reparsed_answers`, where the row has them; else as the verdict says. This one counts. */
  right: z.boolean(),
});
export type JournalEntry = z.infer<typeof journalEntry>;

/** What is there for one problem. */
export interface ProblemState extends TeacherProblem {
  /** Where its traces lie in the journal, by sample number; a sample that is missing has no place. */
  traces: (Place | undefined)[];
  right: number;
  /** Why this run gave it up. */
  failure?: string;
}

/** The number of the first trace that is still to be had, undefined where there is none. */
export function nextSample(
  { traces, right }: ProblemState,
  { samples, until_right: untilRight }: CollectSettings,
): number | undefined {
  if (untilRight && right > 0) return undefined;
  for (let sample = 0; sample < samples; sample++) if (!traces[sample]) return sample;
  return undefined;
}
