/** @file Reads prompts for sampling without grading. */
import type { RowMessage, TemplateInputs } from '../text/template.js';
import { readJsonLines, rowError } from './jsonl.js';
import { isAbsent, parseMessages, parseTemplateInputs } from './messages.js';

/** What a response is asked for. */
export interface Prompt {
  line: number;
  /** Messages; a text is the user's turn, or what the model is to continue. */
  prompt: RowMessage[] | string;
  /** The row's tools and variables for the chat template. */
  inputs?: TemplateInputs;
}

/**
 * Prompts of a JSON lines file: `messages`, `prompt` (messages or a text), or `problem` or `question` (a text). Beside
 * them stand `tools` and `chat_template_kwargs`. Fields that are null count as absent.
 * @throws UserError naming file, line and field
 */
export function readPrompts(path: string): Prompt[] {
  return Array.from(readJsonLines(path), ({ line, row }) => {
    const fail = (problem: string) => rowError(path, line, problem);
    const name = ['messages', 'prompt', 'problem', 'question'].find((field) => !isAbsent(row[field]));
    if (name === undefined) throw fail('the field "prompt", "messages" or "problem" is missing');
    const inputs = parseTemplateInputs(row, fail);
    return { line, prompt: promptOf(row[name], name, fail), ...(inputs && { inputs }) };
  });
}

function promptOf(value: unknown, name: string, fail: (problem: string) => Error): RowMessage[] | string {
  if (name !== 'messages' && typeof value === 'string') return value;
  if (name === 'problem' || name === 'question') throw fail(`"${name}" must be a text`);
  const messages = parseMessages(value, name, fail);
  if (!messages) throw fail(`"${name}" must be a list of {"role", "content"}`);
  return messages;
}
