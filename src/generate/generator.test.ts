import { afterAll, describe, expect, it } from 'vitest';
import { bigramModel, chainModel, pieceTokenizer } from '../../test/support/bigrams.js';
import { chatDirectory } from '../../test/support/chatDirectory.js';
import { expectedSequences, familyDir, familyNames } from '../../test/support/families.js';
import { greedy } from '../../test/support/greedy.js';
import { loadModel } from '../models/checkpoint.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { liveTensors } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { calculatorRule } from './rules/calculator.js';
import type { Rule } from './rules/rule.js';
import { Generator, type Completion, type GenerateProgress } from './generator.js';

const characters = pieceTokenizer(Array.from({ length: 128 }, (_, i) => String.fromCharCode(i)));
const prompt = (...ids: number[]) => ({ ids: Int32Array.from(ids) });
const idsOf = (completions: readonly Completion[]) => completions.map(({ ids }) => [...ids]);

describe.each(familyNames)('%s', (name) => {
  it('decodes greedily what recomputation does, for prompts of different lengths, in batches and alone', async () => {
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    const { ids } = expectedSequences(name)[0]!;
    const prompts = [5, 1, 20, 12, 2].map((length, i) => ({ ids: ids.slice(i, i + length) }));
    const expected = prompts.map((prompt) => greedy(model, prompt.ids, 24));
    const generator = new Generator(model, characters);
    for (const batchSize of [1, 2, 64]) {
      expect(idsOf(await generator.generate(prompts, { maxNewTokens: 24, batchSize }))).toEqual(expected);
    }
  });
});

describe.each(familyNames)('%s, prompts that begin alike', (name) => {
  it('computes the beginning once and decodes what recomputation does', async () => {
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    const { ids } = expectedSequences(name)[0]!;
    // One is the beginning and a token, one is asked for three times in a row, and one has another window's length.
    const prompts = [[7], [1, 2, 3], [1, 2, 3], [1, 2, 3], [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]].map((rest) => ({
      ids: Int32Array.from([...ids.subarray(0, 10), ...rest]),
    }));
    const expected = prompts.map((prompt) => greedy(model, prompt.ids, 16));
    const generator = new Generator(model, characters);
    for (const batchSize of [2, 3, 64])
      expect(idsOf(await generator.generate(prompts, { maxNewTokens: 16, batchSize }))).toEqual(expected);
  });
});

describe('Generator', () => {
  const model = loadModel(familyDir('llama'), { dtype: 'f32' }).model;
  afterAll(() => {
    model[Symbol.dispose]();
  });
  const generator = new Generator(model, { ...characters, stopTokenIds: [3, 40, 41, 42] });
  const prompts = Array.from({ length: 9 }, (_, i) =>
    prompt(...Array.from({ length: 1 + ((i * 5) % 7) }, (_, j) => (i + 3 * j) % 128)),
  );
  const sampling = { temperature: 1, topP: 0.9, samples: 3, maxNewTokens: 30, seed: 11 };

  it('refuses tokens that the model does not know, and takes the last that it knows', async () => {
    const { vocabSize } = model.config;
    await expect(generator.generate([prompt(1, vocabSize, 2)], { maxNewTokens: 1 })).rejects.toThrow(
      new UserError(
        `prompt 1 has the token id ${vocabSize}, but the model has ${vocabSize} embeddings: its tokenizer is another model's`,
      ),
    );
    expect(await generator.generate([prompt(1, vocabSize - 1)], { maxNewTokens: 1 })).toHaveLength(1);
  });

  it('gives the same samples whatever the batch, and others for another seed', async () => {
    const first = await generator.generate(prompts, sampling);
    expect(first).toHaveLength(27);
    expect(new Set(first.map(({ ids }) => ids.join())).size).toBe(27);
    for (const batchSize of [1, 4, 10]) {
      expect(idsOf(await generator.generate(prompts, { ...sampling, batchSize }))).toEqual(idsOf(first));
    }
    const fewer = await generator.generate(prompts.slice(0, 2), { ...sampling, samples: 2 });
    expect(idsOf(fewer)).toEqual(idsOf([0, 1, 3, 4].map((i) => first[i]!)));
    expect(idsOf(await generator.generate(prompts, { ...sampling, seed: 12 }))).not.toEqual(idsOf(first));
  });

  it('ends at a stop token or at the limit, and leaves no tensors', async () => {
    const before = liveTensors();
    const seen: GenerateProgress[] = [];
    const completions = await generator.generate(prompts, { ...sampling, batchSize: 5 }, (progress) =>
      seen.push(progress),
    );
    expect(liveTensors()).toBe(before);
    const reasons = new Set(completions.map(({ finishReason }) => finishReason));
    expect(reasons).toEqual(new Set(['stop', 'length']));
    for (const { ids, text, finishReason } of completions) {
      const stops = [...ids].map((id, i) => ([3, 40, 41, 42].includes(id) ? i : -1)).filter((i) => i >= 0);
      expect(stops).toEqual(finishReason === 'stop' ? [ids.length - 1] : []);
      if (finishReason === 'length') expect(ids).toHaveLength(30);
      expect(text).toBe(characters.decode(finishReason === 'stop' ? ids.slice(0, -1) : ids));
    }
    const tokens = completions.reduce((sum, { ids }) => sum + ids.length, 0);
    expect(seen.at(-1)).toEqual({ finished: 27, total: 27, tokens });
    expect(seen.every(({ finished }, i) => i === 0 || finished >= seen[i - 1]!.finished)).toBe(true);
  });

  it('computes within a budget what it computes without, sending the youngest rows back for a while', async () => {
    const free = new Generator(model, characters);
    const { kvHeads, headDim } = model.config;
    const bytes = model.layerCount * 2 * kvHeads * headDim * 4 * 64;
    const asked = prompts.map(({ ids }, i) => ({
      ids: Int32Array.from({ length: 40 + i }, (_, j) => ids[j % ids.length]!),
    }));
    const options = { ...sampling, samples: 2, maxNewTokens: 80 };
    const first = await free.generate(asked, options);
    // From room for one row of 128 tokens to room for five.
    for (const rooms of [2, 4, 7, 10]) {
      let drawn = 0;
      const within = await free.generate(
        asked,
        { ...options, cacheBytes: rooms * bytes },
        ({ tokens }) => (drawn = tokens),
      );
      expect(idsOf(within)).toEqual(idsOf(first));
      expect(drawn).toBe(18 * 80);
    }
    await expect(free.generate(asked, { ...options, cacheBytes: bytes })).rejects.toThrow(
      'lower the new tokens or the batch size',
    );
  });

  it("stops at the model's last position", async () => {
    const long = { ids: new Int32Array(120).fill(7) };
    const [completion] = await new Generator(model, characters).generate([long], { maxNewTokens: 1000 });
    expect(completion!.ids).toHaveLength(model.config.maxPositions - 120);
    expect(completion!.finishReason).toBe('length');
  });

  it('goes on from the last token of the prompt, so that a forced beginning is part of it', async () => {
    const free = new Generator(model, characters);
    const [whole] = await free.generate([prompt(9, 8, 7)], { maxNewTokens: 12 });
    const begun = prompt(9, 8, 7, ...whole!.ids.subarray(0, 5));
    const [rest] = await free.generate([begun], { maxNewTokens: 7 });
    expect([...rest!.ids]).toEqual([...whole!.ids.subarray(5)]);
  });

  it('goes on filling its rows once it has begun, so that none waits until others have ended', async () => {
    const free = new Generator(model, characters);
    const steps = async (count: number, length: number, maxNewTokens: number) => {
      const asked = Array.from({ length: count }, (_, i) => ({ ids: new Int32Array(length).fill(i % 128) }));
      let taken = 0;
      await free.generate(asked, { maxNewTokens, batchSize: 64 }, () => taken++);
      return taken;
    };
    // 4,096 tokens of prompts at a time: 56 prompts of 72 tokens, then 8; then 63 times a token for all of them.
    expect(await steps(64, 72, 50)).toBe(2 + 49);
    // 41 of 100 tokens and 23; these two again when 49 of 64 rows or fewer are left.
    expect(await steps(128, 100, 20)).toBe(2 * (2 + 19));
    expect(await steps(64, 1, 10)).toBe(1 + 9);
  });

  it('can be aborted', async () => {
    const before = liveTensors();
    const abort = new AbortController();
    const run = generator.generate(prompts, { ...sampling, signal: abort.signal }, ({ tokens }) => {
      if (tokens > 50) abort.abort(new Error('enough'));
    });
    await expect(run).rejects.toThrow('enough');
    expect(liveTensors()).toBe(before);
  });

  it('answers nothing with nothing', async () => {
    expect(await generator.generate([], { maxNewTokens: 5 })).toEqual([]);
  });

  it.each([
    [{ maxNewTokens: 0 }, 'maxNewTokens must be a whole number'],
    [{ maxNewTokens: 5, samples: 0 }, 'samples must be a whole number'],
    [{ maxNewTokens: 5, batchSize: 1.5 }, 'batchSize must be a whole number'],
    [{ maxNewTokens: 5, samples: 2 }, 'set a temperature'],
    [{ maxNewTokens: 5, topP: 2 }, 'top-p'],
    [{ maxNewTokens: 5, temperature: -1 }, 'temperature'],
  ])('refuses %o', async (options, message) => {
    await expect(generator.generate(prompts, options)).rejects.toThrow(message);
  });

  it('refuses more responses than memory holds', async () => {
    const many = Array<{ ids: Int32Array }>(1000).fill(prompt(1));
    const asked = generator.generate(many, { maxNewTokens: 5, samples: 100_000, temperature: 1 });
    await expect(asked).rejects.toThrow(
      '100000 samples of 1000 prompts are more than the 10000000 responses',
    );
  });

  it('refuses prompts that are empty or too long', async () => {
    await expect(generator.generate([prompt(1), prompt()], { maxNewTokens: 5 })).rejects.toThrow(
      'prompt 2 has no tokens',
    );
    const full = { ids: new Int32Array(128) };
    await expect(generator.generate([full], { maxNewTokens: 5 })).rejects.toThrow('128 positions');
  });
});

describe('what a model says', () => {
  it('keeps the marks of thinking that are special tokens, without what frames the turn', async () => {
    const special = ['<|im_end|>', '<|im_start|>', '<think>', '</think>'];
    const template = '{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}';
    const tokenizer = ChatTokenizer.load(chatDirectory(template, special));
    const printable = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
    const pieces = [...printable, ' ', '\n', '\n\n', ...special];
    using said = chainModel(pieces, ['?', '<|im_start|>', '<think>', 'a', '</think>', '3', '<|im_end|>']);
    const ids = await tokenizer.encode('1+2?');
    const [completion] = await new Generator(said, tokenizer).generate([{ ids }], { maxNewTokens: 9 });
    expect(completion).toMatchObject({ text: '<think>a</think>3', finishReason: 'stop' });
  });
});

describe('sampling through the model', () => {
  it("follows the model's distribution (χ² with 4 degrees of freedom)", async () => {
    const logits = [0, 0.5, 1, -1, 0.2];
    using model = bigramModel(logits.map(() => logits));
    const generator = new Generator(model, pieceTokenizer(['a', 'b', 'c', 'd', 'e']));
    const temperature = 0.8;
    const completions = await generator.generate([prompt(0), prompt(1, 2)], {
      maxNewTokens: 40,
      samples: 64,
      temperature,
      seed: 5,
    });
    const counts = logits.map((_, token) =>
      completions.reduce((sum, { ids }) => sum + ids.filter((id) => id === token).length, 0),
    );
    const count = counts.reduce((a, b) => a + b);
    expect(count).toBe(2 * 64 * 40);
    const powers = logits.map((logit) => Math.exp(logit / temperature));
    const total = powers.reduce((a, b) => a + b);
    const chiSquare = counts.reduce((sum, observed, token) => {
      const expected = (count * powers[token]!) / total;
      return sum + (observed - expected) ** 2 / expected;
    }, 0);
    expect(chiSquare).toBeLessThan(18.47); // 99.9 %
  });
});

describe('calculator decoding', () => {
  const pieces = ['\n', '<<', '3', '+', '4', '=', '9', '>>', '7', ' apples', '<end>'];
  const tokenizer = pieceTokenizer(pieces, ['<end>']);

  async function answer(
    chain: readonly string[],
    options: { rules?: readonly Rule[]; maxNewTokens?: number },
  ): Promise<Completion> {
    using model = chainModel(pieces, chain);
    const prompts = [{ ids: await tokenizer.encode(chain[0]!) }];
    return (await new Generator(model, tokenizer).generate(prompts, { maxNewTokens: 20, ...options }))[0]!;
  }
  const wrong = ['\n', '<<', '3', '+', '4', '=', '9', '>>', ' apples', '<end>'];

  it('puts the value in', async () => {
    expect((await answer(wrong, {})).text).toBe('<<3+4=9>> apples');
    expect(await answer(wrong, { rules: [calculatorRule] })).toMatchObject({
      text: '<<3+4=7>> apples',
      finishReason: 'stop',
    });
  });

  it('counts the value against the limit', async () => {
    expect(await answer(wrong, { rules: [calculatorRule], maxNewTokens: 6 })).toMatchObject({
      text: '<<3+4=7',
      finishReason: 'length',
    });
  });

  it('goes on with a mark that the prompt has begun for the response', async () => {
    const pieces = ['3', '+', '4', '=', '7', '9', '<<', '>>', 'x', '\n', '<end>'];
    const tokenizer = pieceTokenizer(pieces, ['<end>']);
    const whole = ['x', '<<', '3', '+', '4', '=', '9', '>>', '<end>'];
    const generator = new Generator(chainModel(pieces, whole), tokenizer);
    for (let length = 1; length < 6; length++) {
      const asked = whole.slice(0, length).join('');
      const ids = await tokenizer.encode(asked);
      const said = async (begun: string) => {
        const options = { maxNewTokens: 12, rules: [calculatorRule] };
        return asked + (await generator.generate([{ ids, begun }], options))[0]!.text;
      };
      expect(await said(asked)).toMatch(/^x<<3\+4=7/);
      // What is only asked is no part of the response.
      if (length > 1) expect(await said('')).toMatch(/^x<<3\+4=9/);
    }
  });

  it('leaves text outside of marks alone', async () => {
    expect((await answer(['\n', '3', '+', '4', '=', '9', '<end>'], { rules: [calculatorRule] })).text).toBe(
      '3+4=9',
    );
  });
});
