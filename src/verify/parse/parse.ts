/**
 * @file Reads lists, relations and sets: the root of the grammar, which is one recursive descent over the files of this
 * folder.
 */

import type { WorkBudget } from '../algebra/workBudget.js';
import { Cursor, ParseFailure } from './cursor.js';
import { sum } from './expression.js';
import { lex } from './lex.js';
import { isPlacedRelation, placedRelation } from './operators.js';
import { contains, text, type Node, type RelationOperator } from '../algebra/tree.js';

/** Limits the characters of an answer; the longest gold of the six benchmark files has 176. */
export const MAX_ANSWER_LENGTH = 3500;

const DATE = /^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}$|^\d{1,2}[/.]\d{1,2}[/.]\d{4}$/;

export type Parsed = { readonly node: Node } | { readonly error: string; readonly at: number };

/**
 * Reads one normalized answer (normalize.ts) as a tree, or says what is wrong with it and where. Throws nothing but
 * BudgetExceeded, which comes from `budget`.
 */
export function parse(answer: string, budget: WorkBudget, repair = true): Parsed {
  if (answer.length > MAX_ANSWER_LENGTH) return { error: 'the answer is too long', at: MAX_ANSWER_LENGTH };
  // A date is no difference and no quotient.
  if (DATE.test(answer)) return { node: text(answer) };
  let tokens = lex(answer, budget);
  // Outside environments, alignment marks and line breaks have no meaning.
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

/** Reads statements between commas, and groups of them between semicolons; a single one is not made a list. */
export function items(cursor: Cursor): Node {
  const groups: Node[][] = [[statement(cursor)]];
  let joint: 'and' | 'or' | undefined;
  for (;;) {
    const separator = cursor.accept(',', ';', 'or', 'and');
    if ((separator === undefined || ends(cursor)) && !startsCondition(cursor)) break;
    if (separator === 'or' || (separator === 'and' && joint === undefined)) joint = separator;
    if (separator === ';') groups.push([]);
    groups.at(-1)!.push(statement(cursor));
  }
  const list = (nodes: readonly Node[]): Node =>
    joint ? { kind: 'list', items: nodes, joint } : { kind: 'list', items: nodes };
  const lists = groups.map((group) => (group.length === 1 ? group[0]! : list(group)));
  return lists.length === 1 ? lists[0]! : list(lists);
}

/** Tells whether a condition without a comma before it follows: `k\pi (k \in \mathbb{Z})`. */
export const startsCondition = (cursor: Cursor): boolean =>
  cursor.sees('(') && cursor.peek(1)?.kind === 'letter' && cursor.sees('∈', 2);

/** Tells whether the list ends here, with the text or a closing bracket: a comma before it separates nothing. */
function ends(cursor: Cursor): boolean {
  const token = cursor.peek();
  return !token || (token.kind === 'sign' && /^(?:[)\]}⟩;]|\\\})$/.test(token.sign));
}

const RELATIONS = new Set<string>(['=', '<', '>', '<=', '>=', '!=', '~', '==']);

/** Reads one item of a list: an expression, a set, a chain of relations or a membership. */
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
    } else if (token.sign === '∋' && operators.length === 0) {
      cursor.next();
      return { kind: 'membership', element: setExpression(cursor), set: sides[0]!, negated: false };
    } else if (token.sign === '∈' || token.sign === '∉') {
      cursor.next();
      const set = setExpression(cursor);
      const membership: Node = {
        kind: 'membership',
        element: sides.at(-1)!,
        set,
        negated: token.sign === '∉',
      };
      // a < b ∈ S says two things.
      return operators.length === 0
        ? membership
        : { kind: 'list', items: [{ kind: 'relation', operators, sides }, membership] };
    } else if (token.sign === '⇒' || token.sign === '⇔') {
      // The conclusion of a calculation follows; what came before it is dropped.
      cursor.next();
      const conclusion = cursor.nested(() => statement(cursor));
      const isLogic = operators.length === 0 && isProposition(sides[0]!) && isProposition(conclusion);
      return isLogic ? placedRelation([token.sign], [sides[0]!, conclusion]) : conclusion;
    } else if (isPlacedRelation(token.sign)) return placed(cursor, operators, sides);
    else break;
  }
  if (operators.length === 0) return sides[0]!;
  const last = sides.at(-1)!;
  // Behind ≡ a modulus is that of the whole congruence, however it is written.
  if (operators.includes('==') && last.kind === 'residue' && last.isOperation)
    sides[sides.length - 1] = { kind: 'residue', value: last.value, modulus: last.modulus };
  return { kind: 'relation', operators, sides };
}

/** Tells whether a node is a statement of logic, p or ¬p ⊕ q, and no equation, number or set. */
const isProposition = (node: Node): boolean =>
  !contains(node, ({ kind }) => !/^(?:symbol|text|product|apply)$/.test(kind));

/** Reads the rest of a chain in which a relation like `\subset` occurs. */
function placed(cursor: Cursor, operators: readonly string[], sides: readonly Node[]): Node {
  const [signs, all] = [[...operators], [...sides]];
  for (;;) {
    const token = cursor.peek();
    const isRelation =
      token?.kind === 'sign' &&
      (RELATIONS.has(token.sign) || (isPlacedRelation(token.sign) && !/[⇒⇔]/.test(token.sign)));
    if (!isRelation) break;
    cursor.next();
    signs.push(token.sign);
    all.push(setExpression(cursor));
  }
  return placedRelation(signs, all);
}

/** Limits the sets that one expression joins; each makes the tree one level deeper. */
const MAX_SETS = 200;
const SET_SIGNS = { '∪': 'union', '∩': 'intersection', '∖': 'difference' } as const;

function setExpression(cursor: Cursor): Node {
  let left = ratio(cursor);
  for (let count = 0; ; count++) {
    if (count > MAX_SETS) throw cursor.failure('too many sets');
    const sign = cursor.sign === undefined ? undefined : cursor.accept('∪', '∩', '∖');
    if (sign === undefined) return left;
    const operator = SET_SIGNS[sign as keyof typeof SET_SIGNS];
    left = { kind: 'setOperation', operator, left, right: ratio(cursor) };
  }
}

/** Reads `a:b:c`. Within a set's braces a colon begins a condition and is left to `braces`. */
function ratio(cursor: Cursor): Node {
  const parts = [sum(cursor)];
  while (cursor.sees(':') && !cursor.closingBar) {
    cursor.next();
    parts.push(sum(cursor));
  }
  return parts.length === 1 ? parts[0]! : { kind: 'ratio', parts };
}
