/** @file Reads prompts for sampling without grading. */
import type { RowMessage, TemplateInputs } from '../text/template.js';
import { UserError } from '../util/errors.js';
import { rowError } from './jsonl.js';
import { isAbsent, parseMessages, parseTemplateInputs } from './messages.js';
import { readRows } from './readRows.js';

/** What a response is asked for. */
export interface Prompt {
  line: number;
  /** Messages; a text is the user's turn, or what the model is to continue. */
  prompt: RowMessage[] | string;
  /** How the response begins, where the row says so. */
  prefix?: string;
  /** The row's tools and variables for the chat template. */
  inputs?: TemplateInputs;
}

/**
 * Prompts of a file of rows: `messages`, `prompt` (messages or a text), or `problem` or `question` (a text). Beside
 * them stand `tools` and `chat_template_kwargs`. Fields that are null count as absent.
 * @param prefixField the field of a text with which the response begins
 * @throws UserError naming file, line and field, or where there are no rows
 */
export async function readPrompts(path: string, prefixField?: string): Promise<Prompt[]> {
  const prompts: Prompt[] = [];
  for await (const { line, row } of readRows(path)) {
    const fail = (problem: string) => rowError(path, line, problem);
    const name = ['messages', 'prompt', 'problem', 'question'].find((field) => !isAbsent(row[field]));
    if (name === undefined) throw fail('the field "prompt", "messages" or "problem" is missing');
    const inputs = parseTemplateInputs(row, fail);
    const prefix = prefixField === undefined ? undefined : row[prefixField];
    if (prefixField !== undefined && typeof prefix !== 'string')
      throw fail(`"${prefixField}", with which the response begins, must be a text`);
    prompts.push({
      ...{ line, prompt: promptOf(row[name], name, fail) },
      ...(inputs && { inputs }),
      ...(typeof prefix === 'string' && { prefix }),
    });
  }
  if (prompts.length === 0) throw new UserError(`${path} has no rows.`);
  return prompts;
}

function promptOf(value: unknown, name: string, fail: (problem: string) => Error): RowMessage[] | string {
  if (name !== 'messages' && typeof value === 'string') return value;
  if (name === 'problem' || name === 'question') throw fail(`"${name}" must be a text`);
  const messages = parseMessages(value, name, fail);
  if (!messages) throw fail(`"${name}" must be a list of {"role", "content"}`);
  return messages;
}
