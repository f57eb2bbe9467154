import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { chainModel, pieceTokenizer } from '../../../test/support/bigrams.js';
import { familyDir } from '../../../test/support/families.js';
import { greedy, nextLogps } from '../../../test/support/greedy.js';
import { loadModel } from '../../models/checkpoint.js';
import { Generator, type Completion, type GenerateOptions } from '../generator.js';
import { logitBias } from './logitBias.js';
import { openRules } from './open.js';
import { repetitionStop } from './repetition.js';
import type { Action, Look, RowRule, RowState, Rule } from './rule.js';
import { stopStrings } from './stopStrings.js';
import { thinkBudget } from './thinkBudget.js';

const characters = pieceTokenizer(Array.from({ length: 128 }, (_, i) => String.fromCharCode(i)));
const model = loadModel(familyDir('llama'), { dtype: 'f32' }).model;
const other = loadModel(familyDir('qwen2'), { dtype: 'f32' }).model;
afterAll(() => {
  for (const each of [model, other]) each[Symbol.dispose]();
});
const prompt = [9, 8, 7, 60, 3];

/** What a prompt's response becomes under rules, with neighbours of other lengths that have none. */
async function under(
  rules: readonly Rule[],
  options: Partial<GenerateOptions> = {},
  generator = new Generator(model, characters, new Map([['other', other]])),
): Promise<Completion> {
  const [completion] = await generator.generate([{ ids: Int32Array.from(prompt) }], {
    maxNewTokens: 12,
    rules,
    ...options,
  });
  return completion!;
}

const rule = (row: RowRule, rest: Partial<Rule> = {}): Rule => ({ name: 'test', ...rest, begin: () => row });
/** Acts once, when the response has so many tokens. */
function once(length: number, action: Action): RowRule {
  let acted = false;
  return {
    after({ ids }) {
      if (acted || ids.length !== length) return undefined;
      acted = true;
      return action;
    },
  };
}

describe('a rule', () => {
  it('forces tokens, and the model goes on from them', async () => {
    const { ids, forced } = await under([rule(once(3, { force: Int32Array.of(1, 2) }))]);
    const start = greedy(model, prompt, 3);
    expect([...ids]).toEqual([...start, 1, 2, ...greedy(model, [...prompt, ...start, 1, 2], 7)]);
    expect([...forced]).toEqual([0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('forces a text as its tokens', async () => {
    const { ids } = await under([rule(once(1, { force: 'ab' }))]);
    expect([...ids.subarray(1, 3)]).toEqual([97, 98]);
  });

  it.each([1, 3, 5])('takes %d tokens back, of which nothing is left', async (count) => {
    const { ids } = await under([rule(once(5, { takeBack: count, force: Int32Array.of(11) }))]);
    const start = greedy(model, prompt, 5 - count);
    expect([...ids]).toEqual([...start, 11, ...greedy(model, [...prompt, ...start, 11], 11 - start.length)]);
  });

  it('ends a response, by itself or cut off', async () => {
    const stopped = await under([rule(once(4, { stop: 'stop', keep: 2 }), { name: 'mine' })]);
    expect(stopped.ids).toHaveLength(4);
    expect(stopped).toMatchObject({ finishReason: 'stop', rule: 'mine' });
    expect(stopped.text).toHaveLength(2);
    expect(await under([rule(once(4, { stop: 'length' }))])).toMatchObject({ finishReason: 'length' });
  });

  it('refuses the end of a turn, as often as it likes', async () => {
    const free = greedy(model, prompt, 12);
    const stop = free[4]!;
    const generator = new Generator(model, { ...characters, stopTokenIds: [stop] });
    const at = free.indexOf(stop);
    let refused = 0;
    const refusing: RowRule = { end: () => (refused++ < 1 ? { force: Int32Array.of(20, 21) } : undefined) };
    const { ids } = await under([rule(refusing)], {}, generator);
    const start = free.slice(0, at);
    const rest = greedy(model, [...prompt, ...start, 20, 21], 10 - at);
    const end = rest.indexOf(stop);
    expect([...ids]).toEqual([...start, 20, 21, ...(end < 0 ? rest : rest.slice(0, end + 1))]);
  });

  it('biases the draw, and the biases of several add up', async () => {
    const bias = (value: number) => rule({ bias: () => new Map([[33, value]]) });
    expect((await under([bias(1000)])).ids).toEqual(new Int32Array(12).fill(33));
    expect([...(await under([bias(1000), bias(-1000)])).ids]).toEqual(greedy(model, prompt, 12));
  });

  it('sees of every token its log-prob and the entropy of where it came from', async () => {
    const seen: { logp: number; entropy: number }[] = [];
    const reading: RowRule = {
      after: ({ logp, entropy }) => {
        seen.push({ logp: logp!, entropy: entropy! });
        return undefined;
      },
    };
    const { ids } = await under([rule(reading, { reads: true })]);
    expect(seen).toHaveLength(11);
    seen.forEach(({ logp, entropy }, i) => {
      const logps = nextLogps(model, [...prompt, ...ids.subarray(0, i)]);
      expect(logp).toBeCloseTo(logps[ids[i]!]!, 4);
      expect(entropy).toBeCloseTo(-logps.reduce((sum, l) => sum + l * Math.exp(l), 0), 4);
    });
  });

  it('looks ahead without a trace, also when tokens are sampled', async () => {
    const looks: Look[] = [];
    const looking = (): RowRule => ({
      after: ({ ids }) =>
        ids.length % 4 === 0
          ? {
              look: { force: Int32Array.of(5, 6), tokens: 3, read: [1, 2] },
              then: (seen) => {
                looks.push(seen);
                return undefined;
              },
            }
          : undefined,
    });
    const { ids } = await under([{ name: 'look', wanders: true, begin: looking }]);
    expect([...ids]).toEqual(greedy(model, prompt, 12));
    expect(looks).toHaveLength(2);
    looks.forEach((look, i) => {
      const before = [...prompt, ...ids.subarray(0, 4 * (i + 1)), 5, 6];
      const free = greedy(model, before, 3);
      expect(look.ids).toEqual([5, 6, ...free]);
      const logps = nextLogps(model, [...before, ...free]);
      [1, 2].forEach((id, j) => {
        expect(look.logps[j]).toBeCloseTo(logps[id]!, 4);
      });
    });
    const sampled = { temperature: 1, seed: 3 };
    const free = await under([], sampled);
    expect((await under([{ name: 'look', begin: looking }], sampled)).ids).toEqual(free.ids);
  });

  it('decides by what it saw', async () => {
    const deciding = once(2, {
      look: { tokens: 4 },
      then: ({ ids }) => ({ takeBack: 1, force: Int32Array.from(ids) }),
    });
    const { ids } = await under([rule(deciding)]);
    const free = greedy(model, prompt, 6);
    expect([...ids.subarray(0, 5)]).toEqual([free[0], ...free.slice(2)]);
  });

  it('hands over to another model for some tokens', async () => {
    const { ids } = await under([rule(once(3, { model: 'other', tokens: 4 }))]);
    const start = greedy(model, prompt, 3);
    const away = greedy(other, [...prompt, ...start], 4);
    expect([...ids]).toEqual([...start, ...away, ...greedy(model, [...prompt, ...start, ...away], 5)]);
    await expect(under([rule(once(3, { model: 'nobody', tokens: 4 }))])).rejects.toThrow('no model "nobody"');
  });

  it('cannot keep a response from ending', async () => {
    const back: RowRule = { after: ({ ids }) => (ids.length === 3 ? { takeBack: 2 } : undefined) };
    const { finishReason, ids } = await under([rule(back)]);
    expect(finishReason).toBe('length');
    expect(ids.length).toBeLessThanOrEqual(3);
    const look: RowRule = { after: () => forever() };
    expect((await under([rule(look)])).finishReason).toBe('length');
  });

  it('that stands first has its way', async () => {
    const { ids } = await under([
      rule(once(2, { force: Int32Array.of(1) })),
      rule(once(2, { force: Int32Array.of(2) })),
    ]);
    expect(ids[2]).toBe(1);
  });
});

const forever = (): Action => ({ look: { tokens: 1 }, then: () => forever() });

describe('stop texts', () => {
  // Says "a", "b", … to "h" and then ends its turn.
  const letters = Array.from('abcdefgh');
  const pieces = [...letters, '!', 'xy'];
  const chain = chainModel(pieces, [...letters, '!']);
  const generator = new Generator(chain, pieceTokenizer(pieces, ['!']));
  const said = async (...texts: string[]) => {
    const [completion] = await generator.generate([{ ids: Int32Array.of(0) }], {
      maxNewTokens: 20,
      rules: [stopStrings(texts)],
    });
    return completion!;
  };

  it.each([
    [['de'], 'bc', 5 - 1],
    [['d'], 'bc', 3],
    [['fg', 'cde'], 'b', 4],
    [['zz'], 'bcdefgh', 8],
    [['b'], '', 1],
  ])('%o end the response before them', async (texts, text, tokens) => {
    const completion = await said(...texts);
    expect(completion.text).toBe(text);
    expect(completion.ids).toHaveLength(tokens);
    expect(completion.finishReason).toBe('stop');
    expect(completion.rule).toBe(texts[0] === 'zz' ? undefined : 'stop texts');
  });

  it('are refused where they cannot be looked for', () => {
    expect(() => stopStrings([''])).toThrow('empty');
    expect(() => stopStrings(['x'.repeat(1001)])).toThrow('1001 characters');
    expect(() => stopStrings(Array<string>(65).fill('x'))).toThrow('65 stop texts');
  });
});

describe('the end of a loop', () => {
  /** The number of tokens at which a response is cut off; undefined where it is not. */
  function cutAt(ids: readonly number[], options: Parameters<typeof repetitionStop>[0]): number | undefined {
    const row = repetitionStop(options).begin(undefined as never);
    for (let length = 1; length <= ids.length; length++)
      if (row.after!({ ids: ids.slice(0, length) } as unknown as RowState)) return length;
    return undefined;
  }
  const loop = (period: number, length: number) => Array.from({ length }, (_, i) => i % period);

  it.each([1, 2, 5, 8])('is seen at a period of %d', (period) => {
    const options = { longest: 8, tokens: 20, times: 3 };
    // The first token that makes the repeated stretch as long as is asked for.
    expect(cutAt([50, 51, ...loop(period, 60)], options)).toBe(2 + Math.max(20, 3 * period));
  });

  it('is not seen in what is no loop, or a longer one', () => {
    const options = { longest: 8, tokens: 20, times: 3 };
    expect(cutAt(loop(9, 200), options)).toBeUndefined();
    expect(cutAt([...loop(4, 19), 77, ...loop(4, 19)], options)).toBeUndefined();
  });

  it('comes as a response that is cut off', async () => {
    const [completion] = await new Generator(chainModel(['a'], ['a', 'a']), pieceTokenizer(['a'])).generate(
      [{ ids: Int32Array.of(0) }],
      { maxNewTokens: 500, rules: [repetitionStop()] },
    );
    expect(completion).toMatchObject({ finishReason: 'length', rule: 'repetition' });
    expect(completion!.ids).toHaveLength(192);
  });
});

describe('a logit bias', () => {
  it('forbids tokens and favours others', async () => {
    const free = greedy(model, prompt, 12);
    const forbidden = await under([logitBias(new Map([[free[0]!, -Infinity]]), 128)]);
    expect(forbidden.ids).not.toContain(free[0]);
    expect((await under([logitBias(new Map([[64, 100]]), 128)])).ids).toContain(64);
  });

  it('is refused for what is no token and no number', () => {
    expect(() => logitBias(new Map([[128, 1]]), 128)).toThrow('the token 128');
    expect(() => logitBias(new Map([[1, NaN]]), 128)).toThrow('NaN');
  });
});

describe('a think budget', () => {
  /** The text after so many tokens that say "x" for ever, under a budget of 5, with or without thinking in the prompt. */
  async function said(prompt: string, chain: readonly string[], begun = ''): Promise<string> {
    const pieces = ['x', 'y', '<think>', '</think>', '\n'];
    const tokenizer = pieceTokenizer(pieces);
    const [completion] = await new Generator(chainModel(pieces, chain), tokenizer).generate(
      [{ ids: await tokenizer.encode(prompt + begun), begun }],
      { maxNewTokens: 12, rules: [thinkBudget(5)] },
    );
    return completion!.text;
  }
  const forever = ['<think>', 'x', 'x'];

  it('ends thinking that goes on, whether the prompt or the response began it', async () => {
    // After the line breaks, of which the chain knows nothing, it begins anew.
    expect(await said('y<think>', forever)).toBe('xxxxx\n</think>\n\n<think>xx');
    expect(await said('y', ['y', '<think>', 'x', 'x'])).toBe('<think>xxxx\n</think>\n\ny<think>x');
  });

  it('ends a thought that a prefix has begun or gone on with, however long it is', async () => {
    for (const length of [0, 1, 10, 15, 16, 17, 40, 300]) {
      const thought = 'x'.repeat(length);
      for (const [prompt, begun] of [
        ['y', `<think>${thought}`],
        ['y', `<think>y</think><think>${thought}`],
        ['y<think>', thought],
        ['<think>y</think>'.repeat(9), `<think>${thought}`],
      ] as const)
        expect(await said(prompt, forever, begun)).toMatch(/^x{5}\n<\/think>\n\n/);
      for (const [prompt, begun] of [
        ['y', `<think>${thought}</think>x`],
        ['y<think>', `${thought}</think>x`],
        ['y', thought],
        [`<think>${'y'.repeat(100)}`, `</think>${thought}x`],
      ] as const)
        expect(await said(prompt + 'x', ['x', 'x'], begun)).toBe('x'.repeat(12));
    }
  });

  it('leaves alone what does not think, or has ended it', async () => {
    expect(await said('x', ['x', 'x'])).toBe('x'.repeat(12));
    expect(await said('<think></think>x', ['x', 'x'])).toBe('x'.repeat(12));
  });
});

it('of examples/rule.js asks once, and asks every response', async () => {
  const module = fileURLToPath(new URL('../../../examples/rule.js', import.meta.url));
  const rules = await openRules({ rules: [{ module }], calculator: false });
  const stop = greedy(model, prompt, 5)[4]!;
  const generator = new Generator(model, { ...characters, stopTokenIds: [stop] });
  const answers = await generator.generate(
    Array.from({ length: 3 }, () => ({ ids: Int32Array.from(prompt) })),
    { maxNewTokens: 200, rules },
  );
  for (const { text, ids, forced } of answers) {
    expect(text.split('Wait, let me check that.')).toHaveLength(2);
    expect([...ids].filter((_, i) => forced[i] === 1)).toEqual([
      ...(await characters.encode('\nWait, let me check that.')),
    ]);
  }
});
