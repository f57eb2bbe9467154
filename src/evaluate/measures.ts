/** @file What is measured of an evaluation besides pass@k, by name: selectors, which choose one of a problem's responses, and measures. */
import { sameByVerifier } from './sameAnswers.js';

/** A response as selectors and measures see it. */
export interface MeasuredSample {
  text: string;
  right: boolean;
  /** The answer that the grader found; null where there is none. */
  answer: string | null;
  /** null where nobody counted. */
  tokens: number | null;
  cutOff: boolean;
  /** Mean log-prob of the tokens that were drawn, at temperature 1; null where they were not kept. */
  logp: number | null;
  /** Whether the response was right after each question; one entry where one was asked. */
  turns: readonly boolean[];
}

/** A problem with all its responses. */
export interface MeasuredProblem {
  id: string;
  /** The row as it stands in samples.jsonl. */
  row: Readonly<Record<string, unknown>>;
  samples: readonly MeasuredSample[];
}

/** Says which of the responses is taken; undefined for none, which is wrong. */
export type Selector = (problem: MeasuredProblem) => number | undefined;
/** Numbers that a problem gives, by name; null where it says nothing. Their means over problems are the result. */
export type Measure = (problem: MeasuredProblem) => Record<string, number | null>;

export const selectorNames = ['first', 'shortest', 'longest', 'likeliest', 'majority'] as const;
export type SelectorName = (typeof selectorNames)[number];
export const measureNames = ['lengths', 'turns', 'reflection'] as const;
export type MeasureName = (typeof measureNames)[number];

/** The one of the list with the greatest value, the first of several; undefined where none has a value. */
function greatest(samples: readonly MeasuredSample[], value: (sample: MeasuredSample) => number | null) {
  let best: number | undefined;
  let most = -Infinity;
  for (const [i, sample] of samples.entries()) {
    const its = value(sample);
    if (its === null || !(its > most)) continue;
    [best, most] = [i, its];
  }
  return best;
}

const lengthOf = ({ tokens, text }: MeasuredSample): number => tokens ?? text.length;

/** Each is made anew for an evaluation, so that it may keep what it has found out. */
export const selectors: Record<SelectorName, () => Selector> = {
  first: () => () => 0,
  // What was cut off has not come to its end, and is no short response.
  shortest:
    () =>
    ({ samples }) =>
      greatest(samples, (sample) => (sample.cutOff ? null : -lengthOf(sample))),
  longest:
    () =>
    ({ samples }) =>
      greatest(samples, (sample) => (sample.cutOff ? null : lengthOf(sample))),
  likeliest:
    () =>
    ({ samples }) =>
      greatest(samples, ({ logp }) => logp),
  majority: () => {
    const same = sameByVerifier();
    return ({ samples }) => majorityOf(samples, same);
  },
};

/** The first response with the commonest answer; right answers are one, since they equal the gold. */
function majorityOf(
  samples: readonly MeasuredSample[],
  same: (one: string, other: string) => boolean,
): number | undefined {
  const groups: { first: number; size: number; right: boolean; answer: string }[] = [];
  for (const [i, { answer, right }] of samples.entries()) {
    if (answer === null) continue;
    const group = groups.find((other) =>
      right || other.right ? right === other.right : same(other.answer, answer),
    );
    if (group) group.size++;
    else groups.push({ first: i, size: 1, right, answer });
  }
  const size = Math.max(...groups.map((group) => group.size));
  return groups.find((group) => group.size === size)?.first;
}

/** Words with which a response turns back on itself. */
const REFLECTION =
  /\b(?:wait|hold on|hmm+|actually|alternatively|let me (?:double[- ]?)?check|let me verify|on second thought|let me re(?:check|consider|think))\b/giu;

export const measures: Record<MeasureName, () => Measure> = {
  /** Tokens of right and of wrong responses, in the mean of a problem that has both kinds or one. */
  lengths:
    () =>
    ({ samples }) => {
      const meanOf = (some: readonly MeasuredSample[]) =>
        some.length === 0 || some.some(({ tokens }) => tokens === null)
          ? null
          : some.reduce((sum, { tokens }) => sum + tokens!, 0) / some.length;
      return {
        'tokens of right responses': meanOf(samples.filter(({ right }) => right)),
        'tokens of wrong responses': meanOf(samples.filter(({ right }) => !right)),
      };
    },
  /** Where several questions were asked: what the first answer was, and what the last one is. */
  turns:
    () =>
    ({ samples }) => {
      const several = samples.filter(({ turns }) => turns.length > 1);
      const share = (first: boolean, last: boolean) =>
        several.length === 0
          ? null
          : several.filter(({ turns }) => turns[0] === first && turns.at(-1) === last).length /
            several.length;
      return {
        'right and stays so': share(true, true),
        'right, then wrong': share(true, false),
        'wrong, then right': share(false, true),
        'wrong and stays so': share(false, false),
      };
    },
  reflection:
    () =>
    ({ samples }) => ({
      'reflections a response':
        samples.reduce((sum, { text }) => sum + (text.match(REFLECTION)?.length ?? 0), 0) / samples.length,
    }),
};
