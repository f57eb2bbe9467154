import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { all, columned, eachToken, ids, scored, written } from '../../test/support/columnRuns.js';
import { writeTinyModel } from '../../test/support/tinyModel.js';
import { model, recipeOf, root, setUpRuns, trained } from '../../test/support/trainingRuns.js';
import type { ColumnOptions } from './columns.js';

setUpRuns();

/** The token that a text is. */
function tokenOf(text: string): number {
  const { model: bpe } = JSON.parse(readFileSync(join(model, 'tokenizer.json'), 'utf8')) as {
    model: { vocab: Record<string, number> };
  };
  return bpe.vocab[text.replace(' ', 'Ġ')]!;
}

describe('of named tokens', () => {
  it('are their log-probs in every place, after the whole softmax', async () => {
    const data = written([{ prompt: 'ab', completion: 'cde' }]);
    const { rows } = await columned({ data, read: 'named', named: ['d', ' ', '7'] });
    const [sequence] = rows[0]!.sequences;
    const { ids: found, logps } = sequence!.columns.teacher as unknown as Record<'ids' | 'logps', number[][]>;
    const own = ids(sequence!);
    const named = ['d', ' ', '7'].map((text) => tokenOf(text));
    expect(found).toEqual(own.map(() => named));
    expect(logps).toHaveLength(own.length);
    for (const [t, values] of logps.entries()) {
      const scores = await scored(eachToken([...sequence!.prompt.ids, ...own.slice(0, t)]));
      expect(scores.reduce((sum, { sum: logp }) => sum + Math.exp(logp), 0)).toBeCloseTo(1, 5);
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(scores[named[i]!]!.sum, 5);
      });
    }
  });

  it('of another model are those of that one, kept by the tokens that are named', async () => {
    const other = writeTinyModel(join(root, 'other-named'), { rms_norm_eps: 0.01 });
    const read = async (options: Partial<ColumnOptions>) =>
      all(await columned({ read: 'named', ...options })).map(({ columns }) => columns.teacher);
    const [plain, of] = [await read({ named: ['a', 'b'] }), await read({ named: ['a', 'b'], model: other })];
    expect(of).not.toEqual(plain);
    const reversed = (await read({ named: ['b', 'a'] })) as unknown as {
      ids: number[][];
      logps: number[][];
    }[];
    const forward = plain as unknown as { ids: number[][]; logps: number[][] }[];
    expect(reversed.map(({ ids: found }) => found.map((list) => [...list].reverse()))).toEqual(
      forward.map(({ ids: found }) => found),
    );
    expect(reversed.map(({ logps }) => logps.map((list) => [...list].reverse()))).toEqual(
      forward.map(({ logps }) => logps),
    );
  });

  it('feed objectives that read them: revise has its reference from them', async () => {
    const row = {
      sequences: [{ role: 'verdict', prompt: 'ab', response: 'c', end: false, scalars: { reward: 1 } }],
    };
    const { rows } = await columned({
      data: written([row]),
      read: 'named',
      named: ['y', 'n'],
      as: 'verdict',
    });
    const { verdict } = rows[0]!.sequences[0]!.columns as unknown as Record<string, { logps: number[][] }>;
    const keys = { data: written(rows), batch_size: 1, max_steps: 1 };
    const { steps } = await trained(recipeOf('revise', keys));
    // The model is its own reference: the margin is 0, so the preference is 0.1 · ln 2.
    expect(steps[0]!.loss).toBeCloseTo(-verdict!.logps[0]![0]! + 0.1 * Math.LN2, 4);
  });

  it.each<[string, readonly string[], RegExp]>([
    [
      'a text of two tokens',
      ['y', 'no'],
      /^"read": "no" is 2 tokens; it is one of logps, entropy, contrast, top-k, or single/,
    ],
    ['a kind that is misspelt', ['logprobs'], /^"read": "logprobs" is 8 tokens; it is one of logps/],
    ['one token twice', ['y', 'n', 'y'], /^"read" names the token "y" twice/],
  ])('refuse %s', async (_, named, message) => {
    await expect(columned({ read: 'named', named })).rejects.toThrow(message);
  });
});
