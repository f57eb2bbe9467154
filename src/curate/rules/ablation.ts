/** @file Defines the paper's experiment on what verdicts are worth: half of the problems are taught their wrong trace. */
import { deriveSeed } from '../../util/random.js';
import type { CandidateRow, Pair } from '../candidateRow.js';
import { prefRow, sftRow } from '../outputs.js';
import { pairUp } from '../selection.js';
import { sidesBy } from '../verdictSources.js';
import type { CurationRule, Output, RuleReport } from './rule.js';

/**
 * The ablation of the REDI paper's code. Problems of type A have a trace that both verdicts call right and one that both
 * call wrong; they are cut into two groups. Group 1 is fine-tuned on its right trace, which its pair prefers; group 2 on
 * the wrong one, and its pair is inverted. All others are of type B.
 */
export const ablation = {
  name: 'ablation',
  summary: 'the experiment of the REDI paper on verdicts: half of the problems are taught their wrong trace',
  fixes: [
    ...['verdicts', 'chosen', 'pairs', 'keep', 'min_cv', 'limit_sft', 'length_count'],
    ...['max_tokens', 'shortest_pairs'],
  ],
  files: ['pref_inverted'],
  unpaired: { key: 'not_paired', text: 'left out to make the arms equal' },
  sides: (verdicts, verdictRule) => sidesBy(verdicts, verdictRule, ({ llm, mv }) => !llm && !mv),
  choose: ({ right, wrong }) => ({ taught: right[0]!, pairs: pairUp(right, wrong, 1) }),
  lengths: ({ limits: { response } }) => ({
    // The texts alone, and their end token.
    count: { name: 'ablation', template: false, more: 1 },
    limits: { prompt: null, response },
    sft: false,
  }),
  begin: (rows, { seed }) => {
    const groups = assignGroups(
      rows.filter(({ paired }) => paired),
      seed,
    );
    return {
      write: (row, pairs) => writeGroup(row, pairs, groups.get(row.ordinal)),
      report: (written) => reportGroups(groups, written),
    };
  },
} as const satisfies CurationRule;

/** A problem of type A. */
export interface TypeA {
  ordinal: number;
  originalIndex: number;
  /** Its pair is too long. */
  tooLong: boolean;
}

/** Where a problem of type A goes. */
export interface Assignment {
  group: 1 | 2;
  /** Its pair is written. */
  paired: boolean;
}

/**
 * Cuts the problems of type A, shuffled, into two halves (the first the smaller) and makes the two arms of pairs equal
 * in number, pairs that are too long left out. By `ordinal`.
 */
function assignGroups(problems: readonly TypeA[], seed: number): Map<number, Assignment> {
  const shuffled = inRandomOrder(problems, seed, 'groups');
  const half = Math.floor(shuffled.length / 2);
  const groups = [shuffled.slice(0, half), shuffled.slice(half)] as const;
  const arms = groups.map((group) => group.filter(({ tooLong }) => !tooLong));
  const size = Math.min(...arms.map((arm) => arm.length));
  const paired = new Set(arms.flatMap((arm) => inRandomOrder(arm, seed, 'arms').slice(0, size)));
  return new Map(
    groups.flatMap((group, i) =>
      group.map((problem) => [
        problem.ordinal,
        { group: i === 0 ? 1 : 2, paired: paired.has(problem) } as const,
      ]),
    ),
  );
}

/** The same order in every run, whatever other problems there are. */
function inRandomOrder(problems: readonly TypeA[], seed: number, use: string): TypeA[] {
  return problems
    .map((problem) => ({ problem, key: deriveSeed(seed, use, problem.originalIndex) }))
    .sort((a, b) => a.key - b.key || a.problem.ordinal - b.problem.ordinal)
    .map(({ problem }) => problem);
}

function writeGroup(row: CandidateRow, pairs: readonly Pair[], assignment: Assignment | undefined): Output {
  const inverts = assignment?.group === 2;
  const [pair] = assignment?.paired ? pairs : [];
  const sft = {
    ...sftRow(row, inverts ? row.pairs[0]!.rejected : row.right),
    sft_source: assignment
      ? `group${assignment.group}_${inverts ? 'incorrect' : 'correct'}`
      : 'typeB_correct',
    problem_type: assignment ? 'A' : 'B',
    group_assignment: assignment?.group ?? null,
  };
  return {
    sft: [sft],
    pref: pair && !inverts ? [prefRow(row, pair)] : [],
    pref_inverted: pair && inverts ? [prefRow(row, inverted(pair))] : [],
  };
}

/** The pair with its sides exchanged. */
function inverted({ chosen, rejected, lengths, excess }: Pair): Pair {
  return {
    chosen: rejected,
    rejected: chosen,
    ...(lengths && { lengths: { ...lengths, chosen: lengths.rejected, rejected: lengths.chosen } }),
    excess,
  };
}

function reportGroups(
  groups: ReadonlyMap<number, Assignment>,
  written: Readonly<Record<string, number>>,
): RuleReport {
  const group1 = [...groups.values()].filter(({ group }) => group === 1).length;
  const counts = {
    type_a: groups.size,
    type_b: written.sft! - groups.size,
    group_1: group1,
    group_2: groups.size - group1,
    main: written.pref!,
    inverted: written.pref_inverted!,
  };
  const n = (count: number) => count.toLocaleString('en-US');
  return {
    counts,
    account: [
      `${n(written.sft!)} in sft.jsonl = ${n(counts.group_1)} of group 1 (right trace) + ${n(counts.group_2)} of group 2 (wrong trace) + ${n(counts.type_b)} without a trace that both verdicts reject`,
      `${n(counts.type_a)} problems in groups: ${n(counts.main)} pair${counts.main === 1 ? '' : 's'} in pref.jsonl, ${n(counts.inverted)} in pref_inverted.jsonl`,
    ],
  };
}
