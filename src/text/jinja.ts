/**
 * @file Runs Jinja templates from strangers as transformers runs chat templates, with limits, since a template comes
 * with a model and may loop or grow without end. A language of its own and not a library: docs/decisions.md.
 */

import { TemplateError, withBudget } from './jinja/budget.js';
import { run, type Rendered, type RunOptions } from './jinja/interpreter.js';
import type { Statement } from './jinja/nodes.js';
import { parse } from './jinja/parser.js';
import { fromJson } from './jinja/values.js';

export type { Rendered };

/** A parsed template. */
export type Program = readonly Statement[];

/** Bounds a template's characters; the longest templates in use have about 40,000. */
const MAX_SOURCE = 1 << 18;

/** Parses a template. @throws Error that says what is wrong with it */
export function compile(source: string): Program {
  if (source.length > MAX_SOURCE) throw new TemplateError(`it has more than ${MAX_SOURCE} characters`);
  return withBudget(() => parse(source));
}

/**
 * Renders a parsed template.
 * @param variables JSON values
 * @throws Error with the template's own words (`raise_exception`) or the fault
 */
export function render(
  program: Program,
  variables: Readonly<Record<string, unknown>>,
  options?: RunOptions,
): Rendered {
  return withBudget(() => {
    const values = Object.entries(variables).map(([name, value]) => [name, fromJson(value)] as const);
    return run(program, new Map(values), options);
  });
}
