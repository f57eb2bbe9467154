/** @file What all who sample share: sequences of any kind are submitted at any time, decoded together, and cancelled. */
import type { Transformer } from '../models/transformer.js';
import { UserError } from '../util/errors.js';
import { Lane, type LaneOptions, type Step } from './lane.js';
import type { Sequence } from './sequence.js';

/**
 * Decodes the sequences that are submitted to it, as many at a time as it has rows, whatever their ways of sampling, rules and models
 * are. What a sequence draws depends on its prompt, its seed and its options; on its neighbours only as far as rounding in larger or
 * smaller matrix products does, and not at all with an exact model.
 */
export class Scheduler implements Disposable {
  readonly #lanes: ReadonlyMap<string | undefined, Lane>;

  /**
   * @param model draws the tokens of sequences that name no model
   * @param others models that have names: rules may hand a row over to them; their vocabulary is the same
   */
  constructor(
    model: Transformer,
    stopIds: readonly number[],
    options: LaneOptions,
    others: ReadonlyMap<string, Transformer> = new Map<string, Transformer>(),
  ) {
    const stops = new Set(stopIds);
    for (const [name, other] of others)
      if (other.config.vocabSize !== model.config.vocabSize)
        throw new UserError(
          `the model "${name}" has ${other.config.vocabSize} tokens and the first one ${model.config.vocabSize}: only models of one vocabulary decode a response together`,
        );
    const named = Array.from(
      others,
      ([name, other]) => [name, new Lane(name, other, stops, options)] as const,
    );
    this.#lanes = new Map<string | undefined, Lane>([
      [undefined, new Lane(undefined, model, stops, options)],
      ...named,
    ]);
  }

  /** Puts a sequence behind those that wait. @throws UserError where it names a model that is not here */
  submit(sequence: Sequence): void {
    this.#laneOf(sequence).waiting.push(sequence);
  }

  /** Forgets a sequence before the next tick; it is not among those that finish. */
  cancel(sequence: Sequence): void {
    sequence.cancelled = true;
  }

  get isIdle(): boolean {
    return this.#all.every(({ isIdle }) => isIdle);
  }

  /** Whether there are rows for further sequences and none waits for them. */
  get wantsMore(): boolean {
    return this.#all.some(({ wantsMore }) => wantsMore);
  }

  /** Sequences in batches, and those that wait. */
  get load(): { running: number; waiting: number } {
    const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
    return {
      running: sum(this.#all.map(({ running }) => running)),
      waiting: sum(this.#all.map(({ waiting }) => waiting.length)),
    };
  }

  /** Draws one token for the sequences of each model. @returns who got one, and who has ended */
  async tick(): Promise<{ advanced: readonly Sequence[]; finished: readonly Sequence[] }> {
    const steps: Step[] = [];
    for (const lane of this.#all) steps.push(await lane.step());
    const left = steps.flatMap(({ left }) => left);
    for (const sequence of left)
      if (sequence.finishReason === undefined) this.#laneOf(sequence).waiting.unshift(sequence);
    return {
      advanced: steps.flatMap(({ advanced }) => advanced),
      finished: left.filter(({ finishReason }) => finishReason !== undefined),
    };
  }

  get #all(): Lane[] {
    return [...this.#lanes.values()];
  }

  #laneOf({ model }: Sequence): Lane {
    const lane = this.#lanes.get(model);
    if (!lane)
      throw new UserError(
        `there is no model "${model}" to draw tokens with: a rule hands over to "helper", which --helper-model (sampling.helper_model) names`,
      );
    return lane;
  }

  [Symbol.dispose](): void {
    for (const lane of this.#all) lane[Symbol.dispose]();
  }
}
