/** @file Defines the REDI paper's rule: the first right trace, paired with the first one that is not right. */
import { plainRun } from '../outputs.js';
import { pairUp } from '../selection.js';
import { sidesBy } from '../verdictSources.js';
import type { CurationRule } from './rule.js';

/** D_SFT and D_Pref of the REDI paper (arXiv 2505.24850), and more pairs a problem where asked. */
export const redi = {
  name: 'redi',
  summary: 'the first right trace of a problem for D_SFT, and with the first wrong one a pair for D_Pref',
  sides: (verdicts, verdictRule) => sidesBy(verdicts, verdictRule),
  choose: ({ right, wrong }, { pairs }) => ({ taught: right[0]!, pairs: pairUp(right, wrong, pairs) }),
  begin: () => plainRun,
} as const satisfies CurationRule;
