import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromArray } from './data.js';
import { native } from './native.js';
import { accepts, Op, schemaArguments } from './op.js';
import * as ops from './ops.js';
import { scope } from './tensor.js';

/** Names and schemas of the operators that ops.ts was generated with. */
function generated(): { name: string; schema: string }[] {
  const source = readFileSync(new URL('./ops.ts', import.meta.url), 'utf8');
  const found = [...source.matchAll(/new Op\(\s*'([^']+)',\s*(['"`])([\s\S]*?)\2,?\s*\)/g)];
  return found.map((match) => ({ name: match[1]!, schema: match[3]! }));
}

describe('the generated operators', () => {
  it('are all there with the schemas they were generated from', () => {
    const all = generated();
    expect(all.length).toBe(
      readFileSync(new URL('./ops.ts', import.meta.url), 'utf8').match(/new Op\(/g)!.length,
    );
    expect(all.length).toBe(Object.keys(ops).length);
    for (const { name, schema } of all) {
      const id = native.resolve(name);
      expect(id, name).toBeDefined();
      expect(accepts(native.schema(id!), schema), native.schema(id!)).toBe(true);
      expect(new Op(name, schema).id).toBe(id);
    }
  });
});

describe('schemaArguments', () => {
  it('reads names, types, defaults and the keyword mark', () => {
    expect(
      schemaArguments(
        'a::b(Tensor(a!) self, int[2] size=[1, 2], *, str mode="a, b", Tensor?[] x) -> (Tensor(a!), int)',
      ),
    ).toEqual([
      { type: 'Tensor', name: 'self', hasDefault: false, keywordOnly: false },
      { type: 'int[2]', name: 'size', hasDefault: true, keywordOnly: false },
      { type: 'str', name: 'mode', hasDefault: true, keywordOnly: true },
      { type: 'Tensor?[]', name: 'x', hasDefault: false, keywordOnly: true },
    ]);
    expect(schemaArguments('a::b() -> Tensor')).toEqual([]);
  });
});

describe('accepts', () => {
  const ours = 'a::b(Tensor self, int n, str group, *, float? scale=None) -> Tensor';
  it.each([
    ['the same', ours, true],
    ['a new argument with a default', ours.replace('=None)', '=None, bool fast=False)'), true],
    ['a new argument without a default', ours.replace('=None)', '=None, bool fast)'), false],
    ['a symbolic integer', ours.replace('int n', 'SymInt n'), true],
    ['a group as object or name', ours.replace('str group', 'Any group'), true],
    ['a changed type', ours.replace('int n', 'float n'), false],
    ['a changed list', ours.replace('int n', 'int[] n'), false],
    ['another name', ours.replace('int n', 'int m'), false],
    ['another order', 'a::b(int n, Tensor self, str group, *, float? scale=None) -> Tensor', false],
    ['an argument less', 'a::b(Tensor self, int n, str group) -> Tensor', false],
  ])('%s: %s', (_, theirs, expected) => {
    expect(accepts(theirs, ours)).toBe(expected);
  });

  it('decides whether an operator may be called', () => {
    expect(() => new Op('aten::neg', 'aten::neg(Tensor self, int n) -> Tensor').id).toThrow(
      'aten::neg is not as expected',
    );
    expect(() => new Op('aten::no_such_operator', '').id).toThrow('has no operator aten::no_such_operator');
  });
});

describe('errors', () => {
  it('show dtypes and shapes of what the operator was given', () => {
    scope(() => {
      const a = fromArray(new Float32Array(6), [2, 3]);
      const b = fromArray(new Float32Array(8), [4, 2]);
      expect(() => ops.mm(a, b)).toThrow(/^aten::mm: .*\(self: f32\[2, 3\]; mat2: f32\[4, 2\]\)$/);
      expect(() => ops.cat([a, b, a, a, a])).toThrow('f32[2, 3], …)');
      expect(() => ops.zeros([-1])).toThrow(/^aten::zeros: .*[^)]$/);
    });
  });

  it('name the argument that cannot be converted', () => {
    scope(() => {
      const a = fromArray(new Float32Array(6), [2, 3]);
      expect(() => ops.narrow(a, 0, 0.5, 1)).toThrow(
        /argument 'start': a whole number is expected, not 0\.5/,
      );
      expect(() => ops.narrow(a, 0, NaN, 1)).toThrow("argument 'start'");
      expect(() => ops.view(a, [2.5, 2])).toThrow("argument 'size'");
      expect(() => ops.empty([1], { device: 'nowhere' })).toThrow('nowhere');
    });
  });
});
