/** @file Finds the thinking in a message. */

import type { ChatMessage } from '../text/template.js';

/** Fields in which servers put a message's thinking. */
const REASONING_FIELDS = ['reasoning_content', 'reasoning', 'thinking'];

/** Returns the thinking that a message holds in a field of its own. */
export function reasoningOf(message: ChatMessage): string | undefined {
  const fields = message as ChatMessage & Record<string, unknown>;
  for (const name of REASONING_FIELDS) {
    const value = fields[name];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  return undefined;
}

/** Returns the text between the first `<think>`, or the beginning, and the last `</think>`; '' without a `</think>`. */
export function thoughtOf(content: string): string {
  const end = content.lastIndexOf('</think>');
  if (end < 0) return '';
  const start = content.indexOf('<think>');
  return content.slice(start >= 0 && start < end ? start + '<think>'.length : 0, end).trim();
}
