/** @file One response in the making. Knows nothing of the batch that it is decoded in. */
import type { Random } from '../util/random.js';
import { encodeContinuation } from '../text/continuation.js';
import { Calculator } from './calculator.js';
import { PieceDecoder, type Codec } from './pieces.js';

export type FinishReason = 'stop' | 'length';

/** What a sequence is made with besides its prompt. */
export interface SequenceOptions {
  /** New tokens at most. */
  limit: number;
  /** Its own stream, so that its tokens do not depend on its neighbours in the batch. */
  random: Random;
  /** For calculator decoding. */
  codec?: Codec | undefined;
  /**
   * An earlier run drew this many tokens, and they are not needed again: the sequence only takes its place in the batch
   * for as long, so that its neighbours are computed in products of the same shapes.
   */
  replayedTokens?: number | undefined;
}

/** One response in the making. */
export class Sequence {
  readonly ids: number[] = [];
  /** The log-probs of `ids`, where a run keeps them. */
  readonly logps: number[] = [];
  finishReason: FinishReason | undefined;
  readonly replayed: boolean;
  readonly #limit: number;
  readonly #random: Random;
  readonly #calculation: { calculator: Calculator; pieces: PieceDecoder } | undefined;
  #forced: number[] = [];

  constructor(
    readonly promptIds: Int32Array,
    { limit, random, codec, replayedTokens }: SequenceOptions,
  ) {
    this.replayed = replayedTokens !== undefined;
    this.#limit = replayedTokens ?? limit;
    this.#random = random;
    this.#calculation = codec && { calculator: new Calculator(), pieces: new PieceDecoder(codec) };
  }

  /** What it goes on from: the prompt, and what there is of the response. */
  get tokens(): Int32Array {
    return this.ids.length === 0 ? this.promptIds : Int32Array.from([...this.promptIds, ...this.ids]);
  }

  /** The number at which the next token's distribution is inverted: uniform in [0, 1), a multiple of 2⁻⁵³. */
  draw(): number {
    return this.#random.nextFloat();
  }

  /** Appends the sampled token, or the one that the calculator wants instead. */
  async append(sampled: number, stopIds: ReadonlySet<number>): Promise<void> {
    const id = this.#forced.shift() ?? sampled;
    this.ids.push(id);
    if (stopIds.has(id) && !this.replayed) this.finishReason = 'stop';
    else if (this.ids.length >= this.#limit) this.finishReason = 'length';
    else if (this.#calculation && !this.replayed) {
      const { calculator, pieces } = this.#calculation;
      const result = calculator.push(pieces.push(id));
      if (result !== undefined) this.#forced = [...(await encodeContinuation(pieces.codec, result))];
    }
  }
}
