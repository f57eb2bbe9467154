/** @file Scores rows under a model: log-probs of their responses, without a backward pass. */
import type { TokenRow } from '../text/tokenRows.js';
import { noGrad } from '../torch/autograd.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { exactLogps } from './arithmetic.js';
import { ChunkedHead } from './head.js';
import { packSequences } from './pack.js';
import { readings, readsOfRows, type Reading } from './reads.js';
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

  /** Computes log-probs of the response tokens and of columns of token ids, by their names. */
  read(rows: readonly TokenRow[], columns: readonly string[]): Reading[] {
    return this.#predict(rows, (final, responses) => this.#readings(final, rows, responses, columns));
  }

  /** The same, and the entropy in nats of what the model expected in each token's place. */
  scoreWithEntropy(
    rows: readonly TokenRow[],
    columns: readonly string[] = [],
  ): (Reading & { entropies: Float64Array })[] {
    return this.#predict(rows, (final, responses) => {
      const found = this.#readings(final, rows, responses, columns);
      const entropies = perRow(this.#head.entropies(final), responses.lengths);
      return found.map((reading, i) => ({ ...reading, entropies: entropies[i]! }));
    });
  }

  #readings(
    final: Tensor,
    rows: readonly TokenRow[],
    responses: Responses,
    columns: readonly string[],
  ): Reading[] {
    if (columns.length > 0)
      return readings(this.#head, final, responses, readsOfRows(rows, columns, this.model));
    const logps = perRow(this.#head.logps(final, responses.targets), responses.lengths);
    return logps.map((own) => ({ logps: own, reads: {} }));
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
