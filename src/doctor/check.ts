/** @file Says what a check is: the two kinds of checks, and what they see. Finds nothing itself. */

import type { Role } from '../objectives/objective.js';
import type { RowMessage } from '../text/template.js';
import type { TokenRow } from '../text/tokenRows.js';
import type { Finding } from './findings.js';
import type { Student, TokenizerTraits } from './student.js';

/** A response of a row, as training takes it. */
export interface PreparedSide {
  role: Role;
  /** The response's text. */
  content: string;
  /** Thinking that the message holds in a field of its own. */
  reasoning: string | undefined;
  /** All that the response says, its thinking and its tool calls too: to be compared with another. */
  said: string;
  row: TokenRow;
  /** Decodes the trained tokens, once. */
  trainedText: () => string;
}

/** A row that training could take, with its responses as tokens. */
export interface PreparedRow {
  line: number;
  /** The row as it is in the file. */
  fields: Record<string, unknown>;
  prompt: readonly RowMessage[] | string;
  /** The tokens that generation starts from. */
  promptIds: Int32Array;
  /** One demonstration, or a chosen and a rejected response. */
  sides: PreparedSide[];
  /** The row has its responses in parts: it says itself how they begin and end. */
  isInParts?: boolean;
}

/** A row that training could not take, with the reasons. */
export interface RefusedRow {
  line: number;
  fields: Record<string, unknown>;
  refused: Finding[];
}

/** Everything that a check sees besides the row. */
export interface CheckContext {
  student: Student;
  traits: TokenizerTraits;
  /** Rows with more tokens are left out of training. */
  limit: number;
}

/** Looks for one fault in each response of a row. */
export type SideCheck = (side: PreparedSide, row: PreparedRow, context: CheckContext) => Finding[];

/** Looks for one fault in a row. */
export type RowCheck = (row: PreparedRow, context: CheckContext) => Finding[];
