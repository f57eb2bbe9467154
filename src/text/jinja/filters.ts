/** @file Finds filters by name. What each does is Jinja2's, `tojson` transformers'. */

import { bind } from './arguments.js';
import { readText, TemplateError } from './budget.js';
import type { Appliers, Filter, VariadicFilter } from './filter.js';
import { listFilters } from './listFilters.js';
import { textFilters } from './textFilters.js';
import { valueFilters } from './valueFilters.js';
import { textOf, type Named, type Value } from './values.js';

const all: ReadonlyMap<string, Filter | VariadicFilter> = new Map<string, Filter | VariadicFilter>([
  ...Object.entries(textFilters),
  ...Object.entries(listFilters),
  ...Object.entries(valueFilters),
]);

export const isFilter = (name: string) => all.has(name);

/** Applies a filter. @throws TemplateError if there is none of that name, or as the filter does */
export function applyFilter(
  name: string,
  value: Value,
  args: readonly Value[],
  named: Named,
  apply: Appliers,
): Value {
  const filter = all.get(name);
  if (!filter) throw new TemplateError(`No filter named '${name}'`);
  for (const operand of [value, ...args]) readText(textOf(operand)?.length ?? 0);
  return typeof filter === 'function'
    ? filter(value, args, named, apply)
    : filter.run(value, bind(name, filter.signature, args, named));
}
