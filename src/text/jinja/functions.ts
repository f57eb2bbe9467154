/** @file Holds the functions that every template has: Jinja2's and those of transformers. */

import { bind } from './arguments.js';
import { TemplateError } from './budget.js';
import { strftime } from './strftime.js';
import { toText } from './text.js';
import {
  Builtin,
  Callable,
  Dict,
  Instance,
  integerOf,
  listOf,
  Namespace,
  Range,
  textOf,
  type Named,
  type Value,
} from './values.js';

/** Bounds `range()` as Jinja2's sandbox does. */
const MAX_RANGE = 100_000;

function range(args: readonly Value[], named: Named): Range {
  const [first, second, third] = bind('range', 'start stop? step? /', args, named);
  const whole = (value: Value) => {
    const number = integerOf(value);
    if (number === undefined || !Number.isSafeInteger(number))
      throw new TemplateError('range() takes whole numbers');
    return number;
  };
  const step = third === undefined ? 1 : whole(third);
  if (step === 0) throw new TemplateError('range() arg 3 must not be zero');
  const made =
    second === undefined ? new Range(0, whole(first!), 1) : new Range(whole(first!), whole(second), step);
  if (made.length > MAX_RANGE) throw new TemplateError(`range() is longer than ${MAX_RANGE}`);
  return made;
}

/** `dict(pairs, name=value)`. */
function makeDict(args: readonly Value[], named: Named): Dict {
  if (args.length > 1) throw new TemplateError(`dict expected at most 1 argument, got ${args.length}`);
  const [first] = args;
  const entries =
    first instanceof Dict ? [...first.entries()] : first === undefined ? [] : listOf(first).map(pairOf);
  return new Dict([...entries, ...named]);
}

function pairOf(value: Value): readonly [Value, Value] {
  const [key, item, ...more] = listOf(value);
  if (key === undefined || item === undefined || more.length > 0) {
    throw new TemplateError('a dict is made of pairs');
  }
  return [key, item];
}

/** Refuses names that begin with `_`, as transformers does. */
export function checkMemberName(name: string): void {
  if (name.startsWith('_')) throw new TemplateError(`a namespace cannot hold the name '${name}'`);
}

function makeNamespace(args: readonly Value[], named: Named): Namespace {
  const attributes = new Map<string, Value>();
  for (const [key, value] of makeDict(args, named).entries()) {
    const name = textOf(key);
    if (name === undefined) throw new TemplateError('the names of a namespace must be texts');
    checkMemberName(name);
    attributes.set(name, value);
  }
  return new Namespace(attributes);
}

/** `cycler(…)`: gives one value after the other, over and over. */
class Cycler extends Instance {
  readonly type = 'Cycler';
  #at = 0;

  constructor(readonly items: readonly Value[]) {
    super();
    if (items.length === 0) throw new TemplateError('at least one item has to be provided');
  }

  override attribute(name: string): Value | undefined {
    if (name === 'current') return this.items[this.#at];
    if (name === 'next') {
      return new Builtin(() => {
        const value = this.items[this.#at]!;
        this.#at = (this.#at + 1) % this.items.length;
        return value;
      });
    }
    return name === 'reset' ? new Builtin(() => ((this.#at = 0), null)) : undefined;
  }
}

/** `joiner(", ")`: gives nothing at first and its separator from then on. */
class Joiner extends Callable {
  readonly type = 'Joiner';
  #isUsed = false;

  constructor(readonly separator: Value) {
    super();
  }

  override attribute(): undefined {
    return undefined;
  }

  override call(): Value {
    const value = this.#isUsed ? this.separator : '';
    this.#isUsed = true;
    return value;
  }
}

/** The functions by name. */
export const functions: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['range', new Builtin(range)],
  ['dict', new Builtin(makeDict)],
  ['namespace', new Builtin(makeNamespace)],
  ['cycler', new Builtin((args) => new Cycler(args))],
  ['joiner', new Builtin((args, named) => new Joiner(bind('joiner', 'sep?', args, named)[0] ?? ', '))],
  [
    'raise_exception',
    new Builtin((args, named) => {
      throw new TemplateError(toText(bind('raise_exception', 'message', args, named)[0]!));
    }),
  ],
]);

/** The function that tells the time, which is `date` if one is given. */
export const strftimeNow = (date?: Date): Value =>
  new Builtin((args, named) =>
    strftime(date ?? new Date(), toText(bind('strftime_now', 'format', args, named)[0]!)),
  );
