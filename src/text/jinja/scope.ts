/** @file Holds the variables of a part of a template. */

import { allowText } from './budget.js';
import { Undefined, type Value } from './values.js';

/** Variables; what is not here is looked for in the scope around it. */
export class Scope {
  #variables: Map<string, Value> | undefined;

  constructor(readonly around?: Scope) {}

  /** Returns a variable, or the undefined value of its name. */
  get(name: string): Value {
    let value = this.#variables?.get(name);
    for (let scope = this.around; value === undefined && scope; scope = scope.around) {
      value = scope.#variables?.get(name);
    }
    return value === undefined ? new Undefined(`'${name}' is undefined`) : value;
  }

  set(name: string, value: Value): void {
    (this.#variables ??= new Map()).set(name, value);
  }
}

/** Collects what a part of a template writes. */
export class Output {
  readonly #parts: string[] = [];
  length = 0;

  write(text: string): void {
    allowText(text.length, this.length);
    this.#parts.push(text);
    this.length += text.length;
  }

  toString(): string {
    return this.#parts.join('');
  }
}
