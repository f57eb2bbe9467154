/** @file Reads prompts for sampling without grading. */
import { z } from 'zod';
import type { ChatMessage } from '../text/template.js';
import { readJsonLines, rowError } from './jsonl.js';

const messages = z.array(z.looseObject({ role: z.string(), content: z.string() })).min(1);

/**
 * Prompts of a JSON lines file: `messages`, `prompt` (messages; a text is taken as it is, without a template), or
 * `problem` or `question` (the user's turn). @throws UserError naming file, line and field
 */
export function readPrompts(path: string): (ChatMessage[] | string)[] {
  return Array.from(readJsonLines(path), ({ line, row }) => {
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
  });
}
