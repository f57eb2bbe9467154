import { z } from 'zod';
import type { ChatMessage } from '../text/template.js';
import { readJsonLines, rowError } from './jsonl.js';

/** Messages, or a plain text that no template touches. */
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
 * Reads training rows of JSON lines in TRL's layouts:
 *
 *     {"messages": […]}                                  the last message is the answer
 *     {"prompt": …, "completion": …}                     texts or message lists
 *     {"prompt": …, "chosen": …, "rejected": …}          texts or message lists
 *     {"chosen": […], "rejected": […]}                   the prompt is what both begin with
 *
 * A text `prompt` beside message lists (as in REDI's own files) is ignored: both lists hold the user's turn.
 * @throws UserError naming file, line and field
 */
export function readTrainingRecords(path: string): TrainingRecord[] {
  return Array.from(readJsonLines(path), ({ line, row }) => parseRecord(row, path, line));
}

function parseRecord(row: Record<string, unknown>, path: string, line: number): TrainingRecord {
  const fail = (problem: string) => rowError(path, line, problem);
  const field = (name: string): Text => {
    const parsed = text.safeParse(row[name]);
    if (row[name] === undefined) throw fail(`the field "${name}" is missing`);
    if (!parsed.success) throw fail(`"${name}" must be a text or a list of {"role", "content"}`);
    return parsed.data;
  };
  const answer = (name: string, value: Text): Text => {
    const last = typeof value === 'string' ? value : value.at(-1)!.content;
    if (last.trim() === '') throw fail(`the answer in "${name}" is empty`);
    if (typeof value !== 'string' && value.at(-1)!.role !== 'assistant') {
      throw fail(`the last message of "${name}" must be the assistant's, not "${value.at(-1)!.role}"`);
    }
    return value;
  };

  if ('messages' in row) {
    const all = answer('messages', field('messages'));
    if (typeof all === 'string') throw fail('"messages" must be a list of {"role", "content"}');
    if (all.length < 2) throw fail('"messages" must hold a prompt before the answer');
    return { kind: 'messages', line, prompt: all.slice(0, -1), response: all.slice(-1) };
  }
  if ('chosen' in row || 'rejected' in row) {
    const chosen = answer('chosen', field('chosen'));
    const rejected = answer('rejected', field('rejected'));
    if ((typeof chosen === 'string') !== (typeof rejected === 'string')) {
      throw fail('"chosen" and "rejected" must both be texts or both lists of messages');
    }
    const given = 'prompt' in row ? field('prompt') : undefined;
    if (typeof chosen === 'string' || typeof rejected === 'string') {
      if (typeof given !== 'string') throw fail('"prompt" must be a text where "chosen" and "rejected" are');
      return { kind: 'preference', line, prompt: given, chosen, rejected };
    }
    if (Array.isArray(given)) return { kind: 'preference', line, prompt: given, chosen, rejected };
    const shared = commonPrefix(chosen, rejected);
    if (shared === 0)
      throw fail('the field "prompt" is missing, and "chosen" and "rejected" begin differently');
    return {
      kind: 'preference',
      line,
      prompt: chosen.slice(0, shared),
      chosen: chosen.slice(shared),
      rejected: rejected.slice(shared),
    };
  }
  if ('completion' in row) {
    const prompt = field('prompt');
    const response = answer('completion', field('completion'));
    if ((typeof prompt === 'string') !== (typeof response === 'string')) {
      throw fail('"prompt" and "completion" must both be texts or both lists of messages');
    }
    return { kind: 'messages', line, prompt, response };
  }
  throw fail('a training row has "messages", "prompt" and "completion", or "chosen" and "rejected"');
}

/** Messages that both lists begin with, leaving each at least its last. */
function commonPrefix(a: readonly ChatMessage[], b: readonly ChatMessage[]): number {
  const most = Math.min(a.length, b.length) - 1;
  let shared = 0;
  while (shared < most && a[shared]!.role === b[shared]!.role && a[shared]!.content === b[shared]!.content)
    shared++;
  return shared;
}
