import type { z } from 'zod';
import { UserError } from '../util/errors.js';

/** @throws UserError naming the file (or what else `where` says) and the field */
export function parseRecipe<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => `"${path === '' ? key : `${path}.${key}`}"`).join(', ');
    throw new UserError(
      `${where}: unknown key ${keys}; see \`redistill train --help\` for the keys of a recipe`,
    );
  }
  throw new UserError(`${where}: ${path === '' ? '' : `field "${path}": `}${issue.message}`);
}
