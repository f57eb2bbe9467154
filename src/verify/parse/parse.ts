import type { Budget } from '../algebra/budget.js';
import { Cursor, ParseFailure } from './cursor.js';
import { sum } from './expression.js';
import { lex } from './lex.js';
import type { Node, RelationOperator } from '../algebra/tree.js';

/** Characters of an answer that are read; the longest gold of the six benchmark files has 176. */
export const MAX_ANSWER_LENGTH = 20_000;

export type Parsed = { readonly node: Node } | { readonly error: string; readonly at: number };

/**
 * The tree of one normalized answer (normalize.ts), or what is wrong with it and where. Never throws but
 * BudgetExceeded, which `budget` throws.
 */
export function parse(answer: string, budget: Budget, repair = true): Parsed {
  if (answer.length > MAX_ANSWER_LENGTH) return { error: 'the answer is too long', at: MAX_ANSWER_LENGTH };
  let tokens = lex(answer, budget);
  // Outside of environments, alignment marks and line breaks mean nothing.
  if (!tokens.some((token) => token.kind === 'command' && token.name === 'begin')) {
    tokens = tokens.filter((token) => token.kind !== 'sign' || (token.sign !== '&' && token.sign !== '\\\\'));
  }
  const cursor = new Cursor(tokens, budget, repair);
  try {
    const node = items(cursor);
    if (cursor.peek()) throw cursor.failure('something is left over');
    return { node };
  } catch (error) {
    if (error instanceof ParseFailure) return { error: error.message, at: error.at };
    throw error;
  }
}

/** Statements between commas, and groups of them between semicolons; one alone stands for itself. */
export function items(cursor: Cursor): Node {
  const groups: Node[][] = [[statement(cursor)]];
  for (;;) {
    const separator = cursor.accept(',', ';');
    if ((separator === undefined || ends(cursor)) && !startsCondition(cursor)) break;
    if (separator === ';') groups.push([]);
    groups.at(-1)!.push(statement(cursor));
  }
  const lists = groups.map((group) => (group.length === 1 ? group[0]! : list(group)));
  return lists.length === 1 ? lists[0]! : list(lists);
}

/** `k\pi (k \in \mathbb{Z})` needs no comma. */
export const startsCondition = (cursor: Cursor): boolean =>
  cursor.sees('(') && cursor.peek(1)?.kind === 'letter' && cursor.sees('∈', 2);

const list = (nodes: readonly Node[]): Node => ({ kind: 'list', items: nodes });

/** Whether nothing, or a closing bracket, comes next: a comma before it parts nothing. */
function ends(cursor: Cursor): boolean {
  const token = cursor.peek();
  return !token || (token.kind === 'sign' && /^(?:[)\]}⟩;]|\\\})$/.test(token.sign));
}

const RELATIONS = new Set<string>(['=', '<', '>', '<=', '>=', '!=', '~', '==']);

/** One answer of a list: an expression, a set, a chain of relations or a membership. */
export function statement(cursor: Cursor): Node {
  const sides = [setExpression(cursor)];
  const operators: RelationOperator[] = [];
  for (;;) {
    const token = cursor.peek();
    if (token?.kind !== 'sign') break;
    if (RELATIONS.has(token.sign)) {
      cursor.next();
      operators.push(token.sign as RelationOperator);
      sides.push(setExpression(cursor));
    } else if (token.sign === '∈' || token.sign === '∉') {
      cursor.next();
      const set = setExpression(cursor);
      return { kind: 'membership', element: sides.at(-1)!, set, negated: token.sign === '∉' };
    } else if (token.sign === '⇒') {
      // What follows is the conclusion.
      cursor.next();
      return statement(cursor);
    } else break;
  }
  return operators.length === 0 ? sides[0]! : { kind: 'relation', operators, sides };
}

/** Sets that are united; each makes the tree one level deeper. */
const MAX_SETS = 200;
const SET_SIGNS = { '∪': 'union', '∩': 'intersection', '∖': 'difference' } as const;

function setExpression(cursor: Cursor): Node {
  let left = ratio(cursor);
  for (let count = 0; ; count++) {
    if (count > MAX_SETS) throw cursor.failure('too many sets');
    const sign = cursor.accept('∪', '∩', '∖');
    if (sign === undefined) return left;
    const operator = SET_SIGNS[sign as keyof typeof SET_SIGNS];
    left = { kind: 'setOperation', operator, left, right: ratio(cursor) };
  }
}

/** `a:b:c`; in a set's braces a colon may also stand before a condition, which has a relation in it. */
function ratio(cursor: Cursor): Node {
  const parts = [sum(cursor)];
  while (cursor.sees(':') && !cursor.closingBar) {
    cursor.next();
    parts.push(sum(cursor));
  }
  return parts.length === 1 ? parts[0]! : { kind: 'ratio', parts };
}
