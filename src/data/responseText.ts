/** @file Reads a response as one text, and tells when its message is more than that. */
import type { ChatMessage } from '../text/template.js';
import { writeJson } from '../util/exactJson.js';

/** Fields in which servers put a message's thinking. */
export const thinkingFields = ['reasoning_content', 'thinking', 'reasoning'] as const;

/**
 * Gives what the model wrote as one text, to be verified and measured: thinking that stands apart is put back as
 * `<think>…</think>`, as `collect` does, and tool calls follow as `<tool_call>…</tool_call>`.
 */
export function responseText(message: ChatMessage): string {
  const fields = message as ChatMessage & Record<string, unknown>;
  const content = contentText(fields.content);
  const thought = thinkingFields
    .map((name) => fields[name])
    .find((value) => typeof value === 'string' && value.trim() !== '');
  const calls: unknown[] = Array.isArray(fields.tool_calls) ? fields.tool_calls : [];
  const called = calls.map((call) => `<tool_call>\n${writeJson([call]).slice(1, -1)}\n</tool_call>`);
  const said = [content, ...called].filter((part) => part !== '').join('\n');
  if (typeof thought !== 'string' || content.includes('</think>')) return said;
  return `<think>\n${thought.trim()}\n</think>\n\n${said.trimStart()}`;
}

/** Tells whether role and content, a text, are all that a message holds. */
export function isPlain(message: ChatMessage): boolean {
  return (
    typeof message.content === 'string' &&
    Object.keys(message).every((name) => name === 'role' || name === 'content')
  );
}

/** A message's content may be a list of parts, or null beside tool calls. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => (part as { text?: unknown } | null)?.text)
    .filter((text) => typeof text === 'string')
    .join('');
}
