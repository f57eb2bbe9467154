import type { Cursor } from './cursor.js';
import { statement } from './parse.js';
import { call, number, product, sum, type Node, type NodeOf } from '../algebra/tree.js';

/** `\begin{…} … \end{…}`: a matrix, a determinant, or lines that are a list. `\begin` has just been read. */
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
  throw cursor.failure(`an environment ${name}`);
}

/** The name behind `\begin{` or, with its brace, `\end`. */
function environmentName(cursor: Cursor): string {
  cursor.accept('{');
  let name = '';
  while (cursor.accept('}') === undefined) {
    const token = cursor.next();
    if (token.kind === 'letter') name += token.name;
    else if (token.kind === 'text') name += token.text;
    else if (token.kind === 'sign' && token.sign === '*') name += '*';
    else throw cursor.failure('an environment without a name');
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
    } else if (cursor.accept('&', ',') === undefined) row.push(statement(cursor));
  }
}

type Matrix = NodeOf<'matrix'>;
const isMatrix = (node: Node): node is Matrix => node.kind === 'matrix';

/** The tree with sums, products and multiples of matrices worked out, as far as their shapes fit. */
export function reduceMatrices(node: Node): Node {
  if (node.kind === 'sum') {
    const terms = node.terms.map(reduceMatrices);
    return terms.every(isMatrix) && terms.every((term) => sameShape(term, terms[0]!))
      ? terms.reduce((a, b) => zip(a, b))
      : node;
  }
  if (node.kind === 'product') {
    const factors = node.factors.map(reduceMatrices);
    const matrices = factors.filter(isMatrix);
    if (matrices.length === 0) return node;
    const scalar = product(number(1n), ...factors.filter((factor) => !isMatrix(factor)));
    let result = matrices[0]!;
    for (const next of matrices.slice(1)) {
      if (!isRectangle(result) || !isRectangle(next) || result.rows[0]!.length !== next.rows.length)
        return node;
      result = times(result, next);
    }
    return { kind: 'matrix', rows: result.rows.map((row) => row.map((cell) => product(scalar, cell))) };
  }
  return node;
}

const isRectangle = (matrix: Matrix) =>
  matrix.rows.length > 0 && matrix.rows.every((row) => row.length === matrix.rows[0]!.length);

const sameShape = (a: Matrix, b: Matrix) =>
  a.rows.length === b.rows.length && a.rows.every((row, index) => row.length === b.rows[index]!.length);

const zip = (a: Matrix, b: Matrix): Matrix => ({
  kind: 'matrix',
  rows: a.rows.map((row, i) => row.map((cell, j) => sum(cell, b.rows[i]![j]!))),
});

const times = (a: Matrix, b: Matrix): Matrix => ({
  kind: 'matrix',
  rows: a.rows.map((row) =>
    b.rows[0]!.map((_, column) => sum(...row.map((cell, k) => product(cell, b.rows[k]![column]!)))),
  ),
});
