/** @file Holds what the readers of config.json share. */
import { z } from 'zod';
import type { UserError } from '../util/errors.js';

/** A count that fits into 31 bits. */
export const size = z
  .number()
  .int()
  .positive()
  .max(2 ** 31 - 1);

export const positive = z.number().positive();

/** Makes the error about a field. */
export type Fail = (field: string, message: string) => UserError;
