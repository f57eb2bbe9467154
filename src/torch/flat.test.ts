import { afterEach, expect, it } from 'vitest';
import { fromArray, toFloat64Array } from './data.js';
import { FlatLayout } from './flat.js';
import * as ops from './ops.js';
import { disposeAll, liveTensors, scope } from './tensor.js';

const live = liveTensors();
afterEach(() => {
  expect(liveTensors()).toBe(live);
});

const shapes: [string, readonly number[]][] = [
  ['a', [3, 5]],
  ['b', [32]],
  ['c', [1]],
  ['d', [2, 2, 40]],
];
const numbers = (first: number, count: number) => Float64Array.from({ length: count }, (_, i) => first + i);
const made = () =>
  new Map(
    shapes.map(([name, shape], i) => [
      name,
      fromArray(
        numbers(
          1000 * (i + 1),
          shape.reduce((a, b) => a * b, 1),
        ),
        shape,
      ),
    ]),
  );

it('moves tensors into one buffer, of which they are views, with zeros between them', () => {
  const tensors = made();
  const before = [...tensors.values()].map((tensor) => toFloat64Array(tensor).slice());
  const layout = new FlatLayout(shapes, 3);
  const buffer = layout.take(tensors);
  expect(layout.elements % (3 * 32)).toBe(0);
  expect([...tensors.values()].map((tensor) => toFloat64Array(tensor))).toEqual(before);
  expect(Array.from(tensors, ([name, { shape }]) => [name, shape])).toEqual(shapes);
  const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
  expect(sum(toFloat64Array(buffer))).toBe(before.reduce((total, values) => total + sum(values), 0));
  scope(() => {
    ops.mul_(buffer, buffer);
  });
  expect(toFloat64Array(tensors.get('b')!)[1]).toBe(2001 ** 2);
  disposeAll([tensors, buffer]);
});

it('finds what parts of a buffer have of each tensor', () => {
  const tensors = made();
  const whole = [...tensors.values()].flatMap((tensor) => [...toFloat64Array(tensor)]);
  for (const parts of [1, 2, 3, 7]) {
    const layout = new FlatLayout(shapes, parts);
    scope(() => {
      const buffer = ops.zeros([layout.elements], { dtype: 'f64' });
      for (const [name, view] of layout.views(buffer)) ops.copy_(view, tensors.get(name)!);
      const count = layout.elements / parts;
      const found = Array.from({ length: parts }, (_, part) =>
        layout.pieces(ops.narrow(buffer, 0, part * count, count), part * count),
      ).flat();
      expect(found.flatMap((piece) => [...toFloat64Array(piece)])).toEqual(whole);
    });
  }
  disposeAll(tensors);
});
