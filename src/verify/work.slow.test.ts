import { describe, expect, it, vi } from 'vitest';
import { adversarialPairs } from '../../test/support/adversarialAnswers.js';
import { answerCases, caseOptions, reportCases } from '../../test/support/answerCases.js';
import { variantsOf } from '../../test/support/answerVariants.js';
import { benchmarkPairs } from '../../test/support/adversary/benchmarkPairs.js';
import { BENCHMARKS, benchmarkGolds, withoutDollars } from '../../test/support/benchmarkGolds.js';
import { verify } from './verify.js';

const made = vi.hoisted((): { limit: number; spent: number }[] => []);
vi.mock('./algebra/workBudget.js', async (original) => {
  const actual = await original<typeof import('./algebra/workBudget.js')>();
  class Counted extends actual.WorkBudget {
    readonly limit: number;
    constructor(limit = 32_000) {
      super(limit);
      this.limit = limit;
      made.push(this);
    }
  }
  return { ...actual, WorkBudget: Counted };
});

/** The limit of one verification. */
const LIMIT = 32_000;

/**
 * The steps of one verification at most: those of readings on the side as well, and those with a limit of their own within it
 * twice. A step that exceeds a limit is counted there and not done.
 */
function workOf(item: Parameters<typeof verify>[0]): number {
  made.length = 0;
  verify(item);
  return made.reduce((sum, { limit, spent }) => sum + Math.min(limit, spent), 0);
}

const golds = BENCHMARKS.flatMap((name) => benchmarkGolds(name) ?? []).map(([gold]) => gold!);
const suites: Record<string, Parameters<typeof verify>[0][]> = {
  'cases of other graders': (answerCases() ?? []).map((given) => ({ ...given, ...caseOptions(given) })),
  'cases after reports': (reportCases() ?? []).map(({ gold, pred, preset }) => ({
    ...{ gold, pred },
    ...(preset && { preset }),
  })),
  'rewrites and near misses': golds.flatMap((gold, index) => variantsOf(gold, index)),
  'the adversary’s': golds.flatMap((gold, index) => benchmarkPairs(gold, withoutDollars(gold), index + 1)),
  'hostile inputs': adversarialPairs(),
};

describe.skipIf(golds.length === 0)('the work of a verification, in steps', () => {
  it.each(Object.entries(suites))('is bounded and small on the average: %s', (name, pairs) => {
    const all = pairs.map(({ gold, pred, preset }) => workOf({ gold, pred, ...(preset && { preset }) }));
    expect(all.length).toBeGreaterThan(100);
    expect(Math.max(...all)).toBeLessThanOrEqual(LIMIT);
    const mean = all.reduce((sum, spent) => sum + spent, 0) / all.length;
    expect(mean).toBeGreaterThan(0);
    expect(mean).toBeLessThan(name === 'hostile inputs' ? 10_000 : 500);
    if (name !== 'hostile inputs') expect(all.filter((spent) => spent === LIMIT)).toEqual([]);
  });
});
