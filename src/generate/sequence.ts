/** @file One response in the making, and what rules do with it. Knows nothing of the batch that it is decoded in. */
import { encodeContinuation } from '../text/continuation.js';
import { UserError } from '../util/errors.js';
import { deriveSeed, Random } from '../util/random.js';
import { PieceDecoder, type Codec } from './pieces.js';
import type { Action, Forced, Look, RowRule, RowState, Rule } from './rules/rule.js';
import { checkSampling, type SamplingOptions } from './sampling.js';

export type FinishReason = 'stop' | 'length';

/** What is kept of every token besides its id. */
export interface Keep {
  /** Its log-prob at temperature 1. */
  logps?: boolean;
  /** The entropy of the distribution that it was drawn from, in nats at temperature 1. */
  entropies?: boolean;
  /** So many of the likeliest tokens in its place, with their log-probs. */
  top?: number;
}

/** The likeliest tokens in a place, the likeliest first. */
export interface TopTokens {
  ids: Int32Array;
  logps: Float64Array;
}

/** What a sequence is made with besides its prompt. */
export interface SequenceOptions {
  /** New tokens at most. */
  limit: number;
  /** Positions that the model has after the prompt; `limit` where nobody says. */
  room?: number;
  sampling: SamplingOptions;
  /** Of its own stream, so that its tokens do not depend on its neighbours in the batch. */
  seed: number;
  codec: Codec;
  /** Tokens that the model has; without it whatever a rule names is taken for one. */
  vocabSize?: number;
  /** The text at the prompt's end that the response begins with. */
  begun?: string | undefined;
  rules?: readonly Rule[];
  keep?: Keep;
  /** The model that draws its tokens, where there are several. */
  model?: string | undefined;
  /** Tokens that the response begins with; they are forced. */
  prefix?: Int32Array;
  /**
   * An earlier run drew this many tokens, and they are not needed again: the sequence only takes its place in the batch
   * for as long, so that its neighbours are computed in products of the same shapes.
   */
  replayedTokens?: number | undefined;
}

/** A response whose rules take back and look ahead takes no more steps than so many times its limit. */
const MOST_STEPS = 4;

/** What was measured of a token in its place, where the sequence `isRead`. */
export interface Measured {
  logp: number;
  entropy: number;
  top?: TopTokens;
}

/** A row that goes on for a while and forgets it. */
interface Excursion {
  /** Tokens of the response that stay. */
  from: number;
  /** Tokens still to come. */
  left: number;
  read: readonly number[];
  then: (seen: Look) => Action | undefined;
  random: Random;
  /** The rule that looks. */
  rule: string;
}

/** One response in the making. */
export class Sequence implements RowState {
  readonly ids: number[] = [];
  /** 1 for each of `ids` that was put in and not drawn. */
  readonly forced: number[] = [];
  /** Of each of `ids` where they are kept; NaN where no distribution was computed for it. */
  readonly logps: number[] = [];
  readonly entropies: number[] = [];
  readonly top: TopTokens[] = [];
  text = '';
  piece = '';
  finishReason: FinishReason | undefined;
  /** The rule that ended it. */
  endedBy: string | undefined;
  /** Characters of the text that count. */
  kept: number | undefined;
  /** Nobody waits for it any more. */
  cancelled = false;
  readonly replayed: boolean;
  readonly sampling: SamplingOptions;
  readonly keep: Keep;
  /** The model that draws its next token; undefined is the first. */
  model: string | undefined;
  readonly #home: string | undefined;
  /** Tokens that the other model still draws. */
  #away = 0;
  readonly #limit: number;
  readonly #room: number;
  readonly #vocabSize: number;
  readonly #codec: Codec;
  readonly #random: Random;
  readonly #seed: number;
  readonly #rules: readonly { name: string; row: RowRule }[];
  readonly #reads: boolean;
  #pieces: PieceDecoder | undefined;
  #queue: number[] = [];
  #excursion: Excursion | undefined;
  #excursions = 0;
  #steps = 0;

  /** @throws UserError for a way of sampling that is not possible */
  constructor(
    readonly promptIds: Int32Array,
    { limit, room = limit, seed, codec, replayedTokens, rules = [], prefix, ...rest }: SequenceOptions,
  ) {
    const { begun = '', vocabSize = Infinity } = rest;
    checkSampling(rest.sampling);
    this.sampling = rest.sampling;
    this.keep = rest.keep ?? {};
    this.model = this.#home = rest.model;
    this.replayed = replayedTokens !== undefined;
    this.#limit = replayedTokens ?? limit;
    this.#room = room;
    this.#vocabSize = vocabSize;
    this.#codec = codec;
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#reads = rules.some(({ reads }) => reads);
    this.#rules = this.replayed
      ? []
      : rules.map((rule, i) => ({
          name: rule.name,
          row: rule.begin({
            ...{ promptIds, begun, limit, codec },
            random: new Random(deriveSeed(seed, 'rule', i)),
          }),
        }));
    if (this.#rules.length > 0) this.#pieces = new PieceDecoder(codec);
    for (const id of prefix ?? []) this.#push(id, true);
  }

  /** What it goes on from: the prompt, and what there is of the response. */
  get tokens(): Int32Array {
    return this.ids.length === 0 ? this.promptIds : Int32Array.from([...this.promptIds, ...this.ids]);
  }

  /** The number of `tokens`. */
  get length(): number {
    return this.promptIds.length + this.ids.length;
  }

  get newest(): number {
    return this.ids.at(-1) ?? this.promptIds.at(-1)!;
  }

  get logp(): number | undefined {
    return this.logps.at(-1);
  }

  get entropy(): number | undefined {
    return this.entropies.at(-1);
  }

  /** Whether log-probs and entropies of its tokens are computed. */
  get isRead(): boolean {
    const { logps, entropies, top } = this.keep;
    return !this.replayed && (this.#reads || logps === true || entropies === true || top !== undefined);
  }

  /** Whether that takes the whole distribution, and not its own log-prob alone. */
  get needsDistribution(): boolean {
    return this.#reads || this.keep.entropies === true || this.keep.top !== undefined;
  }

  /** Keeps the text of its tokens from now on, for who shows it as it grows. */
  follow(): void {
    this.#pieces ??= new PieceDecoder(this.#codec);
  }

  /** The number at which the next token's distribution is inverted: uniform in [0, 1), a multiple of 2⁻⁵³. */
  draw(): number {
    return (this.#excursion?.random ?? this.#random).nextFloat();
  }

  /**
   * What is added to the logits of the next token; undefined where nothing is.
   * @throws UserError for a token that the model has not, for what is no number, and where no token is left
   */
  bias(): Map<number, number> | undefined {
    if (this.#queue.length > 0) return undefined;
    let sum: Map<number, number> | undefined;
    for (const { name, row } of this.#rules) {
      const bias = row.bias?.(this);
      if (!bias) continue;
      sum ??= new Map<number, number>();
      for (const [id, value] of bias) {
        this.#requireTokens([id], name);
        if (typeof value !== 'number' || Number.isNaN(value) || value === Infinity)
          throw new UserError(`the rule "${name}" adds ${String(value)} to the logit of the token ${id}`);
        sum.set(id, (sum.get(id) ?? 0) + value);
      }
    }
    if (sum && sum.size >= this.#vocabSize && [...sum.values()].every((value) => value === -Infinity))
      throw new UserError('the rules forbid every token');
    return sum;
  }

  /** @throws UserError for one that the model has not, of which it would read the numbers of something else */
  #requireTokens(ids: Iterable<number>, rule: string): void {
    for (const id of ids)
      if (!Number.isInteger(id) || id < 0 || id >= this.#vocabSize)
        throw new UserError(
          `the rule "${rule}" names the token ${typeof id === 'string' ? JSON.stringify(id) : String(id)}, and the model has the tokens 0 to ${this.#vocabSize - 1}`,
        );
  }

  /** The token that comes next whatever is drawn. */
  get next(): number | undefined {
    return this.#queue[0];
  }

  /** The tokens whose log-probs as the next one are asked for: a look ahead is at its end, and no token is taken. */
  get reading(): readonly number[] | undefined {
    return this.#excursion?.left === 0 ? this.#excursion.read : undefined;
  }

  /**
   * Takes the next token: the one that was drawn, or the one that is forced; and lets the rules act.
   * @param measured of that token
   */
  async advance(drawn: number, stopIds: ReadonlySet<number>, measured?: Measured): Promise<void> {
    this.#steps++;
    const isForced = this.#queue.length > 0;
    const id = this.#queue.shift() ?? drawn;
    this.#push(id, isForced, measured);
    if (this.#excursion) {
      this.#excursion.left = stopIds.has(id) ? 0 : this.#excursion.left - 1;
      return;
    }
    if (this.#away > 0 && --this.#away === 0) this.model = this.#home;
    const isEnd = stopIds.has(id) && !this.replayed;
    const isFull = this.ids.length >= this.#limit || this.#isTired;
    const asked = isFull ? undefined : this.#ask(isEnd ? 'end' : 'after');
    if (isEnd && asked) this.#takeBack(1, asked.rule);
    if (asked) await this.#act(asked.action, asked.rule);
    else if (isEnd) this.finishReason = 'stop';
    else if (isFull) this.finishReason = 'length';
  }

  get #isTired(): boolean {
    return this.#steps >= MOST_STEPS * this.#limit;
  }

  #push(id: number, isForced: boolean, measured?: Measured): void {
    this.ids.push(id);
    this.forced.push(Number(isForced));
    if (this.isRead) {
      this.logps.push(measured?.logp ?? NaN);
      this.entropies.push(measured?.entropy ?? NaN);
      if (this.keep.top !== undefined)
        this.top.push(measured?.top ?? { ids: new Int32Array(), logps: new Float64Array() });
    }
    this.piece = this.#pieces?.push(id) ?? '';
    this.text += this.piece;
  }

  /** The action of the first rule that has one. */
  #ask(when: 'after' | 'end'): { action: Action; rule: string } | undefined {
    for (const { name, row } of this.#rules) {
      const action = row[when]?.(this);
      if (!action) continue;
      if ('stop' in action) this.endedBy = name;
      return { action, rule: name };
    }
    return undefined;
  }

  async #act(action: Action, rule: string): Promise<void> {
    if ('stop' in action) {
      this.finishReason = action.stop;
      this.kept = action.keep;
    } else if ('look' in action) {
      const { force, tokens = 0, read = [] } = action.look;
      this.#requireTokens(read, rule);
      const begun = await this.#encode(force, rule);
      const left = Math.min(begun.length + tokens, this.#room - this.ids.length - 1);
      const random = new Random(deriveSeed(this.#seed, 'look', this.#excursions++));
      this.#queue = begun.slice(0, left);
      const { then } = action;
      this.#excursion = { from: this.ids.length, left: Math.max(0, left), read, then, random, rule };
    } else if ('model' in action) {
      this.model = action.model;
      this.#away = action.tokens;
    } else {
      if ('takeBack' in action) this.#takeBack(action.takeBack, rule);
      this.#queue = await this.#encode(action.force, rule);
    }
  }

  async #encode(forced: Forced | undefined, rule: string): Promise<number[]> {
    if (forced === undefined) return [];
    const ids = typeof forced === 'string' ? await encodeContinuation(this.#codec, forced) : forced;
    this.#requireTokens(ids, rule);
    return [...ids];
  }

  /**
   * Comes back from a look ahead that was `reading`, and does what is decided by it.
   * @param logps of the tokens that were to be read
   */
  async comeBack(logps: readonly number[]): Promise<void> {
    this.#steps++;
    const { from, then, rule } = this.#excursion!;
    const ids = this.ids.slice(from);
    const text = this.#codec.decode(ids, { contentOnly: true });
    this.#excursion = undefined;
    this.#queue = [];
    this.#takeBack(this.ids.length - from, rule);
    const action = then({ ids, text, logps });
    if (this.#isTired) this.finishReason = 'length';
    else if (action) await this.#act(action, rule);
  }

  /** Forgets its last tokens. @throws UserError where there are not so many */
  #takeBack(count: number, rule: string): void {
    if (!Number.isInteger(count) || count < 0 || count > this.ids.length)
      throw new UserError(`the rule "${rule}" takes ${count} tokens back, and there are ${this.ids.length}`);
    if (count === 0) return;
    const length = this.ids.length - count;
    for (const list of [this.ids, this.forced, this.logps, this.entropies, this.top])
      list.length = Math.min(list.length, length);
    if (this.#pieces) {
      this.#pieces = new PieceDecoder(this.#codec);
      this.text = this.ids.map((id) => (this.piece = this.#pieces!.push(id))).join('');
    }
    for (const { row } of this.#rules) row.rewound?.(this);
  }
}
