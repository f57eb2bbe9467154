/** @file Defines a piece of a response that may be its answer. */

/** A piece of a response that may be its answer. `rank` orders the kinds, `end` the pieces of one kind. */
export interface AnswerCandidate {
  readonly content: string;
  readonly rank: number;
  readonly start: number;
  readonly end: number;
  /** Whether no other piece is taken where this one cannot be read: it is what the text says. */
  readonly isMore?: boolean;
}
