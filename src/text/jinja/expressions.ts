/** @file Parses the expressions of templates, with Jinja2's order of operators. */

import { TemplateError } from './budget.js';
import { isFilter } from './filters.js';
import { tokenize, type Token } from './lexer.js';
import type { Arguments, ComparisonOperator, Expression, Target } from './nodes.js';
import type { BinaryOperator } from './operators.js';
import { isTest } from './tests.js';

const NO_ARGUMENTS: Arguments = { args: [], named: [], spread: undefined, spreadNamed: undefined };
const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);
const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);
/** Bounds parentheses and the like within each other. */
const MAX_DEPTH = 100;

/** Reads tokens, and expressions from them. */
export class ExpressionParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  /** Filters and tests may be unknown here: in branches, Jinja2 looks for them when it gets there. */
  protected isLenient = false;
  /** Names that are read. */
  protected names = new Set<string>();

  constructor(source: string) {
    this.#tokens = tokenize(source);
  }

  protected get token(): Token {
    return this.#tokens[this.#at]!;
  }

  protected next(): Token {
    const { token } = this;
    if (token.type !== 'eof') this.#at++;
    return token;
  }

  protected fail(problem: string, token = this.token): never {
    throw new TemplateError(`line ${token.line}: ${problem}`);
  }

  /** Tells whether the token, or the one after it, is of a type and, if it is given, has a value. */
  protected is(type: Token['type'], value?: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token?.type === type && (value === undefined || token.value === value);
  }

  /** Takes the token if it is of a type and, if it is given, has a value. */
  protected accept(type: Token['type'], value?: string): boolean {
    const found = this.is(type, value);
    if (found) this.#at++;
    return found;
  }

  protected expect(type: Token['type'], value?: string): Token {
    if (!this.is(type, value))
      this.fail(`expected ${value ?? type}, got ${this.token.value || this.token.type}`);
    return this.next();
  }

  protected operator(value: string): boolean {
    return this.accept('operator', value);
  }

  /** Parses one level deeper. */
  protected within<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) this.fail('it nests too deeply');
    const result = parse();
    this.#depth--;
    return result;
  }

  protected lenient<T>(isLenient: boolean, parse: () => T): T {
    const before = this.isLenient;
    this.isLenient = isLenient;
    const result = parse();
    this.isLenient = before;
    return result;
  }

  /** Parses an expression, or several apart by commas, which make a tuple. */
  protected tuple({ withIf = true, isEmpty = false, end = '' } = {}): Expression {
    const items: Expression[] = [];
    let isTuple = false;
    for (;;) {
      const isEnd = this.is('end') || this.is('operator', ')') || (end !== '' && this.is('name', end));
      if (isEnd) break;
      items.push(this.expression(withIf));
      if (!this.operator(',')) break;
      isTuple = true;
    }
    if (!isTuple && items.length === 1) return items[0]!;
    if (items.length === 0 && !isEmpty) this.fail(`Expected an expression, got '${this.token.value}'`);
    return { kind: 'tuple', items };
  }

  protected expression(withIf = true): Expression {
    return this.within(() => (withIf ? this.#conditional() : this.#or()));
  }

  #conditional(): Expression {
    const isLenient = this.isLenient;
    let then = this.#or();
    while (this.accept('name', 'if')) {
      const [condition, otherwise] = this.lenient(true, () => [
        this.#or(),
        this.accept('name', 'else') ? this.within(() => this.#conditional()) : undefined,
      ]);
      then = { kind: 'if', condition, then, otherwise };
    }
    this.isLenient = isLenient;
    return then;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.accept('name', 'or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.accept('name', 'and')) left = { kind: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (this.accept('name', 'not')) return { kind: 'not', value: this.within(() => this.#not()) };
    return this.#compare();
  }

  #compare(): Expression {
    const first = this.#sum();
    const rest: [ComparisonOperator, Expression][] = [];
    for (;;) {
      if (this.token.type === 'operator' && COMPARISONS.has(this.token.value)) {
        rest.push([this.next().value as ComparisonOperator, this.#sum()]);
      } else if (this.accept('name', 'in')) rest.push(['in', this.#sum()]);
      else if (this.is('name', 'not') && this.is('name', 'in', 1)) {
        this.next();
        this.next();
        rest.push(['not in', this.#sum()]);
      } else return rest.length === 0 ? first : { kind: 'compare', first, rest };
    }
  }

  /** Parses operators of one rank, from the left. */
  #chain(operators: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    while (this.token.type === 'operator' && operators.includes(this.token.value)) {
      const operator = this.next().value as BinaryOperator;
      left = { kind: 'binary', operator, left, right: operand() };
    }
    return left;
  }

  #sum(): Expression {
    return this.#chain(['+', '-'], () => this.#concatenation());
  }

  #concatenation(): Expression {
    const items = [this.#product()];
    while (this.operator('~')) items.push(this.#product());
    return items.length === 1 ? items[0]! : { kind: 'concat', items };
  }

  #product(): Expression {
    return this.#chain(['*', '/', '//', '%'], () => this.#chain(['**'], () => this.#unary(true)));
  }

  #unary(withFilter: boolean): Expression {
    let value: Expression;
    if (this.is('operator', '-') || this.is('operator', '+')) {
      const sign = this.next().value as '+' | '-';
      value = { kind: 'sign', sign, value: this.within(() => this.#unary(false)) };
    } else value = this.primary();
    value = this.#postfix(value);
    return withFilter ? this.#filters(value) : value;
  }

  protected primary(): Expression {
    const token = this.next();
    switch (token.type) {
      case 'name': {
        const constant = CONSTANTS.get(token.value);
        if (constant !== undefined) return { kind: 'const', value: constant };
        this.names.add(token.value);
        return { kind: 'name', name: token.value };
      }
      case 'string': {
        let text = token.value;
        while (this.is('string')) text += this.next().value;
        return { kind: 'const', value: text };
      }
      case 'integer':
        return { kind: 'const', value: BigInt(token.value.replaceAll('_', '').toLowerCase()) };
      case 'float':
        return { kind: 'const', value: Number(token.value.replaceAll('_', '')) };
    }
    if (token.type === 'operator' && token.value === '(') {
      const value = this.within(() => this.tuple({ isEmpty: true }));
      this.expect('operator', ')');
      return value;
    }
    if (token.type === 'operator' && token.value === '[') return { kind: 'list', items: this.#items(']') };
    if (token.type === 'operator' && token.value === '{') return this.#dict();
    return this.fail(`unexpected '${token.value || token.type}'`, token);
  }

  #items(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.operator(end)) {
      if (items.length > 0) this.expect('operator', ',');
      if (this.operator(end)) break;
      items.push(this.expression());
    }
    return items;
  }

  #dict(): Expression {
    const entries: [Expression, Expression][] = [];
    while (!this.operator('}')) {
      if (entries.length > 0) this.expect('operator', ',');
      if (this.operator('}')) break;
      const key = this.expression();
      this.expect('operator', ':');
      entries.push([key, this.expression()]);
    }
    return { kind: 'dict', entries };
  }

  #postfix(value: Expression): Expression {
    let result = value;
    for (;;) {
      if (this.operator('.')) {
        const token = this.next();
        if (token.type === 'name') result = { kind: 'attribute', object: result, name: token.value };
        else if (token.type === 'integer') {
          result = { kind: 'item', object: result, key: { kind: 'const', value: BigInt(token.value) } };
        } else this.fail('expected name or number', token);
      } else if (this.operator('[')) result = this.#subscript(result);
      else if (this.is('operator', '(')) result = { kind: 'call', callee: result, input: this.#arguments() };
      else return result;
    }
  }

  #subscript(object: Expression): Expression {
    const bound = () =>
      this.is('operator', ':') || this.is('operator', ']') ? undefined : this.expression();
    const start = bound();
    if (this.operator(':')) {
      const stop = bound();
      const step = this.operator(':') ? bound() : undefined;
      this.expect('operator', ']');
      return { kind: 'slice', object, bounds: [start, stop, step] };
    }
    if (start === undefined) this.fail('expected a subscript');
    if (this.operator(']')) return { kind: 'item', object, key: start };
    this.expect('operator', ',');
    return { kind: 'item', object, key: { kind: 'tuple', items: [start, ...this.#items(']')] } };
  }

  #filters(value: Expression): Expression {
    let result = value;
    for (;;) {
      if (this.is('operator', '|')) result = this.filters(result);
      else if (this.accept('name', 'is')) result = this.#test(result);
      else if (this.is('operator', '(')) result = { kind: 'call', callee: result, input: this.#arguments() };
      else return result;
    }
  }

  /** Parses `| a | b(c)`, or without the first `|` where `begun`. */
  protected filters(value: Expression, begun = false): Expression {
    let result = value;
    for (let isFirst = begun; isFirst || this.operator('|'); isFirst = false) {
      const name = this.#dottedName();
      if (!this.isLenient && !isFilter(name)) this.fail(`No filter named '${name}'`);
      const input = this.is('operator', '(') ? this.#arguments() : NO_ARGUMENTS;
      result = { kind: 'filter', name, value: result, input };
    }
    return result;
  }

  #test(value: Expression): Expression {
    const isNegated = this.accept('name', 'not');
    const name = this.#dottedName();
    if (!this.isLenient && !isTest(name)) this.fail(`No test named '${name}'`);
    const { type, value: text } = this.token;
    const isValue =
      ['name', 'string', 'integer', 'float'].includes(type) || (type === 'operator' && '[{'.includes(text));
    let input = NO_ARGUMENTS;
    if (this.is('operator', '(')) input = this.#arguments();
    else if (isValue && !(type === 'name' && ['else', 'or', 'and'].includes(text))) {
      if (this.is('name', 'is')) this.fail('You cannot chain multiple tests with is');
      input = { ...NO_ARGUMENTS, args: [this.#postfix(this.primary())] };
    }
    const test = { kind: 'test', name, value, input } as const;
    return isNegated ? { kind: 'not', value: test } : test;
  }

  #dottedName(): string {
    let name = this.expect('name').value;
    while (this.operator('.')) name += `.${this.expect('name').value}`;
    return name;
  }

  #arguments(): Arguments {
    const { line } = this.expect('operator', '(');
    const args: Expression[] = [];
    const named: [string, Expression][] = [];
    let spread: Expression | undefined;
    let spreadNamed: Expression | undefined;
    const ensure = (holds: boolean) => {
      if (!holds) throw new TemplateError(`line ${line}: invalid syntax for function call expression`);
    };
    for (let isFirst = true; !this.operator(')'); isFirst = false) {
      if (!isFirst) {
        this.expect('operator', ',');
        if (this.operator(')')) break;
      }
      if (this.operator('*')) {
        ensure(spread === undefined && spreadNamed === undefined);
        spread = this.expression();
      } else if (this.operator('**')) {
        ensure(spreadNamed === undefined);
        spreadNamed = this.expression();
      } else if (this.is('name') && this.is('operator', '=', 1)) {
        ensure(spreadNamed === undefined);
        const name = this.next().value;
        this.next();
        ensure(named.every(([other]) => other !== name));
        named.push([name, this.expression()]);
      } else {
        ensure(spread === undefined && spreadNamed === undefined && named.length === 0);
        args.push(this.expression());
      }
    }
    return { args, named, spread, spreadNamed };
  }

  /** Parses a name that a value is given to. */
  protected targetName(): string {
    const { value, type } = this.token;
    if (type !== 'name' || CONSTANTS.has(value)) this.fail(`can't assign to '${value || type}'`);
    return this.next().value;
  }

  /** Parses a target: a name, a name of a namespace where `withMember`, or several, which take a value apart. */
  protected target({ withMember = false, end = '' } = {}): Target {
    const items: Target[] = [];
    let isTuple = false;
    for (;;) {
      if (this.is('end') || this.is('operator', ')') || (end !== '' && this.is('name', end))) break;
      items.push(this.#oneTarget(withMember));
      if (!this.operator(',')) break;
      isTuple = true;
    }
    if (!isTuple && items.length === 1) return items[0]!;
    if (items.length === 0) this.fail(`Expected a name, got '${this.token.value}'`);
    return { kind: 'tuple', items };
  }

  #oneTarget(withMember: boolean): Target {
    if (this.operator('(')) {
      const target = this.within(() => this.target({ withMember }));
      this.expect('operator', ')');
      return target;
    }
    const name = this.targetName();
    if (!withMember || !this.operator('.')) return { kind: 'name', name };
    return { kind: 'member', object: name, name: this.expect('name').value };
  }
}
