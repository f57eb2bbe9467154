import { verify } from '../verify/verify.js';
import type { RowCheck } from './check.js';
import { finding, ofSide, type Finding } from './findings.js';
import { quote, type Specimen } from './specimen.js';

/** A row of one answer that says of itself whether it is right, as KTO's rows do. */
function labelOf({ label, correct }: Record<string, unknown>): boolean | undefined {
  return typeof label === 'boolean' ? label : typeof correct === 'boolean' ? correct : undefined;
}

export const notLabelledWrong: RowCheck = ({ record, fields }) =>
  record.kind === 'messages' && labelOf(fields) === false
    ? [finding('wrong-label', `it has "${typeof fields.label === 'boolean' ? 'label' : 'correct'}": false`)]
    : [];

/** The known answer, where the row carries it. */
function goldOf({ answer, gold }: Record<string, unknown>): string | undefined {
  for (const value of [answer, gold]) {
    if (typeof value === 'number') return String(value);
    if (typeof value === 'string' && value.trim() !== '') return value;
  }
  return undefined;
}

/** What the row says of an answer, beside what the verifier says. */
export interface Verification {
  side: Specimen['sides'][number];
  claimed: boolean;
  /** Undefined where the verifier could not read one of them. */
  verified: boolean | undefined;
  gold: string;
  extracted: string | null;
}

/** The row has the benefit of the doubt: 25 % for 25 may be right, and may be wrong. */
export function verifications({ fields, sides }: Specimen): Verification[] {
  const gold = goldOf(fields);
  if (gold === undefined) return [];
  return sides.map((side) => {
    const claimed = side.role === 'demonstration' ? (labelOf(fields) ?? true) : side.role === 'chosen';
    const preset = claimed ? 'lenient' : 'mathVerify';
    const { correct, reason, extracted } = verify({ gold, pred: side.content, preset });
    const verified = correct || reason === 'different' ? correct : undefined;
    return { side, claimed, verified, gold, extracted };
  });
}

/** The findings of a row's verifications. */
export const labelFindings = (all: readonly Verification[]): Finding[] =>
  all
    .filter(({ claimed, verified }) => verified !== undefined && verified !== claimed)
    .map(({ side, claimed, gold, extracted }) => {
      const answers = `its answer is ${quote(extracted ?? '')} and the known one ${quote(gold)}`;
      const found = finding('label-disagrees', `it counts as ${claimed ? 'right' : 'wrong'}, ${answers}`);
      return ofSide(found, side.role);
    });
