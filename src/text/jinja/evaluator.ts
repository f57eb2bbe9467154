/** @file Evaluates the expressions of templates. */

import { getAttribute, getItem, getSlice } from './attributes.js';
import { defined } from './arguments.js';
import { allowText, nested, spend, TemplateError } from './budget.js';
import type { Appliers } from './filter.js';
import { applyFilter } from './filters.js';
import type { Arguments, ComparisonOperator, Expression } from './nodes.js';
import { binary, contains, signed } from './operators.js';
import type { Scope } from './scope.js';
import { applyTest } from './tests.js';
import { toText } from './text.js';
import {
  Callable,
  compare,
  Dict,
  equals,
  listOf,
  textOf,
  truthy,
  Tuple,
  typeName,
  Undefined,
  type Named,
  type Value,
} from './values.js';

const appliers: Appliers = {
  filter: (name, value, args, named) => applyFilter(name, value, args, named, appliers),
  test: applyTest,
};

/** Evaluates an expression. @param body the text that a block encloses, where the expression stands in its tag */
export function evaluate(node: Expression, scope: Scope, body?: string): Value {
  spend(1);
  switch (node.kind) {
    case 'const':
      return node.value;
    case 'name':
      return scope.get(node.name);
    case 'attribute':
      return getAttribute(evaluate(node.object, scope), node.name);
    case 'item':
      return getItem(evaluate(node.object, scope), evaluate(node.key, scope));
    case 'slice': {
      const [start, stop, step] = node.bounds.map((bound) => (bound ? evaluate(bound, scope) : null));
      return made(getSlice(evaluate(node.object, scope), [start!, stop!, step!]));
    }
    case 'list':
      return node.items.map((item) => evaluate(item, scope));
    case 'tuple':
      return new Tuple(node.items.map((item) => evaluate(item, scope)));
    case 'dict':
      return new Dict(node.entries.map(([key, value]) => [evaluate(key, scope), evaluate(value, scope)]));
    case 'concat': {
      const texts = node.items.map((item) => toText(evaluate(item, scope)));
      allowText(texts.reduce((sum, text) => sum + text.length, 0));
      return texts.join('');
    }
    case 'binary':
      return binary(node.operator, evaluate(node.left, scope), evaluate(node.right, scope));
    case 'sign':
      return signed(node.sign, evaluate(node.value, scope));
    case 'not':
      return !truthy(evaluate(node.value, scope));
    case 'and': {
      const left = evaluate(node.left, scope);
      return truthy(left) ? evaluate(node.right, scope) : left;
    }
    case 'or': {
      const left = evaluate(node.left, scope);
      return truthy(left) ? left : evaluate(node.right, scope);
    }
    case 'compare':
      return compareChain(node, scope);
    case 'if':
      if (truthy(evaluate(node.condition, scope))) return evaluate(node.then, scope);
      if (node.otherwise) return evaluate(node.otherwise, scope);
      return new Undefined('the inline if-expression evaluated to false and no else section was defined.');
    case 'filter': {
      const value = evaluate(node.value, scope, body);
      const { args, named } = evaluateArguments(node.input, scope);
      return made(applyFilter(node.name, value, args, named, appliers));
    }
    case 'test': {
      const value = evaluate(node.value, scope);
      const { args, named } = evaluateArguments(node.input, scope);
      return applyTest(node.name, value, args, named);
    }
    case 'call': {
      const callee = evaluate(node.callee, scope);
      const { args, named } = evaluateArguments(node.input, scope);
      return call(callee, args, named);
    }
    case 'body':
      return body ?? '';
  }
}

/** Charges for a text that was made. */
function made(value: Value): Value {
  const text = textOf(value);
  if (text !== undefined) allowText(text.length);
  return value;
}

/** Calls a function or macro. @throws TemplateError if the value is neither */
export function call(callee: Value, args: readonly Value[], named: Named): Value {
  if (callee instanceof Callable) return nested(() => made(callee.call(args, named)));
  defined(callee);
  throw new TemplateError(`'${typeName(callee)}' object is not callable`);
}

/** Evaluates arguments; what `*` and `**` spread stands among them. */
export function evaluateArguments(
  input: Arguments,
  scope: Scope,
): { args: Value[]; named: Map<string, Value> } {
  const args = input.args.map((arg) => evaluate(arg, scope));
  if (input.spread) for (const item of listOf(evaluate(input.spread, scope))) args.push(item);
  const named = new Map(input.named.map(([name, value]) => [name, evaluate(value, scope)]));
  if (input.spreadNamed) {
    const more = evaluate(input.spreadNamed, scope);
    if (!(more instanceof Dict)) throw new TemplateError('argument after ** must be a mapping');
    for (const [key, value] of more.entries()) {
      const name = textOf(key);
      if (name === undefined) throw new TemplateError('keywords must be strings');
      if (named.has(name)) throw new TemplateError(`got multiple values for keyword argument '${name}'`);
      named.set(name, value);
    }
  }
  return { args, named };
}

function compareChain(node: Expression & { kind: 'compare' }, scope: Scope): boolean {
  let left = evaluate(node.first, scope);
  for (const [operator, operand] of node.rest) {
    const right = evaluate(operand, scope);
    if (!holds(operator, left, right)) return false;
    left = right;
  }
  return true;
}

function holds(operator: ComparisonOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return equals(left, right);
    case '!=':
      return !equals(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
  }
  const order = compare(defined(left), defined(right), operator);
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}
