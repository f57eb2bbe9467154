/** @file The first line of a journal: which problems under which settings. It decides whether a run may go on. */
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

/** @throws OtherRun naming what differs between a journal's header and that of this run */
export function requireSameRun(found: unknown, wanted: JournalHeader, folder: string): void {
  const parsed = journalHeader.safeParse(found);
  if (!parsed.success)
    throw new OtherRun(`${folder} has a journal of something else: choose another folder for --out.`);
  const { problems } = parsed.data;
  const settings = redactSettings(parsed.data.settings); // earlier versions stored secrets
  const differences =
    problems.sha256 === wanted.problems.sha256
      ? []
      : [`the problems (${problems.rows} rows then, ${wanted.problems.rows} now, or other contents)`];
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
