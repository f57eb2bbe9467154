/** @file Reads a response as one text, and tells when its message is more than that. */
import { contentText, reasoningOf } from '../text/messages.js';
import type { RowMessage } from '../text/template.js';
import { writeJson } from '../util/exactJson.js';

/**
 * Gives what the model wrote as one text, to be verified and measured: thinking that stands apart is put back as
 * `<think>…</think>`, as `collect` does, and tool calls follow as `<tool_call>…</tool_call>`.
 */
export function responseText(message: RowMessage): string {
  const { tool_calls: given } = message as RowMessage & { tool_calls?: unknown };
  const content = contentText(message);
  const thought = reasoningOf(message);
  const calls: unknown[] = Array.isArray(given) ? given : [];
  const called = calls.map((call) => `<tool_call>\n${writeJson(call)}\n</tool_call>`);
  const said = [content, ...called].filter((part) => part !== '').join('\n');
  if (thought === undefined || content.includes('</think>')) return said;
  return `<think>\n${thought}\n</think>\n\n${said.trimStart()}`;
}

/** Tells whether role and content, a text, are all that a message holds. */
export function isPlain(message: RowMessage): boolean {
  return (
    typeof message.content === 'string' &&
    Object.keys(message).every((name) => name === 'role' || name === 'content')
  );
}
