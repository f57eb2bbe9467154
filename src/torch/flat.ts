/** @file Lays tensors out in one buffer, so that an operator or a message takes them all. Knows no models. */
import { noGrad } from './autograd.js';
import { BLOCK } from './blockwise.js';
import * as ops from './ops.js';
import { scope, type Tensor } from './tensor.js';

/** Each tensor begins at a multiple of so many elements, 64 bytes of bf16, as one that libtorch allocates by itself. */
const ALIGNMENT = 32;

const upTo = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple;

interface Place {
  begin: number;
  elements: number;
  shape: readonly number[];
}

/** Where named tensors lie in a buffer, one after the other. What is between them and after the last is 0. */
export class FlatLayout {
  /** Those of a buffer, which divide into `parts` of whole blocks. */
  readonly elements: number;
  /** The blocks that tensors are in, of those of a buffer. */
  readonly blocks: number;
  readonly #places = new Map<string, Place>();

  constructor(shapes: Iterable<readonly [name: string, shape: readonly number[]]>, parts = 1) {
    let end = 0;
    for (const [name, shape] of shapes) {
      const elements = shape.reduce((a, b) => a * b, 1);
      this.#places.set(name, { begin: end, elements, shape });
      end = upTo(end + elements, ALIGNMENT);
    }
    this.elements = upTo(end, parts * BLOCK);
    this.blocks = Math.ceil(end / BLOCK);
  }

  /** Returns the tensors as views of a buffer. */
  views(buffer: Tensor): Map<string, Tensor> {
    return scope(() =>
      noGrad(
        () =>
          new Map(
            Array.from(this.#places, ([name, { begin, elements, shape }]) => [
              name,
              ops.view(ops.narrow(buffer, 0, begin, elements), shape),
            ]),
          ),
      ),
    );
  }

  /** Returns what a part of a buffer has of each tensor, flat. @param first the element of the buffer with which it begins */
  pieces(part: Tensor, first: number): Tensor[] {
    const end = first + part.elements;
    return [...this.#places.values()].flatMap((place) => {
      const [from, to] = [Math.max(first, place.begin), Math.min(end, place.begin + place.elements)];
      return from < to ? [ops.narrow(part, 0, from - first, to - from)] : [];
    });
  }

  /**
   * Moves tensors into a new buffer: each is a view of it from now on and stays the object that it was. What it had before is freed
   * as soon as it has been copied.
   */
  take(tensors: ReadonlyMap<string, Tensor>): Tensor {
    return scope(() =>
      noGrad(() => {
        const [{ dtype, device }] = tensors.values() as unknown as [Tensor];
        const buffer = ops.empty([this.elements], { dtype, device });
        ops.useHugePages([buffer]); // before its pages are touched
        ops.foreachZero_([buffer]);
        for (const [name, view] of this.views(buffer)) {
          ops.copy_(view, tensors.get(name)!);
          ops.setTo_(tensors.get(name)!, view);
        }
        return buffer;
      }),
    );
  }
}
