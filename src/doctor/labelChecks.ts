/** @file Compares a row's labels with a fresh verification of its responses against the gold answer. */

import { numberText } from '../util/exactJson.js';
import { verify } from '../verify/verify.js';
import type { PreparedRow, PreparedSide, RowCheck } from './check.js';
import { finding, ofSide, quote, type Finding } from './findings.js';

/** Returns the label of a row with one response, as KTO's rows have it: whether the response is right. */
function labelOf({ label, correct }: Record<string, unknown>): boolean | undefined {
  return typeof label === 'boolean' ? label : typeof correct === 'boolean' ? correct : undefined;
}

/** An objective of groups knows what a label means; others learn a response whatever it is, unless its weights are negative. */
export const notLabelledWrong: RowCheck = ({ sides, fields }, { student }) => {
  if (student.data === 'groups') return [];
  const learned = sides.filter(
    ({ role, row }) => role === 'demonstration' && (row.weights?.some((weight) => weight > 0) ?? true),
  );
  const scalars = learned.map(({ row }) => row.scalars ?? {});
  if (sides.length === 1 && learned.length === 1 && labelOf(fields) === false)
    return [
      finding('wrong-label', `it has "${typeof fields.label === 'boolean' ? 'label' : 'correct'}": false`),
    ];
  const wrong = scalars.filter(({ correct, reward }) => (correct ?? reward ?? 1) <= 0);
  if (wrong.length === 0) return [];
  const [{ correct, reward }] = wrong as [(typeof wrong)[0]];
  const told = correct === undefined ? `"reward": ${reward!}` : `"correct": ${correct}`;
  return [
    finding(
      'wrong-label',
      `${wrong.length} of its ${sides.length} responses are wrong, the first by ${told}`,
    ),
  ];
};

/** Returns the gold answer, if the row has one. */
function goldOf({ answer, gold }: Record<string, unknown>): string | undefined {
  for (const value of [answer, gold]) {
    const text = typeof value === 'string' ? value : numberText(value);
    if (text !== undefined && text.trim() !== '') return text;
  }
  return undefined;
}

/** A response's label beside the verifier's verdict. */
export interface Verification {
  side: PreparedSide;
  /** Whether the row counts it as right. */
  claimed: boolean;
  /** Whether the verifier finds it right; undefined if it could not read the answer or the gold answer. */
  verified: boolean | undefined;
  gold: string;
  extracted: string | null;
}

/** Verifies the responses of a row. Doubtful cases go the row's way: 25 % for 25 may be right and may be wrong. */
export function verifications({ fields, sides }: PreparedRow): Verification[] {
  const gold = goldOf(fields);
  if (gold === undefined) return [];
  return sides.flatMap((side) => {
    const claimed = claimOf(side, fields);
    if (claimed === undefined) return [];
    const preset = claimed ? 'lenient' : 'mathVerify';
    const { correct, reason, extracted } = verify({ gold, pred: side.content, preset });
    const verified = correct || reason === 'different' ? correct : undefined;
    return [{ side, claimed, verified, gold, extracted }];
  });
}

/** Whether a row counts a response as right; undefined where it does not say. */
function claimOf({ role, row }: PreparedSide, fields: PreparedRow['fields']): boolean | undefined {
  if (role === 'demonstration') return labelOf(fields) ?? true;
  if (role === 'chosen' || role === 'rejected') return role === 'chosen';
  const reward = row.scalars?.reward;
  return reward === undefined ? undefined : reward > 0;
}

/** Finds labels that the verifier contradicts. */
export const labelFindings = (all: readonly Verification[]): Finding[] =>
  all
    .filter(({ claimed, verified }) => verified !== undefined && verified !== claimed)
    .map(({ side, claimed, gold, extracted }) => {
      const answers = `its answer is ${quote(extracted ?? '')} and the gold answer ${quote(gold)}`;
      const found = finding('label-disagrees', `it counts as ${claimed ? 'right' : 'wrong'}, ${answers}`);
      return ofSide(found, side.role);
    });
