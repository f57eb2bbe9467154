/** @file Lists the checks on a single row, and runs them. Checks that compare rows are in `acrossRows.ts`. */

import type { CheckContext, PreparedRow, RowCheck, SideCheck } from './check.js';
import { finding, ofSide, quote, type Finding } from './findings.js';
import { notLabelledWrong } from './labelChecks.js';
import { noControlTokens, notCutOff, soundText, thinkingClosed, thinkingOpened } from './textChecks.js';
import {
  endKnownElsewhere,
  endTrained,
  fitsLimit,
  headerNotTrained,
  historyThinkingKept,
  inVocabulary,
  logProbsBelowZero,
  noEmptyThought,
  oneBos,
  promptIsPrefix,
  reasoningTrained,
  shareTrained,
} from './tokenChecks.js';

/** Samples of a problem may well be the same. */
const halvesDiffer: RowCheck = ({ sides }) => {
  const [chosen, rejected] = ['chosen', 'rejected'].map((own) => sides.find(({ role }) => role === own));
  return chosen && rejected?.said === chosen.said
    ? [finding('identical-halves', `both say ${quote(chosen.content)}`)]
    : [];
};

/** Checks on every response, in the order of the report. */
const allSideChecks: readonly SideCheck[] = [
  endTrained,
  endKnownElsewhere,
  oneBos,
  headerNotTrained,
  promptIsPrefix,
  reasoningTrained,
  noEmptyThought,
  thinkingClosed,
  thinkingOpened,
  notCutOff,
  inVocabulary,
  fitsLimit,
  shareTrained,
];

/** Checks on every row. */
const allRowChecks: readonly RowCheck[] = [
  halvesDiffer,
  notLabelledWrong,
  noControlTokens,
  historyThinkingKept,
  soundText,
];

/** Checks that hold for rows that say themselves how their responses begin and end. */
const partsChecks: readonly SideCheck[] = [inVocabulary, fitsLimit, shareTrained, logProbsBelowZero];

/** Runs all of them on a row. */
export function checkRow(row: PreparedRow, context: CheckContext): Finding[] {
  const [sideChecks, rowChecks] = row.isInParts
    ? [partsChecks, [halvesDiffer, notLabelledWrong]]
    : [allSideChecks, allRowChecks];
  const inSides = row.sides.flatMap((side) =>
    sideChecks.flatMap((check) => check(side, row, context)).map((found) => ofSide(found, side.role)),
  );
  return [...inSides, ...rowChecks.flatMap((check) => check(row, context))];
}
