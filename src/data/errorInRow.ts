/** @file Names file and line in an error that came up while a row was used. */
import { messageOf, UserError } from '../util/errors.js';
import { rowError, RowError } from './jsonl.js';

/** The same error with the row's place; a row that is nested too deeply is the row's fault. */
export function errorInRow(path: string, line: number, error: unknown): Error {
  if (error instanceof RowError) return error;
  if (error instanceof UserError) return rowError(path, line, error.message.replace(/\.$/, ''));
  if (error instanceof RangeError && error.message.includes('call stack'))
    return rowError(path, line, 'it is nested too deeply');
  return new Error(`${path}, line ${line}: ${messageOf(error)}`, { cause: error });
}
