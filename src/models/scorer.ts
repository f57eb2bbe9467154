/** @file Scores rows under a model: log-probs of their responses, without a backward pass. */
import type { TokenRow } from '../text/tokenRows.js';
import { noGrad } from '../torch/autograd.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { exactLogps } from './arithmetic.js';
import { ChunkedHead } from './head.js';
import { packSequences } from './pack.js';
import { locateResponses, perRow, type Responses } from './responses.js';
import type { Transformer } from './transformer.js';

/** Computes log-probs of rows; nothing is recorded for a backward. */
export class Scorer implements Disposable {
  readonly #head: ChunkedHead;
  readonly #owns: boolean;

  /** @param head the model's, where somebody has it already */
  constructor(
    readonly model: Transformer,
    head?: ChunkedHead,
  ) {
    this.#head = head ?? new ChunkedHead(model.head);
    this.#owns = head === undefined;
  }

  /** Computes natural log-probs of the response tokens, one array per row. */
  score(rows: readonly TokenRow[]): Float64Array[] {
    const { model } = this;
    return this.#predict(rows, (final, { targets, lengths }) => {
      const logps = model.isExact ? exactLogps(final, model.head, targets) : this.#head.logps(final, targets);
      return perRow(logps, lengths);
    });
  }

  /** The same, and the entropy in nats of what the model expected in each token's place. */
  scoreWithEntropy(rows: readonly TokenRow[]): { logps: Float64Array; entropies: Float64Array }[] {
    return this.#predict(rows, (final, { targets, lengths }) => {
      const logps = perRow(this.#head.logps(final, targets), lengths);
      const entropies = perRow(this.#head.entropies(final), lengths);
      return logps.map((row, i) => ({ logps: row, entropies: entropies[i]! }));
    });
  }

  /** Runs the rows as one pack up to the head, which gets the states that predict responses. */
  #predict<T>(rows: readonly TokenRow[], use: (final: Tensor, responses: Responses) => T): T {
    const { model } = this;
    return scope(() =>
      noGrad(() => {
        const pack = packSequences(
          model,
          rows.map((row) => row.ids),
        );
        const responses = locateResponses(rows, model.device);
        const stream = model.stream(pack.ids, pack.context);
        return use(model.finalNorm(ops.indexSelect(stream, 0, responses.positions)), responses);
      }),
    );
  }

  [Symbol.dispose](): void {
    if (this.#owns) this.#head[Symbol.dispose]();
  }
}
