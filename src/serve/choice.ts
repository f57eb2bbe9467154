/** @file A response of a request as it grows: what of it may be shown already, and what has been. */
import type { Generator } from '../generate/generator.js';
import type { FinishReason, Sequence } from '../generate/sequence.js';
import { endThatBegins } from './thinking.js';

/** What has come since the last time. */
export interface Delta {
  text: string;
  /** Tokens from the first of these to before the second; what a stop text or an unfinished character holds back has its tokens in it. */
  tokens: readonly [from: number, to: number];
  /** Set with the last one. */
  finishReason: FinishReason | undefined;
}

/** One response and how far its client has it. */
export class Choice {
  #characters = 0;
  #tokens = 0;
  #isTaken = false;

  /**
   * @param index its place in the request
   * @param prompt the place of its prompt in the request
   * @param stops texts that end it, of which no part may be shown
   */
  constructor(
    readonly index: number,
    readonly prompt: number,
    readonly sequence: Sequence,
    readonly generator: Pick<Generator, 'complete'>,
    readonly stops: readonly string[],
  ) {
    sequence.follow();
  }

  /** Whether all of it has been taken. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** What there is to show that was not taken before; undefined where nothing is. */
  take(): Delta | undefined {
    const { sequence, stops } = this;
    const { finishReason } = sequence;
    if (this.#isTaken) return undefined;
    const text = finishReason === undefined ? sequence.text : this.generator.complete(sequence).text;
    const end = finishReason === undefined ? text.length - endThatBegins(text, stops) : text.length;
    if (end <= this.#characters && finishReason === undefined) return undefined;
    const delta: Delta = {
      text: text.slice(this.#characters, Math.max(end, this.#characters)),
      tokens: [this.#tokens, sequence.ids.length],
      finishReason,
    };
    this.#characters = Math.max(end, this.#characters);
    this.#tokens = sequence.ids.length;
    this.#isTaken = finishReason !== undefined;
    return delta;
  }
}
