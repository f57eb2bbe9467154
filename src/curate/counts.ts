import type { Assignment } from './ablation.js';
import type { CurateOptions } from './options.js';
import { noneDropped, type Counts } from './summary.js';

/** The ablation's groups and arms. */
export function countGroups(
  groups: ReadonlyMap<number, Assignment>,
  summary: Counts,
  inverted: number,
): NonNullable<Counts['ablation']> {
  const group1 = [...groups.values()].filter(({ group }) => group === 1).length;
  summary.sft_only.not_paired = groups.size - summary.sft_only.pair_too_long - summary.pref - inverted;
  return {
    type_a: groups.size,
    type_b: summary.sft - groups.size,
    group_1: group1,
    group_2: groups.size - group1,
    main: summary.pref,
    inverted,
  };
}

/** Nothing counted yet. */
export function emptyCounts(options: CurateOptions): Counts {
  const { rule, verdicts, chosen, pairs, seed, files, keep, minCv } = options;
  return {
    rule,
    verdicts,
    chosen,
    pairs_per_problem: pairs,
    seed,
    files,
    ...{ records: 0, quarantined: 0, merged: 0, rows: 0 },
    generations: { total: 0, blank: 0 },
    ...{ sft: 0, pref: 0, dropped_rows: 0 },
    dropped: noneDropped(),
    sft_only: { no_wrong_trace: 0, pair_too_long: 0, not_paired: 0 },
    pairs: { formed: 0, too_long: 0, prompt: 0, chosen: 0, rejected: 0 },
    lengths: lengthRule(options),
    selection: { min_cv: minCv ?? null, keep: keep?.count ?? null, by: keep?.by ?? null },
    duplicates: { mode: options.duplicates, exact: 0, near: 0, search_cut_short: 0 },
    contamination: { sets: [], rows: 0, dropped: options.dropContaminated },
  };
}

/** How lengths are counted and limited; the ablation has its own way, and no limit for prompts. */
function lengthRule({ rule, lengths }: CurateOptions): Counts['lengths'] {
  if (!lengths) return null;
  const { model, count, limits, sft } = lengths;
  return rule === 'ablation'
    ? { model, count: 'ablation', limits: { prompt: null, response: limits.response }, sft_limited: false }
    : { model, count, limits, sft_limited: sft };
}
