/** @file Counts the steps of one verification. Knows no clock: a verdict must not depend on the machine. */

/** A work limit was reached. It never leaves `verify`, which answers with the reason 'budget'. */
export class BudgetExceeded extends Error {
  constructor() {
    super('the work limit of one verification was reached');
  }
}

/**
 * Limits the steps that one verification may take: a node visited, a token read, a sample drawn. Counting steps bounds
 * the work without a timer, so that a verdict is the same on every machine.
 */
export class WorkBudget {
  readonly #limit: number;
  #spent = 0;

  constructor(limit = 32_000) {
    this.#limit = limit;
  }

  /** How many steps have been counted, the one that exceeded the limit included. */
  get spent(): number {
    return this.#spent;
  }

  /** How many more may be counted. */
  get left(): number {
    return Math.max(0, this.#limit - this.#spent);
  }

  /** Counts `steps`. Throws BudgetExceeded once there are more than the limit. */
  spend(steps = 1): void {
    this.#spent += steps;
    if (this.#spent > this.#limit) throw new BudgetExceeded();
  }
}
