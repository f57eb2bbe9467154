/** @file Works out sums, products, powers and determinants of matrices in a tree. Reading matrices is parse/environments.ts. */

import { hasKind, mapChildren, negate, number, product, sum, type Node, type NodeOf } from './tree.js';

type Matrix = NodeOf<'matrix'>;
const isMatrix = (node: Node): node is Matrix => node.kind === 'matrix';

/** Limits the exponents of matrices and the rows of determinants that are worked out. */
const MAX_EXPONENT = 32n;
const MAX_ROWS = 5;

/** Works out what is done with matrices in a tree where their shapes fit; leaves everything else. */
export function reduceMatrices(node: Node): Node {
  return hasKind(node, 'matrix') ? reduced(node) : node;
}

function reduced(node: Node): Node {
  const plain = mapChildren(node, reduced);
  switch (plain.kind) {
    case 'sum':
      return plain.terms.every(isMatrix) &&
        plain.terms.every((term) => sameShape(term, plain.terms[0] as Matrix))
        ? plain.terms.reduce((a, b) => zip(a, b))
        : plain;
    case 'product':
      return multiplied(plain);
    case 'power':
      return raised(plain);
    case 'call': {
      const [matrix] = plain.args;
      const isSquare =
        matrix && isMatrix(matrix) && isRectangle(matrix) && matrix.rows.length === matrix.rows[0]!.length;
      if (!isSquare || matrix.rows.length > MAX_ROWS) return plain;
      if (plain.name === 'det' || plain.name === 'abs') return determinant(matrix.rows);
      return plain.name === 'tr' ? sum(...matrix.rows.map((row, index) => row[index]!)) : plain;
    }
    default:
      return plain;
  }
}

function multiplied(node: NodeOf<'product'>): Node {
  const matrices = node.factors.filter(isMatrix);
  if (matrices.length === 0) return node;
  const scalar = product(number(1n), ...node.factors.filter((factor) => !isMatrix(factor)));
  let result = matrices[0]!;
  for (const next of matrices.slice(1)) {
    const isFit = isRectangle(result) && isRectangle(next) && result.rows[0]!.length === next.rows.length;
    if (!isFit) return node;
    result = times(result, next);
  }
  return { kind: 'matrix', rows: result.rows.map((row) => row.map((cell) => product(scalar, cell))) };
}

function raised(node: NodeOf<'power'>): Node {
  const { base, exponent } = node;
  const count = exponent.kind === 'number' && exponent.value.d === 1n ? exponent.value.n : 0n;
  if (!isMatrix(base) || count < 1n || count > MAX_EXPONENT) return node;
  if (!isRectangle(base) || base.rows.length !== base.rows[0]!.length || base.rows.length > MAX_ROWS)
    return node;
  const isPlain = base.rows.every((row) => row.every((cell) => cell.kind === 'number'));
  if (!isPlain && count > 4n) return node;
  let result = base;
  for (let n = 1n; n < count; n++) result = folded(times(result, base));
  return result;
}

/** Adds up the cells of a matrix of numbers, so that powers do not grow as trees. */
const folded = (matrix: Matrix): Matrix => ({
  kind: 'matrix',
  rows: matrix.rows.map((row) => row.map(value)),
});

function value(cell: Node): Node {
  if (cell.kind === 'sum') {
    const terms = cell.terms.map(value);
    if (!terms.every((term) => term.kind === 'number' && term.value.d === 1n)) return cell;
    return number(terms.reduce((total, term) => total + (term as NodeOf<'number'>).value.n, 0n));
  }
  if (cell.kind !== 'product') return cell;
  const isWhole = cell.factors.every((factor) => factor.kind === 'number' && factor.value.d === 1n);
  return isWhole
    ? number(cell.factors.reduce((total, factor) => total * (factor as NodeOf<'number'>).value.n, 1n))
    : cell;
}

/** Expands a determinant along its first row. */
function determinant(rows: Matrix['rows']): Node {
  if (rows.length === 1) return rows[0]![0]!;
  const terms = rows[0]!.map((cell, column) => {
    const minor = rows.slice(1).map((row) => row.filter((_, index) => index !== column));
    const term = product(cell, determinant(minor));
    return column % 2 === 0 ? term : negate(term);
  });
  return sum(...terms);
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
