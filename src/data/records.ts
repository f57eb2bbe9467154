/** @file Reads training rows: messages, and pairs of a chosen and a rejected response. Knows no tokens. */
import { z } from 'zod';
import type { ChatMessage } from '../text/template.js';
import { UserError } from '../util/errors.js';
import { rowError } from './jsonl.js';
import { readRows } from './readRows.js';

/** Messages, or a plain text to which no template is applied. */
export type Text = ChatMessage[] | string;

/** An answer to learn: the last message is the assistant's. */
export interface MessageRecord {
  kind: 'messages';
  line: number;
  prompt: Text;
  response: Text;
}

/** A right and a wrong answer to one prompt. */
export interface PreferenceRecord {
  kind: 'preference';
  line: number;
  prompt: Text;
  chosen: Text;
  rejected: Text;
}

export type TrainingRecord = MessageRecord | PreferenceRecord;

const messages = z.array(z.looseObject({ role: z.string(), content: z.string() })).min(1);
const text = z.union([z.string(), messages]);

/**
 * Reads training rows of JSON lines, a JSON array or Parquet in TRL's layouts:
 *
 *     {"messages": […]}                                  the last message is the answer
 *     {"prompt": …, "completion": …}                     texts or message lists
 *     {"prompt": …, "chosen": …, "rejected": …}          texts or message lists
 *     {"chosen": […], "rejected": […]}                   the prompt is what both begin with
 *
 * A text `prompt` beside message lists (as in REDI's own files) is ignored, as TRL does: both lists hold the user's
 * turn. The answer is one message, the assistant's; columns that are null count as absent.
 * @throws UserError naming file, line and field, or where there are no rows
 */
export async function readTrainingRecords(path: string): Promise<TrainingRecord[]> {
  const records: TrainingRecord[] = [];
  for await (const { line, row } of readRows(path)) records.push(parseRecord(row, path, line));
  if (records.length === 0) throw new UserError(`${path} has no rows.`);
  return records;
}

/** Reads one training row. */
export function parseRecord(row: Record<string, unknown>, path: string, line: number): TrainingRecord {
  const has = (name: string) => row[name] !== undefined && row[name] !== null;
  const fail = (problem: string) => rowError(path, line, problem);
  const field = (name: string): Text => {
    if (!has(name)) throw fail(`the field "${name}" is missing`);
    const parsed = text.safeParse(row[name]);
    if (!parsed.success) throw fail(`"${name}" must be a text or a list of {"role", "content"}`);
    return parsed.data;
  };
  const answer = (name: string): Text => {
    const value = field(name);
    const last = typeof value === 'string' ? undefined : value.at(-1)!;
    if (last && last.role !== 'assistant') {
      throw fail(`the last message of "${name}" must be the assistant's, not "${last.role}"`);
    }
    const content = typeof value === 'string' ? value : value.at(-1)!.content;
    if (content.trim() === '') throw fail(`the answer in "${name}" is empty`);
    return value;
  };
  /** Checks that the answer stands alone beside a prompt: messages before it would be trained as if the model wrote them. */
  const beside = (prompt: Text, name: string, value: Text): Text => {
    if ((typeof prompt === 'string') !== (typeof value === 'string')) {
      throw fail(`"prompt" and "${name}" must both be texts or both lists of messages`);
    }
    if (typeof value !== 'string' && value.length > 1) {
      throw fail(`"${name}" must hold the answer alone, since "prompt" holds the messages before it`);
    }
    return value;
  };
  const promptText = (): Text => {
    const prompt = field('prompt');
    if (prompt === '') throw fail('"prompt" is empty, and the first token of an answer needs one before it');
    return prompt;
  };

  if (has('messages')) {
    const all = answer('messages');
    if (typeof all === 'string') throw fail('"messages" must be a list of {"role", "content"}');
    if (all.length < 2) throw fail('"messages" must hold a prompt before the answer');
    return { kind: 'messages', line, prompt: all.slice(0, -1), response: all.slice(-1) };
  }
  if (has('chosen') || has('rejected')) {
    const chosen = answer('chosen');
    const rejected = answer('rejected');
    if ((typeof chosen === 'string') !== (typeof rejected === 'string')) {
      throw fail('"chosen" and "rejected" must both be texts or both lists of messages');
    }
    if (typeof chosen === 'string' || typeof rejected === 'string' || Array.isArray(row.prompt)) {
      const prompt = promptText();
      return {
        kind: 'preference',
        line,
        prompt,
        chosen: beside(prompt, 'chosen', chosen),
        rejected: beside(prompt, 'rejected', rejected),
      };
    }
    const shared = commonPrefix(chosen, rejected);
    if (shared === 0)
      throw fail(
        'the messages of the prompt are missing: in "prompt" as a list, or at the beginning of both "chosen" and "rejected"',
      );
    if (shared < chosen.length - 1 || shared < rejected.length - 1)
      throw fail('"chosen" and "rejected" must have the same messages before the last, the answer');
    return {
      kind: 'preference',
      line,
      prompt: chosen.slice(0, shared),
      chosen: chosen.slice(shared),
      rejected: rejected.slice(shared),
    };
  }
  if (has('completion')) {
    const prompt = promptText();
    return { kind: 'messages', line, prompt, response: beside(prompt, 'completion', answer('completion')) };
  }
  throw fail('a training row has "messages", "prompt" and "completion", or "chosen" and "rejected"');
}

/** Counts the messages that both lists begin with, leaving each at least its last. */
function commonPrefix(a: readonly ChatMessage[], b: readonly ChatMessage[]): number {
  const most = Math.min(a.length, b.length) - 1;
  let shared = 0;
  while (shared < most && a[shared]!.role === b[shared]!.role && a[shared]!.content === b[shared]!.content)
    shared++;
  return shared;
}
