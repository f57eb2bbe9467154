/** @file Reads what a message holds: its text, its separate thinking, the tools that it calls. */

import { plainNumber } from '../util/exactJson.js';
import { reasoningFields, type RowMessage } from './template.js';

/** A message's text; text parts are joined, as templates that take parts write them. '' beside tool calls alone. */
export function contentText({ content }: RowMessage): string {
  if (typeof content === 'string') return content;
  return content?.map(({ text = '' }) => text).join('') ?? '';
}

/** Returns the thinking that a message holds in a field of its own. */
export function reasoningOf(message: RowMessage): string | undefined {
  const fields = message as RowMessage & Record<string, unknown>;
  for (const name of reasoningFields) {
    const value = fields[name];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  return undefined;
}

/** How much an answer counts, with its sign. */
export function answerWeight(response: readonly RowMessage[] | string): number {
  const weight = typeof response === 'string' ? undefined : plainNumber(response.at(-1)?.weight);
  return weight ?? 1;
}

/** The names of the tools that a message calls; '' for a call that names none. */
export function calledTools(message: RowMessage): string[] {
  const { tool_calls: calls } = message as RowMessage & { tool_calls?: unknown };
  if (!Array.isArray(calls)) return [];
  return calls.map((call: unknown) => {
    const { function: called, name } = (call ?? {}) as { function?: { name?: unknown }; name?: unknown };
    const given = called?.name ?? name;
    return typeof given === 'string' ? given : '';
  });
}
