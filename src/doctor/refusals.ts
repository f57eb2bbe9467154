/** @file Explains why training cannot take a row: its fields, the order of its roles, or its rendering. */

import { isDeepStrictEqual } from 'node:util';
import type { RowError } from '../data/jsonl.js';
import { parseMessages } from '../data/messages.js';
import type { MessageRecord, PreferenceRecord } from '../data/records.js';
import { calledTools, contentText, reasoningOf } from '../text/messages.js';
import type { RowMessage } from '../text/template.js';
import { withSystem } from '../text/tokenRows.js';
import { messageOf, UserError } from '../util/errors.js';
import { finding, quote, type Finding } from './findings.js';
import type { Student } from './student.js';
import { thoughtOf } from './thinking.js';

/**
 * Explains why the template, or the tokens that it wrote, could not be used.
 * @param message the error of `tokenSide`
 */
export function explainRefusal(
  { tokenizer, system }: Student,
  { prompt, inputs }: MessageRecord | PreferenceRecord,
  response: readonly RowMessage[] | string,
  message: string,
): Finding {
  if (typeof prompt === 'string' || typeof response === 'string') return finding('end-not-trained', message);
  const asked = withSystem(prompt, system);
  let whole: string;
  let start: string;
  try {
    whole = tokenizer.renderChat([...asked, ...response], inputs);
    start = tokenizer.renderChat(asked, { ...inputs, addGenerationPrompt: true });
  } catch (error) {
    return finding('template-refuses', messageOf(error));
  }
  const said = response[0]!;
  const content = contentText(said);
  const thought = reasoningOf(said) ?? thoughtOf(content);
  if (thought !== '' && !whole.includes(thought))
    return finding('thinking-dropped', `its thinking, ${quote(thought)}, is not in what the template writes`);
  const kept =
    whole.startsWith(start) && [content.trim(), ...calledTools(said)].every((part) => whole.includes(part));
  return finding(kept ? 'end-not-trained' : 'template-rewrites', message);
}

/** Explains why a row is not a training row. */
export function explainUnreadable(fields: Record<string, unknown>, error: RowError): Finding {
  const [chosen, rejected] = [messagesIn(fields.chosen), messagesIn(fields.rejected)];
  if (chosen && rejected && !Array.isArray(fields.prompt)) {
    if (!isDeepStrictEqual(chosen.slice(0, -1), rejected.slice(0, -1))) {
      const [one, other] = [chosen, rejected].map((all) => quote(contentText(all.at(-2) ?? all.at(-1)!)));
      return finding('different-prompts', `chosen responds to ${one!} and rejected to ${other!}`);
    }
  }
  for (const name of ['messages', 'completion', 'chosen', 'rejected']) {
    const value = fields[name];
    const last = messagesIn(value)?.at(-1);
    const text = last ? contentText(last) : value;
    if (typeof text === 'string' && text.trim() === '' && !(last && calledTools(last).length > 0))
      return finding('empty-answer', `the response in "${name}" is empty`);
    if (last && last.role !== 'assistant')
      return finding('roles', `the last message of "${name}" is the ${last.role}'s, not the assistant's`);
  }
  return finding('unreadable-row', error.problem);
}

/** The messages that a field holds; undefined where it is something else. */
function messagesIn(value: unknown): RowMessage[] | undefined {
  try {
    return parseMessages(value, '', (problem) => new UserError(problem));
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** The roles that may precede each role; '' is the beginning. The assistant's response follows the last message. */
const PRECEDING: Record<string, readonly string[]> = {
  system: ['', 'system', 'developer'],
  developer: ['', 'system', 'developer'],
  user: ['', 'system', 'developer', 'assistant'],
  assistant: ['user', 'tool'],
  tool: ['assistant', 'tool'],
};

/** Describes the first message whose role is unknown or out of order. */
export function rolesOutOfOrder(prompt: readonly RowMessage[] | string): string | undefined {
  if (typeof prompt === 'string') return undefined;
  let before = '';
  for (const [i, { role }] of [...prompt, { role: 'assistant' }].entries()) {
    if (!Object.hasOwn(PRECEDING, role)) return `message ${i + 1} has the unknown role "${role}"`;
    if (!PRECEDING[role]!.includes(before))
      return before === ''
        ? `the first message is the ${role}'s`
        : `message ${i + 1} is the ${role}'s and follows one of the ${before}'s`;
    before = role;
  }
  return undefined;
}
