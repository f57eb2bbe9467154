import type { Context, RowCheck, SideCheck } from './check.js';
import { finding, ofSide, type Finding } from './findings.js';
import { notLabelledWrong } from './labelChecks.js';
import { quote, type Specimen } from './specimen.js';
import { noControlTokens, notCutOff, soundText, thinkingClosed, thinkingOpened } from './textChecks.js';
import {
  endKnownElsewhere,
  endTrained,
  fitsLimit,
  headerNotTrained,
  historyThinkingKept,
  inVocabulary,
  noEmptyThought,
  oneBos,
  promptIsPrefix,
  reasoningTrained,
  shareTrained,
} from './tokenChecks.js';

const halvesDiffer: RowCheck = ({ sides: [chosen, rejected] }) =>
  chosen && rejected?.content.trim() === chosen.content.trim()
    ? [finding('identical-halves', `both say ${quote(chosen.content)}`)]
    : [];

/** What is looked for in every answer, in the order of the report. */
const sideChecks: readonly SideCheck[] = [
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

/** What is looked for in every row. */
const rowChecks: readonly RowCheck[] = [
  halvesDiffer,
  notLabelledWrong,
  noControlTokens,
  historyThinkingKept,
  soundText,
];

/** All that these checks find in a row. */
export function check(specimen: Specimen, context: Context): Finding[] {
  return [
    ...specimen.sides.flatMap((side) =>
      sideChecks.flatMap((look) => look(side, specimen, context).map((found) => ofSide(found, side.role))),
    ),
    ...rowChecks.flatMap((look) => look(specimen, context)),
  ];
}
