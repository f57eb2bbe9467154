import { z } from 'zod';
import type { ChatMessage } from '../text/template.js';
import { UserError } from '../util/errors.js';
import { deriveSeed } from '../util/random.js';

/** What a collection asks for. A run can be gone on with under the same settings, or for more traces of a problem. */
export interface CollectSettings {
  model: string;
  /** Traces a problem; with `until_right` at most. */
  samples: number;
  until_right: boolean;
  api: 'chat' | 'completions';
  /** The system message, null for none. */
  system: string | null;
  /** Put before the problem, on a line of its own; empty for none. It is not stored in `problem`. */
  instruction: string;
  seed: number;
  /** Fields of the requests' body under the API's names: `temperature`, `max_tokens`, …; null leaves one out. */
  sampling: Record<string, unknown>;
}

/** The first line of a journal. */
const journalHeader = z.object({
  journal: z.literal('redistill collect'),
  version: z.literal(1),
  problems: z.object({ rows: z.number(), sha256: z.string() }),
  settings: z.record(z.string(), z.unknown()),
});
export type JournalHeader = z.infer<typeof journalHeader>;

/** @throws UserError naming what differs between a journal's header and that of this run */
export function requireSameRun(found: unknown, wanted: JournalHeader, folder: string): void {
  const parsed = journalHeader.safeParse(found);
  if (!parsed.success)
    throw new UserError(`${folder} has a journal of something else: choose another folder for --out.`);
  const { problems, settings } = parsed.data;
  const differences =
    problems.sha256 === wanted.problems.sha256
      ? []
      : [`the problems (${problems.rows} rows then, ${wanted.problems.rows} now, or other contents)`];
  const before = flat(settings);
  const now = flat(wanted.settings);
  for (const key of new Set([...before.keys(), ...now.keys()])) {
    const [was, is] = [before.get(key) ?? 'not set', now.get(key) ?? 'not set'];
    if (was !== is) differences.push(`${key} (${shorten(was)} then, ${shorten(is)} now)`);
  }
  if (differences.length > 0) {
    throw new UserError(
      `${folder} was begun with other settings: ${differences.join(', ')}; go on with the same ones, or choose another folder for --out.`,
    );
  }
}

/** The settings that a trace depends on; how many there are to be is not one. */
function flat({ sampling, ...settings }: Record<string, unknown>): Map<string, string> {
  const all = { ...settings, ...(sampling as Record<string, unknown> | undefined) };
  const entries = Object.entries(all).filter(([key]) => key !== 'samples' && key !== 'until_right');
  return new Map(entries.map(([key, value]) => [key, JSON.stringify(value)]));
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** What is sent for a problem: messages for the chat API, else a text. */
export function promptFor(
  { api, system, instruction }: CollectSettings,
  problem: string,
): ChatMessage[] | string {
  const text = instruction === '' ? problem : `${instruction}\n${problem}`;
  if (api === 'completions') return text;
  return [...(system === null ? [] : [{ role: 'system', content: system }]), { role: 'user', content: text }];
}

/**
 * The body's fields for one trace. Its seed depends on the run's seed, the problem's place in the file and the trace's
 * number alone, so that a trace is the same whenever it is asked for, as far as the server keeps to seeds. Seeds have
 * 31 bits, which every server takes.
 */
export function requestFields(
  { sampling, seed }: CollectSettings,
  problem: number,
  sample: number,
): Record<string, unknown> {
  return { seed: deriveSeed(seed, 'collect', problem, sample) % 2 ** 31, ...sampling };
}

/** The settings as they stand in every row of the traces. */
export function storedSampling(settings: CollectSettings): Record<string, unknown> {
  const { api, system, instruction, seed, sampling } = settings;
  const kept = Object.entries({ api, system, instruction, seed, ...sampling });
  return Object.fromEntries(kept.filter(([, value]) => value !== null && value !== ''));
}
