/** @file Binds the arguments of a call to a function's parameters. */

import { TemplateError } from './budget.js';
import { integerOf, typeName, Undefined, type Named, type Value } from './values.js';

/** Arguments in the order of the parameters; undefined where none was given. */
export type Bound = readonly (Value | undefined)[];

/**
 * Binds arguments to parameters.
 * @param signature names apart by spaces; `name?` may be left out; a last `/` says that none can be given by name
 * @throws TemplateError if arguments are missing, too many or unknown
 */
export function bind(name: string, signature: string, args: readonly Value[], named: Named): Bound {
  const words = signature === '' ? [] : signature.split(' ');
  const isPositional = words.at(-1) === '/';
  if (isPositional) words.pop();
  const names = words.map((word) => word.replace('?', ''));
  if (args.length > names.length) {
    throw new TemplateError(`${name}() takes at most ${names.length} arguments (${args.length} given)`);
  }
  const bound: (Value | undefined)[] = names.map((_, i) => args[i]);
  for (const [key, value] of named) {
    const at = isPositional ? -1 : names.indexOf(key);
    if (at < 0) throw new TemplateError(`${name}() got an unexpected keyword argument '${key}'`);
    if (bound[at] !== undefined)
      throw new TemplateError(`${name}() got multiple values for argument '${key}'`);
    bound[at] = value;
  }
  words.forEach((word, i) => {
    if (bound[i] === undefined && !word.endsWith('?')) {
      throw new TemplateError(`${name}() misses its argument '${word}'`);
    }
  });
  return bound;
}

/** Returns a value, or another where there is none. None is a value, so that `??` would be wrong. */
export const orElse = <T extends Value | undefined>(value: Value | undefined, otherwise: T): Value | T =>
  value === undefined ? otherwise : value;

/** Refuses an undefined value where Python's own functions would fail on it. */
export function defined(value: Value): Exclude<Value, Undefined> {
  if (value instanceof Undefined) throw new TemplateError(value.problem);
  return value;
}

/** Reads a whole number, or another where none is given. @throws TemplateError for other values */
export function wantInt(value: Value | undefined, otherwise?: number): number {
  const number = value === undefined ? otherwise : integerOf(value);
  if (number === undefined)
    throw new TemplateError(`a whole number is needed, not ${typeName(value ?? null)}`);
  return number;
}
