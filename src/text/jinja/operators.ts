/** @file Applies Python's operators to values of any type. */

import { defined } from './arguments.js';
import { allowElements, allowText, readText, TemplateError } from './budget.js';
import { formatPercent } from './percentFormat.js';
import * as numbers from './numbers.js';
import { escaped } from './text.js';
import {
  Dict,
  equals,
  integerOf,
  isList,
  iterate,
  itemsOf,
  Markup,
  numberOf,
  textOf,
  Tuple,
  typeName,
  Undefined,
  View,
  type Value,
} from './values.js';

/** Operators between two values. */
export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';

const arithmetic: Readonly<
  Record<BinaryOperator, (a: numbers.Numeric, b: numbers.Numeric) => numbers.Numeric>
> = {
  '+': numbers.add,
  '-': numbers.subtract,
  '*': numbers.multiply,
  '/': numbers.divide,
  '//': numbers.floorDivide,
  '%': numbers.modulo,
  '**': numbers.power,
};

/** Applies an operator. @throws TemplateError if it does not take such values */
export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  const [a, b] = [defined(left), operator === '%' ? right : defined(right)];
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return arithmetic[operator](x, y);
  const result =
    operator === '+'
      ? concatenate(a, b)
      : operator === '*'
        ? repeat(a, b)
        : operator === '%'
          ? format(a, b)
          : undefined;
  if (result !== undefined) return result;
  throw new TemplateError(
    `unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}'`,
  );
}

function concatenate(a: Value, b: Value): Value | undefined {
  const [x, y] = [textOf(a), textOf(b)];
  if (x !== undefined && y !== undefined) {
    allowText(x.length + y.length);
    if (a instanceof Markup || b instanceof Markup) return new Markup(escaped(a).text + escaped(b).text);
    return x + y;
  }
  const isPair = (isList(a) && isList(b)) || (a instanceof Tuple && b instanceof Tuple);
  if (!isPair) return undefined;
  const [first, second] = [itemsOf(a)!, itemsOf(b)!];
  allowElements(first.length + second.length);
  const items = [...first, ...second];
  return a instanceof Tuple ? new Tuple(items) : items;
}

function repeat(a: Value, b: Value): Value | undefined {
  const count = integerOf(b);
  if (count === undefined) return integerOf(a) === undefined ? undefined : repeat(b, a);
  const times = Math.max(0, count);
  const text = textOf(a);
  if (text !== undefined) {
    allowText(text.length * times);
    return a instanceof Markup ? new Markup(text.repeat(times)) : text.repeat(times);
  }
  if (!isList(a) && !(a instanceof Tuple)) return undefined;
  const items = itemsOf(a)!;
  allowElements(items.length * times);
  const repeated = Array.from({ length: items.length * times }, (_, i) => items[i % items.length]!);
  return a instanceof Tuple ? new Tuple(repeated) : repeated;
}

function format(a: Value, b: Value): Value | undefined {
  const text = textOf(a);
  if (text === undefined) {
    defined(b);
    return undefined;
  }
  if (!(a instanceof Markup)) return formatPercent(text, b);
  return new Markup(formatPercent(text, b, (written) => escaped(written).text));
}

/** Applies a sign. @throws TemplateError if the value is not a number */
export function signed(sign: '+' | '-', value: Value): Value {
  const number = numberOf(defined(value));
  if (number === undefined)
    throw new TemplateError(`bad operand type for unary ${sign}: '${typeName(value)}'`);
  return sign === '-' ? -number : number;
}

/** Tells whether `item in container`. @throws TemplateError if the container holds no such things */
export function contains(container: Value, item: Value): boolean {
  const text = textOf(container);
  if (text !== undefined) {
    const part = textOf(item);
    if (part === undefined) {
      throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
    }
    // Looking for a long text can cost many times its length.
    readText(text.length * Math.min(8, part.length) + part.length);
    return text.includes(part);
  }
  if (container instanceof Dict) return container.get(item) !== undefined;
  if (container instanceof View && container.kind === 'keys') return container.dict.get(item) !== undefined;
  if (container instanceof Undefined) return false;
  const iterator = iterate(container);
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
    if (equals(next.value, item)) return true;
  }
  return false;
}
