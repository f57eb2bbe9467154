import { expect, it } from 'vitest';
import * as ops from './ops.js';
import { memoryStats } from './runtime.js';
import { disposeAll, Tensor } from './tensor.js';

it('tensors that pass leave no holes between those that are kept', () => {
  const tokens = 500;
  const kept: Tensor[] = [];
  // What a layer with adapters computes: the products of a pack, among which what passes is as large as what is kept.
  const layer = (width: number, narrow: number) => {
    const of = (columns: number) => ops.full([tokens, columns], 1, { dtype: 'f32' });
    kept.push(of(2 * width));
    const passing = [1, 2].map(() => {
      kept.push(of(narrow));
      return of(width);
    });
    passing.push(of(2 * width));
    disposeAll(passing);
    kept.push(of(width));
  };
  const before = memoryStats('cpu').allocated;
  for (let i = 0; i < 30; i++) layer(1536, 16);
  const grown = memoryStats('cpu').allocated - before;
  const bytes = kept.reduce((sum, { elements }) => sum + 4 * elements, 0);
  disposeAll(kept);
  // One layer's passing tensors have a place of their own beside what is kept.
  expect(grown).toBeLessThan(bytes * (1 + 1.5 / 30));
});
