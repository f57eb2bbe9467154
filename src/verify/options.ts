/** What the answers are and how strictly they are read; docs/verifier.md has the table. */
export const presetNames = ['mathVerify', 'anchored', 'reward', 'lenient', 'choice'] as const;
export type Preset = (typeof presetNames)[number];

export interface VerifyOptions {
  /** What is looked for in a response: formulas and boxes, plain numbers in running text, choice letters. */
  targets: readonly ('latex' | 'plain' | 'choice')[];
  /** The same for the gold answer where it differs. */
  goldTargets?: readonly ('latex' | 'plain')[];
  /** Rank of a box among the phrases: 0 beside "final answer is", 50, 100; -1 where boxes do not count. */
  boxPriority: number;
  /** Whether an answer needs a box or a phrase such as "the answer is". */
  anchored: boolean;
  /** Whether an answer must stand in a box. */
  requireBox: boolean;
  /** Whether only what follows `</think>` counts; without the tag there is no answer. */
  afterThinking: boolean;
  /** Whether LaTeX that TeX would refuse or read otherwise (`\frac12`, `sqrt(2)`) is repaired. */
  repair: boolean;
  /** Decimal places at which a number written as a decimal is compared. */
  decimals: number;
  /** Whether names of variables count: x² + 1 is not y² + 1. */
  strictNames: boolean;
  /** Whether a set as the gold answer accepts an inequality that describes it, as the reverse always is. */
  setAcceptsRelation: boolean;
  /** Whether `20` answers `20%` and the other way round. */
  percentEitherWay: boolean;
  /** Whether a column vector and a point of the same coordinates are the same. */
  vectorIsTuple: boolean;
  /** The letters that are choices; A to J where none are named. */
  choices?: readonly string[];
}

const MATH_VERIFY: VerifyOptions = {
  targets: ['latex', 'plain'],
  boxPriority: 0,
  anchored: false,
  requireBox: false,
  afterThinking: false,
  repair: true,
  decimals: 6,
  strictNames: true,
  setAcceptsRelation: false,
  percentEitherWay: false,
  vectorIsTuple: false,
};

const PRESETS: Readonly<Record<Preset, VerifyOptions>> = {
  mathVerify: MATH_VERIFY,
  anchored: { ...MATH_VERIFY, anchored: true },
  reward: { ...MATH_VERIFY, anchored: true, afterThinking: true, repair: false },
  lenient: { ...MATH_VERIFY, setAcceptsRelation: true, percentEitherWay: true, vectorIsTuple: true },
  choice: { ...MATH_VERIFY, targets: ['choice'] },
};

/** The options of a preset (`mathVerify` where none is named) with those that are given. */
export function optionsOf(given: { preset?: Preset } & Partial<VerifyOptions>): VerifyOptions {
  return { ...PRESETS[given.preset ?? 'mathVerify'], ...given };
}
