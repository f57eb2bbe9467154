/** @file Parses templates: the tags of Jinja2, its loop controls, and the `generation` of transformers. */

import { ExpressionParser } from './expressions.js';
import type { Expression, Routine, Statement, Target } from './nodes.js';

/** Tags that need other templates or escaping, neither of which a chat template has. */
const UNSUPPORTED = new Set(['autoescape', 'block', 'extends', 'include', 'import', 'from']);
const BODY: Expression = { kind: 'body' };

/** Parses a template. @throws TemplateError naming the line of a fault */
export function parse(source: string): readonly Statement[] {
  return new Parser(source).template();
}

class Parser extends ExpressionParser {
  #isInLoop = false;

  template(): readonly Statement[] {
    const body = this.#statements([]);
    if (!this.is('eof')) this.fail('unexpected end');
    return body;
  }

  /** Parses up to a tag of one of these names, which is then the token; without names up to the end. */
  #statements(ends: readonly string[]): Statement[] {
    const body: Statement[] = [];
    for (;;) {
      const token = this.next();
      if (token.type === 'eof') {
        if (ends.length > 0) this.fail(`the end of the template comes before ${ends.join(' or ')}`, token);
        return body;
      }
      if (token.type === 'data') body.push({ kind: 'text', text: token.value });
      else if (token.value === '{{') {
        body.push({ kind: 'output', value: this.tuple() });
        this.expect('end', '}}');
      } else {
        if (this.token.type === 'name' && ends.includes(this.token.value)) return body;
        body.push(...this.within(() => this.#tag()));
        this.expect('end', '%}');
      }
    }
  }

  /** Parses what follows a tag up to the tag that ends it. */
  #body(...ends: readonly string[]): Statement[] {
    this.operator(':');
    this.expect('end', '%}');
    return this.#statements(ends);
  }

  /** Parses a body that one tag ends. */
  #wholeBody(end: string): Statement[] {
    const body = this.#body(end);
    this.next();
    return body;
  }

  #tag(): Statement[] {
    const token = this.expect('name');
    switch (token.value) {
      case 'for':
        return [this.#for()];
      case 'if':
        return [this.#if()];
      case 'set':
        return [this.#set()];
      case 'with':
        return [this.#with()];
      case 'macro':
        return [{ kind: 'macro', routine: this.#routine(this.targetName(), 'endmacro') }];
      case 'call':
        return [this.#call()];
      case 'filter': {
        const value = this.filters(BODY, true);
        return [{ kind: 'filterBlock', value, body: this.#inner('endfilter') }];
      }
      case 'generation':
        return [{ kind: 'generation', body: this.#outside(() => this.#inner('endgeneration')) }];
      case 'print':
        return this.#print();
      case 'break':
      case 'continue':
        if (!this.#isInLoop) this.fail(`'${token.value}' outside loop`, token);
        return [{ kind: token.value }];
    }
    if (UNSUPPORTED.has(token.value)) this.fail(`the tag '${token.value}' is not supported`, token);
    return this.fail(`Encountered unknown tag '${token.value}'`, token);
  }

  /** Parses a body with variables of its own. */
  #inner(end: string): Statement[] {
    return this.lenient(false, () => this.#wholeBody(end));
  }

  /** Parses what is no part of the loop that it stands in. */
  #outside<T>(parse: () => T): T {
    const before = this.#isInLoop;
    this.#isInLoop = false;
    const result = parse();
    this.#isInLoop = before;
    return result;
  }

  #for(): Statement {
    const target = this.target({ end: 'in' });
    this.expect('name', 'in');
    const items = this.tuple({ withIf: false, end: 'recursive' });
    const condition = this.accept('name', 'if') ? this.expression() : undefined;
    const isRecursive = this.accept('name', 'recursive');
    const before = this.#isInLoop;
    this.#isInLoop = true;
    const body = this.lenient(false, () => this.#body('endfor', 'else'));
    this.#isInLoop = before;
    const hasElse = this.next().value === 'else';
    const otherwise = hasElse ? this.#inner('endfor') : [];
    return { kind: 'for', target, items, condition, isRecursive, body, otherwise };
  }

  #if(): Statement {
    const branches: [Expression, Statement[]][] = [];
    return this.lenient(true, () => {
      let end: string;
      do {
        const condition = this.tuple({ withIf: false });
        branches.push([condition, this.#body('elif', 'else', 'endif')]);
        end = this.next().value;
      } while (end === 'elif');
      return { kind: 'if', branches, otherwise: end === 'else' ? this.#wholeBody('endif') : [] };
    });
  }

  #set(): Statement {
    const target = this.target({ withMember: true });
    if (this.operator('=')) return { kind: 'set', target, value: this.tuple() };
    const value = this.filters(BODY);
    return { kind: 'setBlock', target, value, body: this.#inner('endset') };
  }

  #with(): Statement {
    const targets: Target[] = [];
    const values: Expression[] = [];
    while (!this.is('end')) {
      if (targets.length > 0) this.expect('operator', ',');
      targets.push({ kind: 'name', name: this.targetName() });
      this.expect('operator', '=');
      values.push(this.expression());
    }
    return { kind: 'with', targets, values, body: this.#inner('endwith') };
  }

  /** Parses parameters, if there are some, and a body. */
  #routine(name: string, end: string): Routine {
    const parameters = this.#parameters();
    return this.#routineBody(name, parameters, end);
  }

  #parameters(): Routine['parameters'] {
    this.expect('operator', '(');
    const parameters: { name: string; otherwise: Expression | undefined }[] = [];
    while (!this.operator(')')) {
      if (parameters.length > 0) this.expect('operator', ',');
      const name = this.targetName();
      const otherwise = this.operator('=') ? this.expression() : undefined;
      if (!otherwise && parameters.at(-1)?.otherwise)
        this.fail('non-default argument follows default argument');
      parameters.push({ name, otherwise });
    }
    return parameters;
  }

  #routineBody(name: string, parameters: Routine['parameters'], end: string): Routine {
    const outer = this.names;
    this.names = new Set();
    const body = this.#outside(() => this.#inner(end));
    const takes = this.names;
    this.names = new Set([...outer, ...takes]);
    return { name, parameters, body, takes };
  }

  #call(): Statement {
    const parameters = this.is('operator', '(') ? this.#parameters() : [];
    const call = this.expression();
    if (call.kind !== 'call') this.fail('expected call');
    return { kind: 'callBlock', call, routine: this.#routineBody('caller', parameters, 'endcall') };
  }

  #print(): Statement[] {
    const outputs: Statement[] = [];
    while (!this.is('end')) {
      if (outputs.length > 0) this.expect('operator', ',');
      outputs.push({ kind: 'output', value: this.expression() });
    }
    return outputs;
  }
}
