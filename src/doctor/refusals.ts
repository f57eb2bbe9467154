/** @file Explains why training cannot take a row: its fields, the order of its roles, or its rendering. */

import type { RowError } from '../data/jsonl.js';
import type { Text } from '../data/records.js';
import type { ChatMessage } from '../text/template.js';
import { messageOf } from '../util/errors.js';
import { finding, quote, type Finding } from './findings.js';
import type { Student } from './student.js';
import { thoughtOf } from './thinking.js';

/**
 * Explains why the template, or the tokens that it wrote, could not be used.
 * @param message the error of `tokenSide`
 */
export function explainRefusal(
  { tokenizer, system }: Student,
  prompt: Text,
  response: readonly ChatMessage[] | string,
  message: string,
): Finding {
  if (typeof prompt === 'string' || typeof response === 'string') return finding('end-not-trained', message);
  const asked = system === undefined ? prompt : [{ role: 'system', content: system }, ...prompt];
  let whole: string;
  let start: string;
  try {
    whole = tokenizer.renderChat([...asked, ...response]);
    start = tokenizer.renderChat(asked, { addGenerationPrompt: true });
  } catch (error) {
    return finding('template-refuses', messageOf(error));
  }
  const { content } = response[0]!;
  const thought = thoughtOf(content);
  if (thought !== '' && !whole.includes(thought))
    return finding('thinking-dropped', `its thinking, ${quote(thought)}, is not in what the template writes`);
  const kept = whole.startsWith(start) && whole.includes(content.trim());
  return finding(kept ? 'end-not-trained' : 'template-rewrites', message);
}

/** Explains why a row is not a training row. */
export function explainUnreadable(fields: Record<string, unknown>, error: RowError): Finding {
  const { chosen, rejected } = fields;
  if (isConversation(chosen) && isConversation(rejected) && !Array.isArray(fields.prompt)) {
    const prompts = [chosen, rejected].map((all) =>
      JSON.stringify(all.slice(0, -1).map(({ role, content }) => [role, content])),
    );
    if (prompts[0] !== prompts[1])
      return finding(
        'different-prompts',
        `chosen responds to ${quote(chosen.at(-2)?.content ?? '')} and rejected to ${quote(rejected.at(-2)?.content ?? '')}`,
      );
  }
  for (const name of ['messages', 'completion', 'chosen', 'rejected']) {
    const value = fields[name];
    const last: unknown = isConversation(value) ? value.at(-1)!.content : value;
    if (typeof last === 'string' && last.trim() === '')
      return finding('empty-answer', `the response in "${name}" is empty`);
    if (isConversation(value) && value.at(-1)!.role !== 'assistant')
      return finding(
        'roles',
        `the last message of "${name}" is the ${value.at(-1)!.role}'s, not the assistant's`,
      );
  }
  return finding('unreadable-row', error.problem);
}

function isConversation(value: unknown): value is ChatMessage[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (message: unknown) =>
        typeof message === 'object' &&
        message !== null &&
        typeof (message as Partial<ChatMessage>).role === 'string' &&
        typeof (message as Partial<ChatMessage>).content === 'string',
    )
  );
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
export function rolesOutOfOrder(prompt: Text): string | undefined {
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
