import { describe, expect, it } from 'vitest';
import { pieceTokenizer } from '../../test/support/bigrams.js';
import { expectedSequences, familyDir, familyNames } from '../../test/support/families.js';
import { loadModel } from '../models/checkpoint.js';
import { Scorer } from '../models/scorer.js';
import { withoutKernels } from '../torch/fused.js';
import { Random } from '../util/random.js';
import { Generator } from './generator.js';

const characters = pieceTokenizer(Array.from({ length: 128 }, (_, i) => String.fromCharCode(i)));
const exactModel = (name: string) => loadModel(familyDir(name), { dtype: 'f32', exact: true }).model;
/** Prompts of different lengths that begin alike, so that what they begin with is computed once for those that join together. */
const prompts = Array.from({ length: 23 }, (_, i) => {
  const random = new Random(i % 7);
  const rest = Array.from({ length: 1 + ((i * 5) % 17) }, () => random.nextInt(128));
  return { ids: Int32Array.from([90, 4, 17, 17, 60, 3, ...rest]) };
});

describe.each(familyNames)('%s, exactly', (name) => {
  it('scores what it sampled as it sampled it, to the last bit', async () => {
    using model = exactModel(name);
    using scorer = new Scorer(model);
    const generator = new Generator(model, { ...characters, stopTokenIds: [3] });
    const options = { maxNewTokens: 40, temperature: 1, topP: 0.95, samples: 3, logps: true, batchSize: 16 };
    const completions = await generator.generate(prompts, options);
    const rows = completions.map(({ ids }, i) => {
      const before = prompts[Math.floor(i / 3)]!.ids;
      return { ids: Int32Array.from([...before, ...ids]), responseStart: before.length };
    });
    let tokens = 0;
    // Alone, a few at a time, and all at once: packs of other rows.
    for (const size of [1, 5, rows.length]) {
      for (let start = 0; start < rows.length; start += size) {
        scorer.score(rows.slice(start, start + size)).forEach((logps, i) => {
          expect(logps).toEqual(completions[start + i]!.logps);
          tokens += logps.length;
        });
      }
    }
    expect(tokens).toBeGreaterThan(3 * 2000);
  });

  it('gives the same greedy answers and log-probs whatever the batch, and with kernels switched off', async () => {
    using model = exactModel(name);
    const generator = new Generator(model, characters);
    const answer = (batchSize: number) =>
      generator.generate(prompts, { maxNewTokens: 24, logps: true, batchSize });
    const expected = await answer(1);
    for (const batchSize of [3, 16, 64]) expect(await answer(batchSize)).toEqual(expected);
    expect(await withoutKernels(() => answer(16))).toEqual(expected);
  });

  it("has the usual arithmetic's log-probs but for rounding", () => {
    const rows = expectedSequences(name).map(({ ids }) => ({ ids, responseStart: 1 }));
    const score = (exact: boolean) => {
      using model = loadModel(familyDir(name), { dtype: 'f32', exact }).model;
      using scorer = new Scorer(model);
      return scorer.score(rows).flatMap((logps) => [...logps]);
    };
    const usual = score(false);
    score(true).forEach((logp, i) => {
      expect(Math.abs(logp - usual[i]!)).toBeLessThan(2e-5);
    });
  });
});

describe('exact arithmetic', () => {
  it('is f32 on the CPU', () => {
    expect(() => loadModel(familyDir('llama'), { dtype: 'bf16', exact: true })).toThrow(
      'exact results are in f32 on the CPU, not in bf16 on cpu: set dtype f32 and device cpu',
    );
  });

  it('computes a row that was sent back for want of memory as if it had never been away', async () => {
    using model = exactModel('qwen3');
    const { kvHeads, headDim } = model.config;
    const room = model.layerCount * 2 * kvHeads * headDim * 4 * 64;
    const generator = new Generator(model, characters);
    const options = { maxNewTokens: 90, logps: true, batchSize: 16 };
    const expected = await generator.generate(prompts.slice(0, 12), options);
    for (const rooms of [3, 5, 9]) {
      const crowded = { ...options, cacheBytes: rooms * room };
      expect(await generator.generate(prompts.slice(0, 12), crowded)).toEqual(expected);
    }
  });

  it('goes on from an answer that was shortened, lengthened or shared as if it had drawn it so', async () => {
    using model = exactModel('qwen3');
    const generator = new Generator(model, characters);
    const [{ ids: prompt }] = prompts.slice(3) as [{ ids: Int32Array }];
    const whole = (
      await generator.generate([{ ids: prompt }], { maxNewTokens: 30, logps: true, batchSize: 1 })
    )[0]!;
    // Begun again after each of its tokens, all in one batch with others: what follows is the same.
    const continued = Array.from({ length: 30 }, (_, i) => ({
      ids: Int32Array.from([...prompt, ...whole.ids.subarray(0, i)]),
    }));
    const answers = await generator.generate([...prompts, ...continued], { maxNewTokens: 30, logps: true });
    answers.slice(prompts.length).forEach(({ ids, logps }, i) => {
      expect(ids.subarray(0, 30 - i)).toEqual(whole.ids.subarray(i));
      expect(logps!.subarray(0, 30 - i)).toEqual(whole.logps!.subarray(i));
    });
  });
});
