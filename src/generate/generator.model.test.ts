import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../models/checkpoint.js';
import { getModel } from '../hub/get.js';
import { encodePrompt } from '../text/tokenRows.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { setThreads } from '../torch/runtime.js';
import { liveTensors } from '../torch/tensor.js';
import { calculatorRule } from './rules/calculator.js';
import { Generator } from './generator.js';
import { encodeContinuation } from '../text/continuation.js';

/** test/oracles/smollm2_greedy.py */
const { maxNewTokens, rows } = JSON.parse(
  readFileSync(new URL('../../test/fixtures/smollm2/greedy.json', import.meta.url), 'utf8'),
) as { maxNewTokens: number; rows: { question: string; prompt: number[]; ids: number[]; text: string }[] };

let dir: string;
let tokenizer: ChatTokenizer;
beforeAll(async () => {
  setThreads();
  dir = (await getModel('smollm2-135m')).path;
  tokenizer = ChatTokenizer.load(dir);
}, 600_000);

describe('SmolLM2-135M', () => {
  it("gives transformers' greedy answers in f32, three at a time", async () => {
    const before = liveTensors();
    using model = loadModel(dir, { dtype: 'f32' }).model;
    const prompts = await Promise.all(
      rows.map(async ({ question }) => ({
        ids: await encodePrompt(tokenizer, [{ role: 'user', content: question }]),
      })),
    );
    expect(prompts.map(({ ids }) => [...ids])).toEqual(rows.map(({ prompt }) => prompt));
    const completions = await new Generator(model, tokenizer).generate(prompts, {
      maxNewTokens,
      batchSize: 3,
    });
    expect(completions.map(({ ids }) => [...ids])).toEqual(rows.map(({ ids }) => ids));
    expect(completions.map(({ text }) => text)).toEqual(rows.map(({ text }) => text));
    model[Symbol.dispose]();
    expect(liveTensors()).toBe(before);
  });

  it('computes the marks that it is shown', async () => {
    using model = loadModel(dir, { dtype: 'f32' }).model;
    const shown = [
      'Q: What is 12 * 3? A: 12 * 3 = <<12*3=36>>36',
      'Q: What is 21 + 40? A: 21 + 40 = <<21+40=61>>61',
      'Q: What is 1.5 * 5? A: 1.5 * 5 = <<1.5*5=7.5>>7.5',
    ];
    const prompts = await Promise.all(
      ['317 * 23', '70 - 82', '12.5 / 4'].map(async (question) => {
        const text = [...shown, `Q: What is ${question}? A: ${question} =`].join('\n');
        return { ids: await encodePrompt(tokenizer, text) };
      }),
    );
    const generator = new Generator(model, tokenizer);
    const completions = await generator.generate(prompts, { maxNewTokens: 24, rules: [calculatorRule] });
    const firstLines = completions.map(({ text }) => text.split('>>')[0]);
    expect(firstLines).toEqual([' <<317*23=7291', ' <<70-82=-12', ' <<12.5/4=3.125']);
  });

  it.each(['391>>', '3.125>>', '12.50>>'])('goes on with %s as in one text', async (value) => {
    const ids = await encodeContinuation(tokenizer, value);
    const whole = await tokenizer.encode(`<<17*23=${value}`);
    expect([...whole.slice(-ids.length)]).toEqual([...ids]);
  });

  it.each(['-12>>', '.25>>'])('goes on with %s, whose sign would join the one before it', async (value) => {
    expect(tokenizer.decode(await encodeContinuation(tokenizer, value))).toBe(value);
  });
});
