/** @file Holds the `loop` of a template's loops. It looks ahead only where a template asks it to, as Jinja2's does. */

import { orElse } from './arguments.js';
import { TemplateError } from './budget.js';
import { Builtin, Callable, equals, iterate, lengthOf, Tuple, Undefined, type Value } from './values.js';

/** Walks through the elements of a loop and knows where it is. */
export class LoopContext extends Callable {
  readonly type = 'LoopContext';
  #iterator: Iterator<Value>;
  #index0 = -1;
  #length: number | undefined;
  /** Elements that were taken from the iterator too early. */
  readonly #ahead: Value[] = [];
  #before: Value | undefined;
  #current: Value | undefined;
  #changed: Value | undefined;

  /** @param recurse renders the loop's body over other elements; undefined unless the loop is recursive */
  constructor(
    readonly items: Value,
    readonly depth0: number,
    readonly recurse: ((items: Value, depth0: number) => string) | undefined,
  ) {
    super();
    this.#iterator = iterate(items);
  }

  /** Goes to the next element. → undefined at the end */
  next(): { value: Value } | undefined {
    const next = this.#ahead.length > 0 ? { value: this.#ahead.shift()! } : this.#pull();
    if (!next) return undefined;
    this.#index0++;
    this.#before = this.#current;
    this.#current = next.value;
    return next;
  }

  #pull(): { value: Value } | undefined {
    const next = this.#iterator.next();
    return next.done === true ? undefined : { value: next.value };
  }

  #peek(): Value | undefined {
    if (this.#ahead.length === 0) {
      const next = this.#pull();
      if (next) this.#ahead.push(next.value);
    }
    return this.#ahead[0];
  }

  #count(): number {
    return (this.#length ??= lengthOf(this.items) ?? this.#drain());
  }

  /** Takes all that is left, so as to count it. */
  #drain(): number {
    const left = [...this.#ahead];
    for (let next = this.#pull(); next; next = this.#pull()) left.push(next.value);
    this.#ahead.length = 0;
    this.#iterator = left[Symbol.iterator]();
    return left.length + this.#index0 + 1;
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'index':
        return BigInt(this.#index0 + 1);
      case 'index0':
        return BigInt(this.#index0);
      case 'revindex':
        return BigInt(this.#count() - this.#index0);
      case 'revindex0':
        return BigInt(this.#count() - this.#index0 - 1);
      case 'first':
        return this.#index0 === 0;
      case 'last':
        return this.#peek() === undefined;
      case 'length':
        return BigInt(this.#count());
      case 'depth':
        return BigInt(this.depth0 + 1);
      case 'depth0':
        return BigInt(this.depth0);
      case 'previtem':
        return this.#index0 === 0 ? new Undefined('there is no previous item') : this.#before;
      case 'nextitem':
        return orElse(this.#peek(), new Undefined('there is no next item'));
      case 'cycle':
        return new Builtin((args) => {
          if (args.length === 0) throw new TemplateError('no items for cycling given');
          return args[this.#index0 % args.length]!;
        });
      case 'changed':
        return new Builtin((args) => {
          const now = new Tuple(args);
          const isSame = this.#changed !== undefined && equals(this.#changed, now);
          this.#changed = now;
          return !isSame;
        });
    }
    return undefined;
  }

  override toText(): string {
    return `<LoopContext ${this.#index0 + 1}/${this.#count()}>`;
  }

  override call(args: readonly Value[]): Value {
    if (!this.recurse) {
      throw new TemplateError("The loop must have the 'recursive' marker to be called recursively.");
    }
    return this.recurse(args[0] ?? null, this.depth0 + 1);
  }
}
