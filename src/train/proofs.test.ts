import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { turns, writeRows } from '../../test/support/tinyModel.js';
import { recipeOf, root, setUpRuns, trained, ofPlainPairs } from '../../test/support/trainingRuns.js';
import { createObjective } from '../objectives/index.js';
import { stepOf } from '../objectives/objective.js';
import type { Proof } from './proofs.js';

/** The fault that is planted, if any. */
const planted = vi.hoisted(() => ({ fault: '' }));

vi.mock('../models/pack.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../models/pack.js')>();
  const packSequences: typeof original.packSequences = (model, sequences) => {
    const pack = original.packSequences(model, sequences);
    if (planted.fault !== 'leak') return pack;
    // Positions are right, and attention sees all that comes before in the pack.
    const joined = Int32Array.from(sequences.flatMap((ids) => [...ids]));
    const { context } = original.packSequences(model, [joined]);
    return { ...pack, context: { ...pack.context, attend: context.attend } };
  };
  return { ...original, packSequences };
});

vi.mock('../models/head.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../models/head.js')>();
  class ChunkedHead extends original.ChunkedHead {
    override backward(...given: Parameters<InstanceType<typeof original.ChunkedHead>['backward']>) {
      const result = super.backward(...given);
      if (planted.fault === 'chunk') result.logps[this.rows] = result.logps[this.rows - 1]!;
      return result;
    }
  }
  return { ...original, ChunkedHead };
});

vi.mock('../objectives/index.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../objectives/index.js')>();
  const openObjective: typeof original.openObjective = async (setting) => {
    const objective = await original.openObjective(setting);
    if (planted.fault !== 'normalizer') return objective;
    const { name, formula, data, needs, couples } = objective;
    return {
      ...{ name, formula, data, needs, couples },
      evaluate: (batch) => objective.evaluate({ ...batch, step: stepOf(batch.sequences) }),
    };
  };
  return { ...original, openObjective };
});

vi.mock('../models/scorer.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../models/scorer.js')>();
  class Scorer extends original.Scorer {
    override score(rows: Parameters<InstanceType<typeof original.Scorer>['score']>[0]) {
      const logps = super.score(rows);
      return planted.fault === 'reference' ? logps.map((values) => values.map((x) => 1.01 * x)) : logps;
    }
  }
  return { ...original, Scorer };
});

vi.mock('../torch/safetensors.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../torch/safetensors.js')>();
  const saveSafetensorsMeanwhile: typeof original.saveSafetensorsMeanwhile = (path, tensors, metadata) =>
    original.saveSafetensorsMeanwhile(
      path,
      planted.fault === 'save' ? tensors.filter((_, i) => i !== 3) : tensors,
      metadata,
    );
  return { ...original, saveSafetensorsMeanwhile };
});

setUpRuns();
beforeEach(() => {
  planted.fault = '';
});

const proofsOf = async (name: string, keys: object = {}): Promise<Proof[]> => {
  const { events } = await trained(recipeOf(name, { proofs: 'on', max_steps: 1, ...keys }));
  return events.find((event) => event.kind === 'proofs')!.proofs;
};

describe.each(ofPlainPairs)('before the first step of %s', (name) => {
  it.each(['f32', 'bf16'])('in %s all that training takes for granted is proved', async (dtype) => {
    const proofs = await proofsOf(name, { dtype });
    expect(proofs.map(({ claim }) => claim)).toEqual([
      'rows in a pack and alone',
      'the head in chunks and whole',
      'its gradient in chunks and whole',
      'several packs and one',
      ...(createObjective({ name }).needs.reference ? ['the reference and the model'] : []),
      'saved weights and those in memory',
    ]);
    for (const { difference, bound } of proofs) expect(difference).toBeLessThanOrEqual(bound);
  });
});

describe('a planted fault', () => {
  it.each<[string, string, string]>([
    ['leak', 'redi', 'rows in a pack and alone'],
    ['chunk', 'sft', 'the head in chunks and whole'],
    ['normalizer', 'redi', 'several packs and one'],
    ['normalizer', 'dpo', 'several packs and one'],
    ['reference', 'dpo', 'the reference and the model'],
    ['save', 'sft', 'saved weights and those in memory'],
  ])('%s of %s ends the run before its first step', async (fault, name, claim) => {
    planted.fault = fault;
    const recipe = recipeOf(name, { proofs: 'on', max_steps: 1 });
    await expect(trained(recipe)).rejects.toThrow(`before the first step: ${claim} should agree`);
    expect(existsSync(join(recipe.out, 'proof.partial'))).toBe(false);
    expect(existsSync(join(recipe.out, 'model'))).toBe(false);
  });
});

it.each(['dpo', 'simpo', 'symmetric'])(
  '%s of sides that begin alike is looked at where they differ',
  async (name) => {
    const data = join(root, 'alike.jsonl');
    const common = 'Let us think about this step by step, as always: ';
    writeRows(
      data,
      ['1', '2', '3'].map((n) => ({
        chosen: turns(n, `${common}it is ${n}`),
        rejected: turns(n, `${common}who knows?`),
      })),
    );
    for (const dtype of ['f32', 'bf16'])
      for (const { difference, bound } of await proofsOf(name, { data, dtype, max_length: 128 }))
        expect(difference).toBeLessThanOrEqual(bound);
  },
);

it('proves nothing where the recipe says so, and changes no weight where it proves', async () => {
  const [off, on] = [
    await trained(recipeOf('redi', { proofs: 'off' })),
    await trained(recipeOf('redi', { proofs: 'on' })),
  ];
  expect(off.events.some(({ kind }) => kind === 'proofs')).toBe(false);
  const lines = (run: typeof on) => run.steps.map(({ loss, grad_norm }) => [loss, grad_norm]);
  expect(lines(on)).toEqual(lines(off));
});
