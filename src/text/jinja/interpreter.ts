/** @file Runs the statements of templates. */

import { checkMemberName, functions, strftimeNow } from './functions.js';
import { orElse } from './arguments.js';
import { spend, TemplateError } from './budget.js';
import { call, evaluate, evaluateArguments } from './evaluator.js';
import { LoopContext } from './loop.js';
import type { Expression, For, Routine, Statement, Target } from './nodes.js';
import { Output, Scope } from './scope.js';
import { toText } from './text.js';
import {
  Callable,
  Dict,
  iterate,
  listOf,
  Namespace,
  Stream,
  truthy,
  Tuple,
  Undefined,
  type Named,
  type Value,
} from './values.js';

/** What a template wrote. */
export interface Rendered {
  text: string;
  /** Where `{% generation %}` blocks, which enclose what a model writes, begin and end in it (in UTF-16 units). */
  generated: { start: number; end: number }[];
}

export interface RunOptions {
  /** What a template takes for the time; default: the time. */
  date?: Date | undefined;
  /** Writing or going through a value that nothing defines is an error; else it is empty. Default: false. */
  strict?: boolean;
}

/** What ended a list of statements early. */
type Jump = 'break' | 'continue' | undefined;

/**
 * Runs a template.
 * @throws TemplateError with the template's own words (`raise_exception`) or the fault
 */
export function run(
  statements: readonly Statement[],
  variables: ReadonlyMap<string, Value>,
  { date, strict = false }: RunOptions = {},
): Rendered {
  const all = new Map([['strftime_now', strftimeNow(date)], ...variables]);
  return new Interpreter(statements, all, strict).run();
}

class Interpreter {
  readonly #output = new Output();
  readonly #generated: Rendered['generated'] = [];
  readonly #root: Scope;

  constructor(
    readonly statements: readonly Statement[],
    variables: ReadonlyMap<string, Value>,
    readonly strict: boolean,
  ) {
    const globals = new Scope();
    for (const [name, value] of [...functions, ...variables]) globals.set(name, value);
    this.#root = new Scope(globals);
  }

  run(): Rendered {
    this.#all(this.statements, this.#root, this.#output);
    return { text: this.#output.toString(), generated: this.#generated };
  }

  #all(statements: readonly Statement[], scope: Scope, output: Output): Jump {
    for (const statement of statements) {
      const jump = this.#one(statement, scope, output);
      if (jump) return jump;
    }
    return undefined;
  }

  #one(statement: Statement, scope: Scope, output: Output): Jump {
    spend(1);
    switch (statement.kind) {
      case 'text':
        output.write(statement.text);
        return undefined;
      case 'output':
        output.write(toText(this.#defined(evaluate(statement.value, scope))));
        return undefined;
      case 'if': {
        const taken = statement.branches.find(([condition]) => truthy(evaluate(condition, scope)));
        return this.#all(taken ? taken[1] : statement.otherwise, scope, output);
      }
      case 'for':
        this.#for(statement, scope, output);
        return undefined;
      case 'set':
        this.#assign(statement.target, evaluate(statement.value, scope), scope);
        return undefined;
      case 'setBlock':
        this.#assign(statement.target, this.#filtered(statement.value, statement.body, scope), scope);
        return undefined;
      case 'filterBlock':
        output.write(toText(this.#filtered(statement.value, statement.body, scope)));
        return undefined;
      case 'with': {
        const inner = new Scope(scope);
        const values = statement.values.map((value) => evaluate(value, scope));
        for (const [i, target] of statement.targets.entries()) this.#assign(target, values[i]!, inner);
        return this.#all(statement.body, inner, output);
      }
      case 'macro':
        scope.set(statement.routine.name, this.#macro(statement.routine, scope));
        return undefined;
      case 'callBlock': {
        const callee = evaluate(statement.call.callee, scope);
        const { args, named } = evaluateArguments(statement.call.input, scope);
        named.set('caller', this.#macro(statement.routine, scope));
        output.write(toText(call(callee, args, named)));
        return undefined;
      }
      case 'generation': {
        const text = this.#text(statement.body, new Scope(scope));
        // As transformers counts: from what the template itself has written, even within a macro.
        const start = this.#output.length;
        this.#generated.push({ start, end: start + text.length });
        output.write(text);
        return undefined;
      }
      case 'break':
      case 'continue':
        return statement.kind;
    }
  }

  /** Runs statements apart. → what they write */
  #text(statements: readonly Statement[], scope: Scope): string {
    const output = new Output();
    this.#all(statements, scope, output);
    return output.toString();
  }

  #filtered(value: Expression, body: readonly Statement[], scope: Scope): Value {
    return evaluate(value, scope, this.#text(body, new Scope(scope)));
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === 'name') {
      scope.set(target.name, value);
      return;
    }
    if (target.kind === 'member') {
      const object = scope.get(target.object);
      if (!(object instanceof Namespace)) {
        throw new TemplateError('cannot assign attribute on non-namespace object');
      }
      checkMemberName(target.name);
      object.attributes.set(target.name, value);
      return;
    }
    const items = listOf(value);
    if (items.length !== target.items.length) {
      throw new TemplateError(`expected ${target.items.length} values to unpack, got ${items.length}`);
    }
    for (const [i, part] of target.items.entries()) this.#assign(part, items[i]!, scope);
  }

  #for(node: For, scope: Scope, output: Output): void {
    const recurse = (items: Value, depth0: number): string => {
      const text = new Output();
      this.#loop(node, items, { scope, output: text, depth0, recurse });
      return text.toString();
    };
    const around = { scope, output, depth0: 0, recurse: node.isRecursive ? recurse : undefined };
    this.#loop(node, this.#defined(evaluate(node.items, scope)), around);
  }

  #defined(value: Value): Value {
    if (this.strict && value instanceof Undefined) throw new TemplateError(value.problem);
    return value;
  }

  #loop(
    node: For,
    items: Value,
    {
      scope,
      output,
      depth0,
      recurse,
    }: {
      scope: Scope;
      output: Output;
      depth0: number;
      recurse: ((items: Value, depth0: number) => string) | undefined;
    },
  ): void {
    const chosen = node.condition ? new Stream(this.#chosen(node, node.condition, items, scope)) : items;
    const loop = new LoopContext(chosen, depth0, recurse);
    // As in Jinja2, a round that `continue` or `break` ends does not count.
    let isEmpty = true;
    for (let next = loop.next(); next; next = loop.next()) {
      // A body that is empty makes no steps of its own.
      spend(4);
      const inner = new Scope(scope);
      inner.set('loop', loop);
      this.#assign(node.target, next.value, inner);
      const jump = this.#all(node.body, inner, output);
      if (jump === 'break') break;
      if (jump === undefined) isEmpty = false;
    }
    if (isEmpty) this.#all(node.otherwise, new Scope(scope), output);
  }

  *#chosen(node: For, condition: Expression, items: Value, scope: Scope): Generator<Value> {
    for (const item of { [Symbol.iterator]: () => iterate(items) }) {
      spend(4);
      const inner = new Scope(scope);
      this.#assign(node.target, item, inner);
      if (truthy(evaluate(condition, inner))) yield item;
    }
  }

  #macro(routine: Routine, scope: Scope): Macro {
    return new Macro(routine, scope, (inner) => this.#text(routine.body, inner));
  }
}

/** A macro, or the block of a call. */
class Macro extends Callable {
  readonly type = 'Macro';

  constructor(
    readonly routine: Routine,
    readonly scope: Scope,
    readonly render: (scope: Scope) => string,
  ) {
    super();
  }

  override attribute(name: string): Value | undefined {
    const { parameters } = this.routine;
    if (name === 'name') return this.routine.name;
    return name === 'arguments' ? new Tuple(parameters.map((parameter) => parameter.name)) : undefined;
  }

  override call(args: readonly Value[], named: Named): Value {
    const { name, parameters, takes } = this.routine;
    const inner = new Scope(this.scope);
    const left = new Map(named);
    const isDeclared = (word: string) => parameters.some((parameter) => parameter.name === word);
    parameters.forEach(({ name: parameter, otherwise }, i) => {
      const given = orElse(args[i], left.get(parameter));
      if (args[i] !== undefined && left.has(parameter)) {
        throw new TemplateError(`macro '${name}' got multiple values for argument '${parameter}'`);
      }
      left.delete(parameter);
      const value = given === undefined && otherwise ? evaluate(otherwise, inner) : given;
      inner.set(parameter, orElse(value, new Undefined(`parameter '${parameter}' was not provided`)));
    });
    if (takes.has('caller') && !isDeclared('caller')) {
      inner.set('caller', orElse(left.get('caller'), new Undefined('No caller defined')));
      left.delete('caller');
    }
    if (takes.has('kwargs') && !isDeclared('kwargs')) inner.set('kwargs', new Dict(left));
    else if (left.size > 0) {
      throw new TemplateError(`macro '${name}' takes no keyword argument '${[...left.keys()][0]!}'`);
    }
    if (takes.has('varargs') && !isDeclared('varargs')) {
      inner.set('varargs', new Tuple(args.slice(parameters.length)));
    } else if (args.length > parameters.length) {
      throw new TemplateError(`macro '${name}' takes not more than ${parameters.length} argument(s)`);
    }
    return this.render(inner);
  }
}
