import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { embedding, model, recipeOf, root, setUpRuns, trained } from '../../test/support/trainingRuns.js';
import { turns, writeRows } from '../../test/support/tinyModel.js';
import { createObjective } from '../objectives/index.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { silentProgress } from '../util/progress.js';
import { prepareExamples } from './examples.js';
import { scoreFile } from './score.js';

setUpRuns();

const data = (rows: readonly object[]) => writeRows(join(root, `${randomUUID()}.jsonl`), rows);

/** The tokens of a file's rows as fine-tuning or pairs take them. */
async function tokens(rows: readonly object[], objective: 'sft' | 'dpo' = 'sft') {
  const recipe = recipeOf(objective, { data: data(rows) });
  using examples = (await prepareExamples(recipe, createObjective({ name: objective }))).examples;
  return Array.from(examples, ({ parts }) => parts.map(({ role, row }) => ({ role, row })));
}

const demonstration = (sequence: object) => ({ sequences: [{ role: 'demonstration', ...sequence }] });

describe('the tokens of sequences', () => {
  it('are those of the short forms that say the same', async () => {
    const [question] = turns('2+2?', '4');
    const [asMessages, asParts, asText, asTextParts] = await tokens([
      { messages: turns('2+2?', 'it is 4') },
      demonstration({ prompt: [question], response: [{ text: 'it is ' }, { text: '4' }] }),
      { prompt: '2+2', completion: '=4' },
      demonstration({ prompt: '2+2', response: '=4' }),
    ]);
    expect(asParts).toEqual(asMessages);
    expect(asTextParts).toEqual(asText);
  });

  it('keep ids as they are, and end only where they are told to', async () => {
    const { eosTokenId } = ChatTokenizer.load(model);
    const prompt = { ids: [5, 6, 5] };
    const rows = await tokens([
      demonstration({ prompt, response: [{ ids: [9, 9] }] }),
      demonstration({ prompt, response: [{ ids: [9, 9] }], end: true }),
      demonstration({
        prompt,
        response: [{ ids: [9, 9], weights: [2, -0.5], segment: 3 }, { ids: [8] }],
        score_only: [2],
      }),
    ]);
    expect(rows.map(([part]) => [...part!.row.ids])).toEqual([
      [5, 6, 5, 9, 9],
      [5, 6, 5, 9, 9, eosTokenId],
      [5, 6, 5, 9, 9, 8],
    ]);
    expect(rows[2]![0]!.row).toMatchObject({
      responseStart: 3,
      weights: Float64Array.from([2, -0.5, 1]),
      segments: Uint8Array.from([3, 3, 0]),
      scoreOnly: Int32Array.from([2]),
    });
  });

  it.each([
    [{ prompt: { ids: [] }, response: 'a' }, 'the prompt has no tokens'],
    [
      { prompt: 'p', response: [{ text: 'abc', weight: 0 }], end: false },
      'no token of the response is trained',
    ],
    [{ prompt: 'p', response: 'ab', score_only: [3] }, '"score_only" names token 3 of a response that has 3'],
    [{ prompt: { ids: [1] }, response: [{ ids: [4000] }] }, 'has the token id 4000'],
  ])('are refused with file and line: %j', async (sequence, problem) => {
    await expect(tokens([demonstration(sequence)])).rejects.toThrow(
      new RegExp(`jsonl, line 1:? .*${problem.replace(/[()]/g, '.')}`),
    );
  });
});

describe('weights', () => {
  const pair = (chosen: object, rejected: object) => ({
    sequences: [
      { role: 'chosen', ...chosen },
      { role: 'rejected', ...rejected },
    ],
  });
  const context = { text: 'cd', weight: 0 };

  it.each(['sft', 'redi', 'dpo', 'simpo', 'symmetric'])(
    'of 0 make context: %s learns what it learns with the context in the prompt',
    async (objective) => {
      const run = (rows: object[]) => trained(recipeOf(objective, { data: data(rows) }));
      const parts = await run([
        pair(
          { prompt: 'ab', response: [context, { text: 'ef' }] },
          { prompt: 'ab', response: [context, { text: 'g' }] },
        ),
        pair({ prompt: 'x', response: 'yes' }, { prompt: 'x', response: 'no' }),
      ]);
      const prompts = await run([
        { prompt: 'abcd', chosen: 'ef', rejected: 'g' },
        { prompt: 'x', chosen: 'yes', rejected: 'no' },
      ]);
      expect(parts.steps).toHaveLength(prompts.steps.length);
      parts.steps.forEach((step, i) => {
        expect(step.loss).toBeCloseTo(prompts.steps[i]!.loss, 5);
        expect(step.grad_norm).toBeCloseTo(prompts.steps[i]!.grad_norm, 5);
      });
      const [one, other] = [embedding(parts.result.model), embedding(prompts.result.model)];
      other.forEach((value, i) => {
        expect(one[i]).toBeCloseTo(value, 5);
      });
    },
  );

  it('scale what each token counts: Σ w·log p / Σ|w|, tokens that are only scored left out', async () => {
    const row = demonstration({
      prompt: { ids: [5, 6] },
      response: [{ ids: [7, 8, 9, 10], weights: [2, 0.25, -1, 3] }],
      score_only: [3],
    });
    const path = data([row]);
    const score = {
      model,
      data: path,
      dtype: 'f32',
      device: 'cpu',
      layout: 'template',
      tokens: true,
    } as const;
    const [scored] = await scoreFile({ ...score, tokenBudget: 100 }, silentProgress);
    const { logps } = scored as { logps: number[] };
    const { steps } = await trained(recipeOf('sft', { data: path, batch_size: 1, max_steps: 1 }));
    expect(steps[0]!.loss).toBeCloseTo(-(2 * logps[0]! + 0.25 * logps[1]! - logps[2]!) / 3.25, 5);
  });
});
