/** @file Keeps rows as the doctor saw them in a file, for whoever shows them later. */
import type { ShownRow } from './examine.js';
import { shorten } from './spans.js';
import type { RowVerdict } from './verdict.js';

/** The file beside the verdicts, and how many rows it has: those with errors first. */
export const [KEPT_FILE, KEPT_ROWS] = ['shown.jsonl', 40] as const;

/** Pieces kept at each end of a prompt or a response. */
const KEEP = 400;

/** A row of the file. A piece is its text with what it is, or the number of tokens that are left out. */
export interface KeptRow extends RowVerdict {
  responses: { role: string; pieces: KeptPiece[] }[];
}

export type KeptPiece =
  { text: string; trained: boolean; special?: true } | { skipped: number; trained: boolean };

export function keptRow({ verdict, responses }: ShownRow): KeptRow {
  return {
    ...verdict,
    responses: responses.map(({ role, spans }) => ({
      role,
      pieces: shorten(spans, KEEP).map((piece): KeptPiece => {
        if ('skipped' in piece) return piece;
        const { text, trained, special } = piece;
        return { text, trained, ...(special && { special }) };
      }),
    })),
  };
}
