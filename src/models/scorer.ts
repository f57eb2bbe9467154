/** @file Scores rows under a model: log-probs of their responses, without a backward pass. */
import type { TokenRow } from '../text/tokenRows.js';
import { noGrad } from '../torch/autograd.js';
import * as ops from '../torch/ops.js';
import { scope } from '../torch/tensor.js';
import { exactLogps } from './arithmetic.js';
import { ChunkedHead } from './head.js';
import { packSequences } from './pack.js';
import { locateResponses, perRow } from './responses.js';
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
    return scope(() =>
      noGrad(() => {
        const pack = packSequences(
          model,
          rows.map((row) => row.ids),
        );
        const responses = locateResponses(rows, model.device);
        const stream = model.stream(pack.ids, pack.context);
        const final = model.finalNorm(ops.indexSelect(stream, 0, responses.positions));
        const logps = model.isExact
          ? exactLogps(final, model.head, responses.targets)
          : this.#head.logps(final, responses.targets);
        return perRow(logps, responses.lengths);
      }),
    );
  }

  [Symbol.dispose](): void {
    if (this.#owns) this.#head[Symbol.dispose]();
  }
}
