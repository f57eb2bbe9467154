import type { Random } from '../util/random.js';
import { Calculator } from './calculator.js';
import { encodeContinuation, PieceDecoder, type Codec } from './pieces.js';
import { drawUniform } from './sampling.js';

export type FinishReason = 'stop' | 'length';

/** One answer in the making. */
export class Sequence {
  readonly ids: number[] = [];
  finishReason: FinishReason | undefined;
  readonly #random: Random;
  readonly #calculation: { calculator: Calculator; pieces: PieceDecoder } | undefined;
  #forced: number[] = [];

  constructor(
    readonly promptIds: Int32Array,
    readonly limit: number,
    /** Its own stream, so that its tokens do not depend on its neighbours in the batch. */
    random: Random,
    /** For calculator decoding. */
    codec?: Codec,
  ) {
    this.#random = random;
    this.#calculation = codec && { calculator: new Calculator(), pieces: new PieceDecoder(codec) };
  }

  /** The number at which the next token's distribution is inverted. */
  draw(): number {
    return drawUniform(this.#random);
  }

  /** Appends the sampled token, or the one that the calculator wants instead. */
  async append(sampled: number, stopIds: ReadonlySet<number>): Promise<void> {
    const id = this.#forced.shift() ?? sampled;
    this.ids.push(id);
    if (stopIds.has(id)) this.finishReason = 'stop';
    else if (this.ids.length >= this.limit) this.finishReason = 'length';
    else if (this.#calculation) {
      const { calculator, pieces } = this.#calculation;
      const result = calculator.push(pieces.push(id));
      if (result !== undefined) this.#forced = [...(await encodeContinuation(pieces.codec, result))];
    }
  }
}
