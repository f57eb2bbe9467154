/** @file Holds the options of the verifier and their presets. */

/** The names of sets of options; docs/verifier.md has the table. */
export const presetNames = ['mathVerify', 'anchored', 'reward', 'lenient', 'choice'] as const;
export type Preset = (typeof presetNames)[number];

/** How answers are found, read and compared. */
export interface VerifyOptions {
  /** What is searched for in a response: formulas and boxes, plain numbers in running text, letters of choices. */
  targets: readonly ('latex' | 'plain' | 'choice')[];
  /** The same for the gold, if it differs. */
  goldTargets?: readonly ('latex' | 'plain')[];
  /** The rank of a box among the phrases' ranks (0, 50, 100, 200); -1 if boxes do not count. */
  boxPriority: number;
  /** Whether an answer needs a box or a phrase such as "the answer is". */
  anchored: boolean;
  /** Whether an answer must be in a box. */
  requireBox: boolean;
  /** Whether only the text after `</think>` counts; without the tag there is no answer. */
  afterThinking: boolean;
  /** Whether LaTeX that TeX would refuse or read otherwise (`\frac12`, `sqrt(2)`) is repaired. */
  repair: boolean;
  /** Whether an answer must be worked out: `2 + 3`, `7 \cdot 8` and `10!` are none, unless the gold is like that itself. */
  finalForm: boolean;
  /** The number of decimal places at which a number written as a decimal is compared. */
  decimals: number;
  /** Whether the names of variables count: x² + 1 is not y² + 1. */
  strictNames: boolean;
  /** Whether an inequality answers a gold that is the set it describes. The reverse is always accepted. */
  setAcceptsRelation: boolean;
  /** Whether `20` answers `20%` and `20%` answers `20`. */
  percentEitherWay: boolean;
  /** Whether a column vector and a point of the same coordinates are the same. */
  vectorIsTuple: boolean;
  /** The letters of the choices; A to J by default. */
  choices?: readonly string[];
}

const MATH_VERIFY: VerifyOptions = {
  targets: ['latex', 'plain'],
  boxPriority: 0,
  anchored: false,
  requireBox: false,
  afterThinking: false,
  repair: true,
  finalForm: false,
  decimals: 6,
  strictNames: true,
  setAcceptsRelation: false,
  percentEitherWay: false,
  vectorIsTuple: false,
};

const PRESETS: Readonly<Record<Preset, VerifyOptions>> = {
  mathVerify: MATH_VERIFY,
  anchored: { ...MATH_VERIFY, anchored: true },
  reward: { ...MATH_VERIFY, anchored: true, afterThinking: true, repair: false, finalForm: true },
  lenient: { ...MATH_VERIFY, setAcceptsRelation: true, percentEitherWay: true, vectorIsTuple: true },
  choice: { ...MATH_VERIFY, targets: ['choice'] },
};

/** Gives the options of a preset, `mathVerify` by default, overridden by those that are given. */
export function optionsOf(given: { preset?: Preset } & Partial<VerifyOptions>): VerifyOptions {
  return { ...PRESETS[given.preset ?? 'mathVerify'], ...given };
}
