/** @file Holds the tests that stand after `is`. What each does is Jinja2's. */

import { bind, defined, type Bound } from './arguments.js';
import { readText, TemplateError } from './budget.js';
import { isFilter } from './filters.js';
import { binary, contains } from './operators.js';
import { isLower, isUpper } from './strings.js';
import { toText } from './text.js';
import {
  Callable,
  compare,
  Dict,
  equals,
  Instance,
  isList,
  Markup,
  numberOf,
  Range,
  Stream,
  textOf,
  Tuple,
  Undefined,
  View,
  type Named,
  type Value,
} from './values.js';

/** A test: its parameters after the value as `bind` reads them, and what it says. */
interface Test {
  signature: string;
  run: (value: Value, args: Bound) => boolean;
}

const test = (run: (value: Value) => boolean): Test => ({ signature: '', run });
const against = (run: (value: Value, other: Value) => boolean): Test => ({
  signature: 'other',
  run: (value, [other]) => run(value, other!),
});

const ordered = (operator: string, holds: (order: number) => boolean) =>
  against((value, other) => holds(compare(defined(value), defined(other), operator)));

const remainder = (value: Value, divisor: Value): Value => binary('%', value, divisor);
const equal = against(equals);
const unequal = against((value, other) => !equals(value, other));
const less = ordered('<', (order) => order < 0);
const lessOrEqual = ordered('<=', (order) => order <= 0);
const greater = ordered('>', (order) => order > 0);
const greaterOrEqual = ordered('>=', (order) => order >= 0);

/** Tells whether two values are one object, as Python's `is` does for what templates compare. */
function isSame(value: Value, other: Value): boolean {
  if (value instanceof Undefined || other instanceof Undefined) return value === other;
  const isObject = typeof value === 'object' && value !== null;
  return isObject ? value === other : typeof value === typeof other && value === other;
}

function canIterate(value: Value): boolean {
  const isCollection =
    isList(value) || value instanceof Tuple || value instanceof Dict || value instanceof View;
  return (
    isCollection ||
    textOf(value) !== undefined ||
    value instanceof Range ||
    value instanceof Stream ||
    value instanceof Undefined
  );
}

const isSequence = (value: Value) =>
  canIterate(value) && !(value instanceof View) && !(value instanceof Stream);
const isInt = (value: Value) => typeof value === 'bigint';

const all: ReadonlyMap<string, Test> = new Map(
  Object.entries({
    odd: test((value) => equals(remainder(value, 2n), 1n)),
    even: test((value) => equals(remainder(value, 2n), 0n)),
    divisibleby: { signature: 'num', run: (value, [num]) => equals(remainder(value, num!), 0n) },
    defined: test((value) => !(value instanceof Undefined)),
    undefined: test((value) => value instanceof Undefined),
    filter: test((value) => isFilter(toText(value))),
    test: test((value) => isTest(toText(value))),
    none: test((value) => value === null),
    boolean: test((value) => typeof value === 'boolean'),
    false: test((value) => value === false),
    true: test((value) => value === true),
    integer: test(isInt),
    float: test((value) => typeof value === 'number'),
    lower: test((value) => isLower(toText(value))),
    upper: test((value) => isUpper(toText(value))),
    string: test((value) => textOf(value) !== undefined),
    mapping: test((value) => value instanceof Dict),
    number: test((value) => numberOf(value) !== undefined),
    sequence: test(isSequence),
    iterable: test(
      (value) => canIterate(value) || (value instanceof Instance && value.type === 'LoopContext'),
    ),
    callable: test((value) => value instanceof Callable),
    sameas: against(isSame),
    escaped: test((value) => value instanceof Markup),
    in: { signature: 'seq', run: (value, [sequence]) => contains(sequence!, value) },
    ...{ '==': equal, eq: equal, equalto: equal, '!=': unequal, ne: unequal },
    ...{ '>': greater, gt: greater, greaterthan: greater, '>=': greaterOrEqual, ge: greaterOrEqual },
    ...{ '<': less, lt: less, lessthan: less, '<=': lessOrEqual, le: lessOrEqual },
  } satisfies Record<string, Test>),
);

export const isTest = (name: string) => all.has(name);

/** Applies a test. @throws TemplateError if there is none of that name, or as the test does */
export function applyTest(name: string, value: Value, args: readonly Value[], named: Named): boolean {
  const found = all.get(name);
  if (!found) throw new TemplateError(`No test named '${name}'`);
  readText(textOf(value)?.length ?? 0);
  return found.run(value, bind(`is ${name}`, found.signature, args, named));
}
