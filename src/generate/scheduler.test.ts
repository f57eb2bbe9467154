import { describe, expect, it } from 'vitest';
import { bigramModel, pieceTokenizer } from '../../test/support/bigrams.js';
import { expectedSequences, familyDir, familyNames } from '../../test/support/families.js';
import { greedy, nextLogps } from '../../test/support/greedy.js';
import { loadModel } from '../models/checkpoint.js';
import { liveTensors } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { Random } from '../util/random.js';
import { Generator, type ResponseOptions } from './generator.js';
import { logitBias } from './rules/logitBias.js';
import { repetitionStop } from './rules/repetition.js';
import { stopStrings } from './rules/stopStrings.js';
import type { Sequence } from './sequence.js';

const characters = pieceTokenizer(Array.from({ length: 128 }, (_, i) => String.fromCharCode(i)));

/** Prompts of many lengths, some of which begin alike. */
function promptsOf(name: string, count: number): Int32Array[] {
  const { ids } = expectedSequences(name)[0]!;
  const random = new Random(4);
  return Array.from({ length: count }, (_, i) => {
    const rest = Array.from({ length: 1 + ((i * 7) % 23) }, () => random.nextInt(128));
    return Int32Array.from(i % 3 === 0 ? [...ids.subarray(0, 6), ...rest] : rest);
  });
}

describe.each(familyNames)('%s: rows that join and leave', (name) => {
  it('get the tokens that decoding one by one without a cache gives', async () => {
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    const generator = new Generator(model, characters);
    const prompts = promptsOf(name, 64);
    // Responses of different lengths, so that rows leave at different times; further prompts come in between.
    const lengthOf = (i: number) => 1 + ((i * 5) % 12);
    using scheduler = generator.scheduler({ batchSize: 12 });
    const begun = prompts.map((ids, i) =>
      generator.begin(ids, {
        ...{ maxNewTokens: lengthOf(i), sampling: { temperature: 0, topP: 1 }, seed: 0, name: 'the prompt' },
      }),
    );
    const cancelled = new Set([5, 17, 40].map((i) => begun[i]!));
    const finished: Sequence[] = [];
    for (let next = 0, tick = 0; next < begun.length || !scheduler.isIdle; tick++) {
      for (const sequence of begun.slice(next, (next += 3))) scheduler.submit(sequence);
      for (const sequence of cancelled) if (sequence.ids.length > 0) scheduler.cancel(sequence);
      finished.push(...(await scheduler.tick()).finished);
      expect(tick).toBeLessThan(1000);
    }
    begun.forEach((sequence, i) => {
      if (cancelled.has(sequence) && lengthOf(i) > 1) expect(finished).not.toContain(sequence);
      else expect(sequence.ids).toEqual(greedy(model, prompts[i]!, lengthOf(i)));
    });
    expect(finished.length).toBeGreaterThan(60);
  });
});

describe('a sequence', () => {
  it.each([
    ...[1e-300, 1e-45, 0.001, -1, NaN, Infinity].map((temperature) => ({ temperature, topP: 1 })),
    ...[0, -1, 2, NaN].map((topP) => ({ temperature: 1, topP })),
    ...[-1, 1.5, NaN].map((topK) => ({ temperature: 1, topP: 1, topK })),
    ...[-1, 2, NaN].map((minP) => ({ temperature: 1, topP: 1, minP })),
  ])('is not begun where it cannot be sampled: %j', (sampling) => {
    using model = loadModel(familyDir('llama'), { dtype: 'f32' }).model;
    const generator = new Generator(model, characters);
    const options = { maxNewTokens: 4, sampling, seed: 0, name: 'the prompt' };
    expect(() => generator.begin(Int32Array.of(1, 2), options)).toThrow(UserError);
  });
});

describe('Scheduler', () => {
  it('samples every row in its own way, the same alone and in a crowd', async () => {
    const before = liveTensors();
    {
      using model = loadModel(familyDir('llama'), { dtype: 'f32' }).model;
      const generator = new Generator(model, { ...characters, stopTokenIds: [3] });
      const prompts = promptsOf('llama', 40);
      const way = (i: number): Partial<ResponseOptions> => {
        const sampling = [
          { temperature: 1, topP: 1 },
          { temperature: 0, topP: 1 },
          { temperature: 0.8, topP: 0.9 },
          { temperature: 1.5, topP: 1, topK: 5 },
          { temperature: 1, topP: 0.95, minP: 0.02 },
        ][i % 5]!;
        const rules = [
          [],
          [logitBias(new Map([[i % 128, 3]]), 128)],
          [stopStrings(['a', 'bc'])],
          [repetitionStop({ longest: 4, tokens: 8, times: 2 })],
        ][i % 4]!;
        return { sampling, rules, keep: { logps: true, entropies: true, top: i % 3 } };
      };
      const begin = (i: number) =>
        generator.begin(prompts[i]!, {
          ...{ maxNewTokens: 5 + (i % 30), seed: i, name: 'the prompt' },
          ...{ sampling: { temperature: 0, topP: 1 } },
          ...way(i),
        });
      const run = async (sequences: Sequence[], batchSize: number) => {
        using scheduler = generator.scheduler({ batchSize });
        for (const sequence of sequences) scheduler.submit(sequence);
        while (!scheduler.isIdle) await scheduler.tick();
        return sequences.map((sequence) => generator.complete(sequence));
      };
      const crowd = await run(
        prompts.map((_, i) => begin(i)),
        64,
      );
      for (const i of prompts.keys()) {
        const [alone] = await run([begin(i)], 1);
        const { ids, text, finishReason, rule, logps, entropies, top } = crowd[i]!;
        expect({ ids, text, finishReason, rule }).toEqual({
          ids: alone!.ids,
          text: alone!.text,
          finishReason: alone!.finishReason,
          rule: alone!.rule,
        });
        expect(top).toHaveLength(ids.length);
        ids.forEach((id, t) => {
          const expected = nextLogps(model, [...prompts[i]!, ...ids.subarray(0, t)]);
          expect(logps![t]).toBeCloseTo(expected[id]!, 4);
          expect(entropies![t]).toBeCloseTo(-expected.reduce((sum, l) => sum + l * Math.exp(l), 0), 4);
          const sorted = [...expected].sort((a, b) => b - a);
          expect(top![t]!.ids).toHaveLength(i % 3);
          top![t]!.logps.forEach((logp, place) => {
            expect(logp).toBeCloseTo(sorted[place]!, 4);
            expect(logp).toBeCloseTo(expected[top![t]!.ids[place]!]!, 4);
          });
        });
      }
    }
    expect(liveTensors()).toBe(before);
  });

  it('lets sequences join at once where it is eager, and else from a quarter free on', async () => {
    using model = loadModel(familyDir('llama'), { dtype: 'f32' }).model;
    const generator = new Generator(model, characters);
    const begin = () =>
      generator.begin(Int32Array.of(9, 8, 7), {
        ...{ maxNewTokens: 50, sampling: { temperature: 0, topP: 1 }, seed: 0, name: 'the prompt' },
      });
    const loadAfter = async (eager: boolean) => {
      using scheduler = generator.scheduler({ batchSize: 8, eager });
      for (let i = 0; i < 7; i++) scheduler.submit(begin());
      for (let i = 0; i < 2; i++) await scheduler.tick();
      scheduler.submit(begin());
      await scheduler.tick();
      return scheduler.load;
    };
    expect(await loadAfter(true)).toEqual({ running: 8, waiting: 0 });
    expect(await loadAfter(false)).toEqual({ running: 7, waiting: 1 });
  });

  it('begins responses with a prefix, which is of the response and not drawn', async () => {
    using model = loadModel(familyDir('llama'), { dtype: 'f32' }).model;
    const generator = new Generator(model, characters);
    const prompt = Int32Array.of(9, 8, 7);
    using scheduler = generator.scheduler({ batchSize: 4 });
    const sequence = generator.begin(prompt, {
      ...{ maxNewTokens: 6, sampling: { temperature: 0, topP: 1 }, seed: 0, name: 'the prompt' },
      ...{ prefix: Int32Array.of(70, 71), keep: { logps: true } },
    });
    scheduler.submit(sequence);
    expect(scheduler.load).toEqual({ running: 0, waiting: 1 });
    while (!scheduler.isIdle) await scheduler.tick();
    const { ids, forced, text, logps } = generator.complete(sequence);
    expect([...ids]).toEqual([70, 71, ...greedy(model, [9, 8, 7, 70, 71], 6)]);
    expect([...forced]).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
    expect(text.startsWith('FG')).toBe(true);
    expect(Array.from(logps!, Number.isNaN)).toEqual(Array.from(forced, Boolean));
  });

  it('takes only models of one vocabulary', () => {
    using model = loadModel(familyDir('llama'), { dtype: 'f32' }).model;
    using other = bigramModel([[0]]);
    const generator = new Generator(model, characters, new Map([['other', other]]));
    expect(() => generator.scheduler({})).toThrow('"other" has 1 tokens and the first one 128');
  });
});
