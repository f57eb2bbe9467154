/** @file Reads prompts for sampling without grading. */
import { z } from 'zod';
import type { ChatMessage } from '../text/template.js';
import { UserError } from '../util/errors.js';
import { rowError } from './jsonl.js';
import { readRows } from './readRows.js';

const messages = z.array(z.looseObject({ role: z.string(), content: z.string() })).min(1);

/**
 * Prompts of a file of rows: `messages`, `prompt` (messages; a text is taken as it is, without a template), or
 * `problem` or `question` (the user's turn). @throws UserError naming file, line and field, or where there are no rows
 */
export async function readPrompts(path: string): Promise<(ChatMessage[] | string)[]> {
  const prompts: (ChatMessage[] | string)[] = [];
  for await (const { line, row } of readRows(path)) prompts.push(promptOf(row, path, line));
  if (prompts.length === 0) throw new UserError(`${path} has no rows.`);
  return prompts;
}

function promptOf(row: Record<string, unknown>, path: string, line: number): ChatMessage[] | string {
  for (const name of ['messages', 'prompt'] as const) {
    if (row[name] === undefined) continue;
    if (name === 'prompt' && typeof row.prompt === 'string') return row.prompt;
    const parsed = messages.safeParse(row[name]);
    if (!parsed.success) throw rowError(path, line, `"${name}" must be a list of {"role", "content"}`);
    return parsed.data;
  }
  const problem = row.problem ?? row.question;
  if (typeof problem !== 'string')
    throw rowError(path, line, 'the field "prompt", "messages" or "problem" is missing');
  return [{ role: 'user', content: problem }];
}
