import { describe, expect, it } from 'vitest';
import { adapted } from '../../test/support/adapters.js';
import { madeUpRows, worst } from '../../test/support/engines.js';
import { familyDir } from '../../test/support/families.js';
import { noGrad } from '../torch/autograd.js';
import { toFloat64Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { scope } from '../torch/tensor.js';
import { loadModel } from './checkpoint.js';
import { packSequences } from './pack.js';
import type { Transformer } from './transformer.js';

const rows = madeUpRows([19, 7, 12]);

const logitsOf = (model: Transformer): Float64Array =>
  scope(() =>
    noGrad(() => {
      const pack = packSequences(
        model,
        rows.map(({ ids }) => ids),
      );
      return toFloat64Array(ops.linear(model.hidden(pack.ids, pack.context), model.head)).slice();
    }),
  );

/** Biases of all kinds, norms of queries and keys, a tied head, four norms a layer. */
const families = ['llama', 'qwen2', 'qwen3', 'gemma3'];
const kinds = [
  ['LoRA', {}],
  ['rsLoRA', { rslora: true }],
  ['DoRA', { dora: true }],
  ['LoRA of some projections', { targets: ['k_proj', 'up_proj'] }],
  ['DoRA of some projections', { targets: ['v_proj', 'gate_proj', 'o_proj'], dora: true }],
] as const;

describe.each(families)('adapters of %s', (family) => {
  it.each(kinds)('give the logits of the merged weights: %s', (_, settings) => {
    using model = adapted(family, 'f32', settings);
    const found = logitsOf(model);
    using base = loadModel(familyDir(family), { dtype: 'f32' }).model;
    expect(worst(found, logitsOf(base))).toBeGreaterThan(1e-2);
    model.adapters!.merge();
    using merged = model.base;
    expect(worst(found, logitsOf(merged))).toBeLessThan(1e-5);
  });
});
