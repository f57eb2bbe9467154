/** @file Cuts off a response that has begun to repeat itself. */
import type { Rule } from './rule.js';

export interface RepetitionOptions {
  /** Tokens that recur, at most; loops are shorter or are not seen. */
  longest: number;
  /** Tokens that the recurring stretch has to fill, at least. */
  tokens: number;
  /** How often it has to stand there at least. */
  times: number;
}

/** A loop of up to 128 tokens that has filled 192 of them and was said three times. */
const defaults: RepetitionOptions = { longest: 128, tokens: 192, times: 3 };

/**
 * Cuts off a response whose end is one stretch of tokens, over and over: such a response does not come back, and costs all the tokens
 * up to its limit. It counts as cut off (`length`).
 */
export function repetitionStop({ longest, tokens, times }: RepetitionOptions = defaults): Rule {
  return {
    name: 'repetition',
    begin: () => {
      /** For each period, how many of the newest tokens equal the one that stands a period before them. */
      let runs = new Int32Array(longest + 1);
      const push = (ids: readonly number[], end: number): boolean => {
        let repeats = false;
        for (let period = 1; period <= Math.min(longest, end); period++) {
          runs[period] = ids[end] === ids[end - period] ? runs[period]! + 1 : 0;
          repeats ||= runs[period]! + period >= Math.max(tokens, times * period);
        }
        return repeats;
      };
      return {
        after: ({ ids }) => (push(ids, ids.length - 1) ? { stop: 'length' } : undefined),
        rewound({ ids }) {
          runs = new Int32Array(longest + 1);
          for (let end = 0; end < ids.length; end++) push(ids, end);
        },
      };
    },
  };
}
