/**
 * @file Runs Jinja templates from strangers: @huggingface/jinja with the variables and functions that transformers
 * gives a chat template, and with limits, since a template comes with a model and may loop or grow without end.
 */

import * as library from '@huggingface/jinja';

interface Node {
  type: string;
  [field: string]: unknown;
}
interface Scope {
  set(name: string, value: unknown): unknown;
}
interface Interpreter {
  run(program: Node): { value: unknown };
  evaluate(node: Node | undefined, scope: Scope): { value: unknown };
}

/** The part of the library in use; its own declarations import each other in a way that NodeNext does not resolve. */
const { Environment, Interpreter, parse, tokenize } = library as unknown as {
  Environment: new () => Scope;
  Interpreter: new (scope: Scope) => Interpreter;
  parse: (tokens: readonly unknown[]) => Node;
  tokenize: (source: string, options: { lstrip_blocks: boolean; trim_blocks: boolean }) => readonly unknown[];
};

/** A parsed template. */
export type Program = Node;

/** Bounds a template's characters; the longest templates in use have about 40,000. */
const MAX_SOURCE = 1 << 18;
/** Matches a run of white space on which the library would take time quadratic in its length. */
const LONG_RUN = /\s{1000}/;
/** Bounds a rendered conversation; a longer one means that the template is faulty. */
const MAX_CHARACTERS = 1 << 26;
const MAX_ELEMENTS = 1 << 20;
/** Bounds the interpreter's steps to a few seconds; a long conversation takes about 10⁵. */
const MAX_STEPS = 10_000_000;
/** Bounds `range()` as Jinja's own sandbox does. */
const MAX_RANGE = 100_000;

class BoundedInterpreter extends Interpreter {
  #steps = 0;
  /** Expressions that loops run over; they are charged for the loop, since an empty body makes no steps of its own. */
  readonly #looped = new Set<unknown>();

  override evaluate(node: Node | undefined, scope: Scope): { value: unknown } {
    if (node?.type === 'For') {
      const { iterable } = node;
      this.#looped.add(isNode(iterable) && iterable.type === 'SelectExpression' ? iterable.lhs : iterable);
    }
    const result = super.evaluate(node, scope);
    const { value } = result;
    if (typeof value === 'string') this.#count(value.length, MAX_CHARACTERS, 1 / 256);
    else if (Array.isArray(value)) this.#count(value.length, MAX_ELEMENTS, this.#weight(node));
    else if (value instanceof Map) this.#count(value.size, MAX_ELEMENTS, this.#weight(node));
    else this.#count(0, 0, 0);
    return result;
  }

  /** Charges an element eight steps if a loop runs over it, and an eighth of one if a filter passes it on. */
  #weight(node: Node | undefined): number {
    return this.#looped.has(node) ? 8 : 1 / 8;
  }

  /** Counts a step, and `weight` more for every character or element of its result. */
  #count(size: number, limit: number, weight: number): void {
    this.#steps += 1 + size * weight;
    if (size > limit) throw new Error('it writes too much text');
    if (this.#steps > MAX_STEPS) throw new Error('it takes too many steps');
  }
}

/** Parses a template and trims blocks as transformers does. @throws Error that says what is wrong with it */
export function compile(source: string): Program {
  if (source.length > MAX_SOURCE) throw new Error(`it has more than ${MAX_SOURCE} characters`);
  if (LONG_RUN.test(source)) throw new Error('it has a thousand spaces or empty lines in a row');
  const program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  callStripFunctions(program);
  return program;
}

/** Renders a parsed template. @throws Error with the template's own words (`raise_exception`) or the fault */
export function render(program: Program, variables: Record<string, unknown>): string {
  const scope = new Environment();
  const constants = { true: true, false: false, none: null, True: true, False: false, None: null };
  const functions = {
    range,
    raise_exception: (message: unknown) => {
      throw new Error(String(message));
    },
    strftime_now: (format: unknown) => strftime(new Date(), String(format)),
  };
  for (const [name, value] of Object.entries({ ...constants, ...functions, ...STRIPS, ...variables })) {
    scope.set(name, value);
  }
  return String(new BoundedInterpreter(scope).run(program).value);
}

function range(first: unknown, second?: unknown, step: unknown = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (!Number.isInteger(start) || !Number.isInteger(stop) || !Number.isInteger(step) || step === 0) {
    throw new Error('range() takes whole numbers, and a step that is not 0');
  }
  const [from, to, by] = [start, stop, step] as [number, number, number];
  const length = Math.max(0, Math.ceil((to - from) / by));
  if (length > MAX_RANGE) throw new Error(`range() is longer than ${MAX_RANGE}`);
  return Array.from({ length }, (_, i) => from + i * by);
}

/** Defines Python's `str.strip`, `lstrip` and `rstrip` with their argument, under names that no template can write. */
const STRIPS: Readonly<Record<string, (text: unknown, characters: unknown) => string>> = {
  ' strip': (text, characters) => strip(text, characters, true, true),
  ' lstrip': (text, characters) => strip(text, characters, true, false),
  ' rstrip': (text, characters) => strip(text, characters, false, true),
};

function strip(text: unknown, characters: unknown, left: boolean, right: boolean): string {
  if (typeof text !== 'string') throw new Error('only a text can be stripped');
  if (characters == null) return left ? (right ? text.trim() : text.trimStart()) : text.trimEnd();
  if (typeof characters !== 'string') throw new Error('the characters to strip must be a text');
  const all = Array.from(text);
  const unwanted = new Set(characters);
  let start = 0;
  let end = all.length;
  while (left && start < end && unwanted.has(all[start]!)) start++;
  while (right && end > start && unwanted.has(all[end - 1]!)) end--;
  return all.slice(start, end).join('');
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

/**
 * Turns calls of `strip` with an argument into calls of the functions above. The library strips white space whatever
 * characters it is told to, so that `content.lstrip('\n')` in Qwen3's template would remove a response's indentation.
 */
function callStripFunctions(value: unknown): void {
  if (Array.isArray(value)) value.forEach(callStripFunctions);
  else if (value instanceof Map) [...value].forEach(callStripFunctions);
  else if (isNode(value)) {
    Object.values(value).forEach(callStripFunctions);
    const { callee, args } = value;
    if (value.type !== 'CallExpression' || !Array.isArray(args) || args.length !== 1) return;
    if (!isNode(callee) || callee.type !== 'MemberExpression' || callee.computed === true) return;
    const { object, property } = callee;
    if (!isNode(property) || !(' ' + String(property.value) in STRIPS)) return;
    value.args = [object, ...(args as unknown[])];
    value.callee = { ...property, value: ` ${String(property.value)}` };
  }
}

/** Formats a date by the directives that templates use, in English whatever the machine's language is. */
function strftime(date: Date, format: string): string {
  const name = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en-US', options).format(date);
  const directives: Record<string, string | (() => string)> = {
    Y: String(date.getFullYear()),
    y: String(date.getFullYear() % 100).padStart(2, '0'),
    m: String(date.getMonth() + 1).padStart(2, '0'),
    d: String(date.getDate()).padStart(2, '0'),
    H: String(date.getHours()).padStart(2, '0'),
    M: String(date.getMinutes()).padStart(2, '0'),
    S: String(date.getSeconds()).padStart(2, '0'),
    B: () => name({ month: 'long' }),
    b: () => name({ month: 'short' }),
    A: () => name({ weekday: 'long' }),
    a: () => name({ weekday: 'short' }),
    '%': '%',
  };
  return format.replace(/%(-?)(.)/gs, (whole, unpadded: string, letter: string) => {
    const directive = directives[letter];
    if (directive === undefined) throw new Error(`strftime_now() does not know ${whole}`);
    const text = typeof directive === 'string' ? directive : directive();
    return unpadded ? text.replace(/^0(?=\d)/, '') : text;
  });
}
