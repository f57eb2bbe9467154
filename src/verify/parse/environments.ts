/**
 * @file Reads LaTeX environments: matrices, determinants and lines. One part of the grammar whose root is parse.ts.
 */

import type { Cursor } from './cursor.js';
import { statement } from './parse.js';
import { call, type Node } from '../algebra/tree.js';

/** Reads `\begin{…} … \end{…}` after its `\begin`: a matrix, a determinant, or lines that form a list. */
export function environment(cursor: Cursor): Node {
  cursor.expect('{');
  const name = environmentName(cursor);
  if (name === 'array' && cursor.sees('{')) cursor.raw();
  const rows = cursor.bracketed(() => readRows(cursor));
  environmentName(cursor);
  if (/^[pbB]?matrix$|^smallmatrix$|^array$/.test(name)) return { kind: 'matrix', rows };
  if (name === 'vmatrix') return call('det', { kind: 'matrix', rows });
  if (/^(?:cases|aligned|align|gathered)\*?$/.test(name)) {
    const lines = rows.map((row) => (row.length === 1 ? row[0]! : { kind: 'list' as const, items: row }));
    return lines.length === 1 ? lines[0]! : { kind: 'list', items: lines };
  }
  throw cursor.failure(`the environment ${name} is not known`);
}

/** Reads the name in braces after `\begin` or `\end`; the opening brace may have been read. */
function environmentName(cursor: Cursor): string {
  cursor.accept('{');
  let name = '';
  while (cursor.accept('}') === undefined) {
    const token = cursor.next();
    if (token.kind === 'letter') name += token.name;
    else if (token.kind === 'text') name += token.text;
    else if (token.kind === 'sign' && token.sign === '*') name += '*';
    else throw cursor.failure('an environment has no name');
  }
  return name;
}

function readRows(cursor: Cursor): Node[][] {
  const rows: Node[][] = [];
  let row: Node[] = [];
  for (;;) {
    if (cursor.seesCommand('end')) {
      cursor.next();
      if (row.length > 0) rows.push(row);
      return rows;
    }
    if (cursor.accept('\\\\') !== undefined) {
      if (row.length > 0) rows.push(row);
      row = [];
    } else if (cursor.accept('&', ',') === undefined) {
      // x + 1, if x ≥ 0
      const token = cursor.peek();
      if (token?.kind === 'text' && /^,? ?(?:if|for|when|where|on|in)$/i.test(token.text)) cursor.next();
      else row.push(statement(cursor));
    }
  }
}
