/** @file The header of a journal: which problems under which settings. It decides whether a run may go on. */
import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { redactSettings } from '../util/redact.js';

export const journalHeader = z.object({
  journal: z.literal('redistill answers'),
  version: z.literal(2),
  problems: z.object({ rows: z.number(), sha256: z.string() }),
  /** What a response depends on. How many there are to be, and of which of the problems, is not part of it. */
  settings: z.record(z.string(), z.unknown()),
});
export type JournalHeader = z.infer<typeof journalHeader>;

/** The folder holds the answers of another run. */
export class OtherRun extends UserError {
  override name = 'OtherRun';
}

/** Reads the first line of a journal. @throws OtherRun where it is something else */
export function readHeader(line: unknown, folder: string): JournalHeader {
  const parsed = journalHeader.safeParse(line);
  if (!parsed.success)
    throw new OtherRun(`${folder} has a journal of something else: choose another folder for --out.`);
  return parsed.data;
}

/**
 * @param begins whether the problems of now begin with those of then
 * @throws OtherRun naming what differs between a journal's header and that of this run
 */
export function requireSameRun(
  found: JournalHeader,
  wanted: JournalHeader,
  begins: boolean,
  folder: string,
): void {
  const settings = redactSettings(found.settings); // earlier versions stored secrets
  const [then, now] = [found.problems.rows, wanted.problems.rows];
  const differences = begins
    ? []
    : [`the problems (${then} rows then, ${now} now: further ones can be added only at the end of the file)`];
  for (const key of new Set([...Object.keys(settings), ...Object.keys(wanted.settings)])) {
    const [was, is] = [shown(settings[key]), shown(wanted.settings[key])];
    if (was !== is) differences.push(`${key} (${shorten(was)} then, ${shorten(is)} now)`);
  }
  if (differences.length > 0) {
    throw new OtherRun(
      `${folder} was begun with other settings: ${differences.join(', ')}; go on with the same ones, or choose another folder for --out.`,
    );
  }
}

const shown = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value));

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
