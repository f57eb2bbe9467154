/** @file Says what a filter is. */

import type { Bound } from './arguments.js';
import type { Named, Value } from './values.js';

/** Applies filters and tests by name; what some filters do to every element. */
export interface Appliers {
  filter(name: string, value: Value, args: readonly Value[], named: Named): Value;
  test(name: string, value: Value, args: readonly Value[], named: Named): boolean;
}

/** A filter: its parameters after the value as `bind` reads them, and what it does. */
export interface Filter {
  signature: string;
  run: (value: Value, args: Bound) => Value;
}

/** A filter that passes its arguments on. */
export type VariadicFilter = (value: Value, args: readonly Value[], named: Named, apply: Appliers) => Value;
