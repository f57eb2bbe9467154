/** @file Counts what a run has used and says when its budget is used up. */
import { UserError } from '../util/errors.js';
import { isRight, turnsOf, type JournalEntry } from './states.js';

/** What a million tokens cost, in any currency. */
export interface Prices {
  input: number;
  output: number;
}

/** What all runs of a collection together may use. */
export interface Budget {
  /** Prompt and completion tokens. */
  tokens?: number;
  cost?: number;
}

/** Counts traces, tokens and cost, those of earlier runs included, and says when the budget is used up. */
export class Meter {
  generations = 0;
  /** Answers with a verdict, and those of them that are right. */
  verified = 0;
  right = 0;
  promptTokens = 0;
  completionTokens = 0;
  /** Requests under way. */
  underWay = 0;

  readonly #prices: Prices | undefined;
  readonly #budget: Budget;

  constructor(prices: Prices | undefined, budget: Budget) {
    this.#prices = prices;
    this.#budget = budget;
    if (budget.cost !== undefined && prices === undefined)
      throw new UserError('A budget for the cost needs the prices of a million tokens.');
  }

  /** @throws UserError where tokens are needed for the budget and the endpoint does not count them */
  add(entry: JournalEntry): void {
    this.generations++;
    if (entry.verdict) this.verified++;
    if (isRight(entry)) this.right++;
    const turns = turnsOf(entry);
    for (const { prompt_tokens: prompt, completion_tokens: completion } of turns) {
      this.promptTokens += prompt ?? 0;
      this.completionTokens += completion ?? 0;
    }
    const limited = this.#budget.tokens !== undefined || this.#budget.cost !== undefined;
    if (limited && turns.some((turn) => turn.prompt_tokens === null || turn.completion_tokens === null)) {
      throw new UserError(
        'The endpoint does not say how many tokens an answer took, so no budget can be kept: leave it out.',
      );
    }
  }

  /** Null without prices. */
  get cost(): number | null {
    if (this.#prices === undefined) return null;
    const { input, output } = this.#prices;
    return (this.promptTokens * input + this.completionTokens * output) / 1e6;
  }

  /**
   * Whether the budget allows a further request. Those under way are expected to use as much as others did on average,
   * so that a budget is overdrawn by little; before the first answer nothing is known.
   */
  mayAsk(): boolean {
    const expected = this.generations === 0 ? 1 : 1 + this.underWay / this.generations;
    const tokens = this.promptTokens + this.completionTokens;
    return (
      tokens * expected < (this.#budget.tokens ?? Infinity) &&
      (this.cost ?? 0) * expected < (this.#budget.cost ?? Infinity)
    );
  }

  /** "1.20 M tokens, cost 0.42, 61 % right" */
  describe(): string {
    const tokens = this.promptTokens + this.completionTokens;
    const parts = [tokens < 1e6 ? `${tokens} tokens` : `${(tokens / 1e6).toFixed(2)} M tokens`];
    if (this.cost !== null) parts.push(`cost ${this.cost.toFixed(2)}`);
    if (this.verified > 0) parts.push(`${Math.round((100 * this.right) / this.verified)} % right`);
    return parts.join(', ');
  }
}
