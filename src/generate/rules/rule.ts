/** @file Says what a decoding rule is: it watches a response as it grows, and may bias, force, stop, take back, look ahead and hand over. */
import type { Random } from '../../util/random.js';
import type { Codec } from '../pieces.js';

/** A response as it stands after its newest token. */
export interface RowState {
  readonly promptIds: Int32Array;
  /** Tokens of the response, forced ones among them. */
  readonly ids: readonly number[];
  /** Their text as far as its characters are whole, without the tokens that end or frame a turn. */
  readonly text: string;
  /** What the newest token added to it. */
  readonly piece: string;
  /** The newest token's log-prob at temperature 1, where the rule `reads` it. */
  readonly logp: number | undefined;
  /** The entropy of the distribution that the newest token was drawn from, in nats at temperature 1, where the rule `reads` it. */
  readonly entropy: number | undefined;
}

/** What was seen when a row went on for a while. */
export interface Look {
  ids: readonly number[];
  text: string;
  /** The log-probs, at temperature 1, of the tokens that were to be `read` as the next one. */
  logps: readonly number[];
}

/** Tokens, or a text that continues the response. */
export type Forced = Int32Array | string;

export type Action =
  /** These tokens come next, whatever is drawn. */
  | { force: Forced }
  /** The response ends here: by itself, or cut off. `keep`: the characters of its text that count. */
  | { stop: 'stop' | 'length'; keep?: number }
  /** The last so many tokens were never there; then perhaps others come. */
  | { takeBack: number; force?: Forced }
  /** Another model of the same vocabulary draws the next so many tokens. */
  | { model: string; tokens: number }
  /** The row goes on, by force and then so many tokens freely, and forgets it again; `then` decides by what it has seen. */
  | {
      look: { force?: Forced; tokens?: number; read?: readonly number[] };
      then: (seen: Look) => Action | undefined;
    };

/** Logits to add to, by token. */
export type TokenBias = ReadonlyMap<number, number>;

/** A rule at work on one response. */
export interface RowRule {
  /** Asked before every draw; what several rules say adds up. */
  bias?(row: RowState): TokenBias | undefined;
  /** Asked after every token that ends nothing; the first rule that acts has its way. */
  after?(row: RowState): Action | undefined;
  /** Asked when the model ends its turn: an action refuses that, and the token that ended it was never there. */
  end?(row: RowState): Action | undefined;
  /** Told when tokens were taken back, so that a rule that counts what it saw can count again. */
  rewound?(row: RowState): void;
}

/** What a rule is begun with. */
export interface RuleContext {
  promptIds: Int32Array;
  /** The text at the prompt's end that the response begins with; '' where it begins with nothing. */
  begun: string;
  /** Tokens of the response at most. */
  limit: number;
  codec: Codec;
  /** A stream of its own for this response and rule. */
  random: Random;
}

/** A decoding rule. */
export interface Rule {
  name: string;
  /** What it needs to see of every token besides its text; costs a pass over the logits. */
  reads?: boolean;
  /** It may take tokens back, look ahead, hand over or refuse an end: a response may then take more steps than it has tokens. */
  wanders?: boolean;
  begin(context: RuleContext): RowRule;
}
