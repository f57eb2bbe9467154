/** @file Reads from a row its messages and what its chat template is given besides. Refuses what cannot be text. */
import { reservedVariables, type RowMessage, type TemplateInputs } from '../text/template.js';
import { parseJson, plainNumber } from '../util/exactJson.js';
import { isObject } from './jsonl.js';

type Fields = Readonly<Record<string, unknown>>;
/** Makes an error that names the row. */
export type Fail = (problem: string) => Error;

export const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;

/**
 * Reads a list of messages. Their other fields go along; those that are null count as absent.
 * @returns undefined where the value is not a list of objects with roles
 * @throws the error of `fail` where a message's content is nothing that can be trained or asked
 */
export function parseMessages(value: unknown, name: string, fail: Fail): RowMessage[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const messages: RowMessage[] = [];
  for (const [i, message] of (value as unknown[]).entries()) {
    if (!isObject(message) || typeof message.role !== 'string') return undefined;
    const problem = contentProblem(message);
    if (problem !== undefined)
      throw fail(
        `"${name}" must be a text or a list of {"role", "content"}, and message ${i + 1} ${problem}`,
      );
    const given = Object.entries(message).filter(([key, field]) => key === 'content' || field !== null);
    messages.push(Object.fromEntries(given) as unknown as RowMessage);
  }
  return messages;
}

/**
 * Refuses weights of messages that are not trained: those before the answer.
 * @throws the error of `fail` naming the first
 */
export function refuseWeights(messages: readonly RowMessage[], name: string, fail: Fail): void {
  const at = messages.findIndex(({ weight }) => !isAbsent(weight) && plainNumber(weight) !== 0);
  if (at >= 0)
    throw fail(
      `"${name}.${at}.weight" is of a message before the answer, of which nothing is trained: leave it out, and give a row for each answer`,
    );
}

/** Says what is wrong with a message's content. */
function contentProblem({ content, tool_calls: calls }: Fields): string | undefined {
  if (typeof content === 'string') return undefined;
  if (isAbsent(content)) {
    const isCall = Array.isArray(calls) && calls.length > 0 && calls.every(isObject);
    return isCall ? undefined : 'has no "content", which only a message with "tool_calls" may lack';
  }
  if (!Array.isArray(content)) return 'has a "content" that is neither a text nor a list of text parts';
  for (const part of content as unknown[]) {
    if (!isObject(part) || typeof part.type !== 'string')
      return 'has a part of "content" that is not {"type": "text", "text": …}';
    if (part.type !== 'text') return `has a part of type "${part.type}", and only parts of text can be read`;
    if (typeof part.text !== 'string') return 'has a text part whose "text" is not a text';
    if (!isAbsent(part.weight))
      return 'has a part of "content" with a weight; parts with weights stand in "sequences"';
  }
  return undefined;
}

/**
 * Reads a row's `tools` and `chat_template_kwargs`, each as it is or as JSON text.
 * @returns undefined where the row has neither
 */
export function parseTemplateInputs(row: Fields, fail: Fail): TemplateInputs | undefined {
  const tools = fromText(row.tools);
  const kwargs = fromText(row.chat_template_kwargs);
  if (!isAbsent(tools) && !(Array.isArray(tools) && tools.every(isObject)))
    throw fail('"tools" must be a list of JSON schemas, or the JSON text of one');
  if (!isAbsent(kwargs) && !isObject(kwargs))
    throw fail('"chat_template_kwargs" must be an object, or the JSON text of one');
  const reserved = Object.keys(kwargs ?? {}).find((key) => reservedVariables.has(key));
  if (reserved !== undefined) throw fail(`"chat_template_kwargs" cannot set "${reserved}"`);
  if (isAbsent(tools) && isAbsent(kwargs)) return undefined;
  return { ...(!isAbsent(tools) && { tools }), ...(!isAbsent(kwargs) && { kwargs }) };
}

/** The value of a JSON text; a text that is none stays a text, and an empty one counts as absent. */
function fromText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (value.trim() === '') return undefined;
  try {
    return parseJson(value);
  } catch {
    return value;
  }
}

/** Tells whether a template would be given something by the row. */
export function saysSomething({ tools, kwargs }: TemplateInputs): boolean {
  return (tools ?? []).length > 0 || Object.keys(kwargs ?? {}).length > 0;
}
