/** @file Defines the rule whose pairs are of like length, chosen among all right and wrong traces of a problem. */
import { plainRun } from '../outputs.js';
import type { PairCount } from '../selection.js';
import { countSteps, equalSteps } from '../steps.js';
import { sidesBy } from '../verdictSources.js';
import type { CurationRule, RowTraces } from './rule.js';

/** The share of the longer response by which lengths may differ, unless `match_length` says otherwise. */
const DEFAULT_SHARE = 0.25;

/**
 * Wrong traces are usually longer, and what REDI learns first from such pairs is to be brief. This rule pairs traces
 * whose lengths differ by a share of the longer one at most, and whose steps are equally many where both mark them.
 */
export const matched = {
  name: 'matched',
  summary:
    'the first right trace of a problem for D_SFT, and for D_Pref its right and wrong traces of like length',
  settings: ['match_length'],
  comparesLengths: true,
  unpaired: { key: 'no_like_length', text: 'without a wrong trace of like length' },
  sides: (verdicts, verdictRule) => sidesBy(verdicts, verdictRule),
  choose: (traces, { pairs, match_length: share = DEFAULT_SHARE }) => ({
    taught: traces.right[0]!,
    pairs: spread(likePairs(traces, share), pairs),
  }),
  begin: (_, { match_length: share = DEFAULT_SHARE, model }) => {
    const unit = model === undefined ? 'characters' : 'tokens';
    return {
      ...plainRun,
      report: () => ({
        counts: { match_length: share, lengths_in: unit },
        account: [
          `lengths of a pair differ by at most ${Number((100 * share).toFixed(2))} % of the longer one, in ${unit}`,
        ],
      }),
    };
  },
} as const satisfies CurationRule;

type IndexPair = readonly [right: number, wrong: number];

/** All pairs of like length and equally many steps: the closest first, then the earlier right, then the earlier wrong. */
function likePairs({ right, wrong, texts, lengths }: RowTraces, share: number): IndexPair[] {
  const steps = new Map([...right, ...wrong].map((index) => [index, countSteps(texts[index]!)]));
  const pairs = right.flatMap((a) =>
    wrong.map((b) => {
      const [one, other] = [lengths[a]!, lengths[b]!];
      return { a, b, gap: Math.abs(one - other), longer: Math.max(one, other) };
    }),
  );
  return pairs
    .filter(({ a, b, gap, longer }) => gap / longer <= share && equalSteps(steps.get(a)!, steps.get(b)!))
    .sort((p, q) => p.gap - q.gap || p.a - q.a || p.b - q.b)
    .map(({ a, b }) => [a, b]);
}

/**
 * Takes up to `count` of the pairs, each time the first of those whose traces have been taken least often. `balanced`
 * takes no trace twice.
 */
function spread(pairs: readonly IndexPair[], count: PairCount): readonly IndexPair[] {
  if (count === 'all') return pairs;
  const left = [...pairs];
  const taken: IndexPair[] = [];
  const uses = new Map<number, number>();
  const used = (index: number) => uses.get(index) ?? 0;
  while (left.length > 0 && (count === 'balanced' || taken.length < count)) {
    const costs = left.map(([a, b]) => used(a) + used(b));
    const least = Math.min(...costs);
    if (count === 'balanced' && least > 0) break;
    const [pair] = left.splice(costs.indexOf(least), 1);
    for (const index of pair!) uses.set(index, used(index) + 1);
    taken.push(pair!);
  }
  return taken;
}
