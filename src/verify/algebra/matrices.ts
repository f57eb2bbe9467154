/** @file Works out sums, products and multiples of matrices in a tree. Reading matrices is parse/environments.ts. */

import { number, product, sum, type Node, type NodeOf } from './tree.js';

type Matrix = NodeOf<'matrix'>;
const isMatrix = (node: Node): node is Matrix => node.kind === 'matrix';

/** Works out the sums, products and multiples of matrices in a tree whose shapes fit; leaves everything else. */
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
