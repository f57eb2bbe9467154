/** A work limit was reached. It never leaves `verify`, which answers with the reason 'budget'. */
export class BudgetExceeded extends Error {
  constructor() {
    super('the work limit of one verification was reached');
  }
}

/**
 * Steps that one verification may take: a node visited, a token read, a sample drawn. Counting steps bounds the
 * work without a timer, so that a verdict is the same on every machine.
 */
export class Budget {
  constructor(private left = 40_000) {}

  /** Counts `steps`. Throws BudgetExceeded where none are left. */
  spend(steps = 1): void {
    this.left -= steps;
    if (this.left < 0) throw new BudgetExceeded();
  }
}
