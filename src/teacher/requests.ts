/** @file What is asked of a model and how it answers, whether it runs here or behind an endpoint. */
import { z } from 'zod';
import type { Asked } from './promptFile.js';
import type { Completion } from './reply.js';

/** Names a request of a run: the problem's place among the usable rows of its file, and the number of the sample. */
export const requestId = z.object({ problem: z.int().nonnegative(), sample: z.int().nonnegative() });
/** The turn is that of a conversation, from 0, which is left out. */
export type RequestId = z.infer<typeof requestId> & { turn?: number };

/** One answer to be had. */
export interface AnswerRequest extends Asked {
  id: RequestId;
  /** Set where an earlier run journaled the answer: its tokens, the one that ended it included. */
  answeredTokens?: number;
}

/** The requests of a run, as a sampler takes them. */
export interface RequestQueue {
  /** The next request; undefined where there is none at the moment: an answer may still bring one about. */
  next(): AnswerRequest | undefined;
  /** Takes an answer; resolves when it is on disk. What the answer brings about is in `next` at once. */
  answered(request: AnswerRequest, completion: Completion): Promise<void>;
  /**
   * Takes the reason why a request failed.
   * @param permanent it would fail again: the prompt does not fit the model, or is refused
   */
  failed(request: AnswerRequest, reason: string, permanent: boolean): void;
}

/** A model that answers requests, several at a time. */
export interface Sampler {
  /**
   * Whether what is drawn depends on which requests are answered together, as it does with a model that runs here, by
   * rounding in products of other shapes. Such a sampler is given the journaled requests as well, in their place, so
   * that a run that goes on draws what an undisturbed one would have drawn.
   */
  readonly replays: boolean;
  /**
   * Answers until the queue is empty.
   * @throws UserError where every request would fail; the signal's reason when it is aborted
   */
  run(queue: RequestQueue, signal: AbortSignal): Promise<void>;
}
