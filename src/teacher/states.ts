/** @file What is known of each problem of a run: its journaled answers and whether it was given up. */
import { z } from 'zod';
import { isCutOff } from '../data/finishReasons.js';
import type { PlacedProblem, ProblemRow } from '../data/problems.js';
import type { Place } from './journal.js';
import type { Asked } from './promptFile.js';
import { requestId } from './requests.js';

/** An answer to a question. */
const turn = z.object({
  text: z.string(),
  finish_reason: z.string(),
  /** Null where the endpoint does not count. */
  prompt_tokens: z.number().nullable(),
  completion_tokens: z.number().nullable(),
  /** How it was drawn; absent in journals of earlier versions. */
  drawn: z
    .object({
      /** Of the response, made from that of the run. */
      seed: z.number(),
      /** Of what was sent: the messages or the text, and what the response begins with. */
      prompt_sha256: z.string(),
      /** Of a model that runs here. */
      dtype: z.string().optional(),
      batch_size: z.number().optional(),
    })
    .optional(),
  /** Present where a local model's tokens are kept. */
  tokens: z
    .object({
      prompt_ids: z.array(z.number()),
      ids: z.array(z.number()),
      logps: z.array(z.number()),
      forced: z.array(z.number()),
    })
    .optional(),
  /** Present where answers are verified as they arrive. */
  verdict: z
    .object({
      correct: z.boolean(),
      reason: z.string(),
      stage: z.string(),
      extracted: z.string().nullable(),
    })
    .optional(),
  /** Against any of the gold answers, where there are several; else as the verdict says. */
  reparsed: z.boolean().optional(),
});
export type Turn = z.infer<typeof turn>;

/** A line of the journal: an answer that was paid for, the last one where several questions were asked. */
export const journalEntry = turn.extend({
  id: requestId,
  earlier_turns: z.array(turn).optional(),
  /** What a grader said when the response came, for whoever looks on; what counts is found when all responses are there. */
  grade: z
    .object({
      by: z.string(),
      correct: z.boolean(),
      extracted: z.string().nullable(),
      reason: z.string().optional(),
    })
    .optional(),
});
export type JournalEntry = z.infer<typeof journalEntry>;

/** All answers of an entry, in the order of the questions. */
export const turnsOf = (entry: JournalEntry): Turn[] => [...(entry.earlier_turns ?? []), entry];

/** What is kept of a journaled answer. */
export const knownAnswer = (entry: JournalEntry, place: Place): KnownAnswer => ({
  place,
  tokens: turnsOf(entry)[0]!.completion_tokens ?? 0,
  right: isRight(entry),
});

/** Whether an answer counts as right: verified, and not cut off. */
export function isRight({ reparsed, finish_reason }: JournalEntry): boolean {
  return reparsed === true && !isCutOff(finish_reason);
}

/** A journaled answer. */
export interface KnownAnswer {
  place: Place;
  /** Tokens of the first response; 0 where they were not counted. */
  tokens: number;
  right: boolean;
}

/** What is there for one problem. */
export interface ProblemState extends PlacedProblem {
  /** What is sent, where the row or a prompt file says it; else the settings do. */
  asked?: Asked;
  /** What further questions are made of. */
  row?: ProblemRow;
  /** By sample number; a sample that is missing has none. */
  answers: (KnownAnswer | undefined)[];
  /** Why this run gave it up, and whether another run would as well. */
  failure?: { reason: string; permanent: boolean };
}

/** How many answers are wanted of each problem. */
export interface Wanted {
  /** At most. */
  samples: number;
  /** Until the first right one. */
  untilRight: boolean;
}

/** The number of the first answer that is still to be had, undefined where there is none. */
export function nextSample({ answers }: ProblemState, { samples, untilRight }: Wanted): number | undefined {
  if (untilRight && answers.some((answer) => answer?.right)) return undefined;
  for (let sample = 0; sample < samples; sample++) if (!answers[sample]) return sample;
  return undefined;
}
