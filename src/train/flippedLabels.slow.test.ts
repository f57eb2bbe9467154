import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeRows } from '../../test/support/tinyModel.js';
import { embedding, model, recipeOf, root, setUpRuns, trained } from '../../test/support/trainingRuns.js';
import { createObjective, objectiveNames } from '../objectives/index.js';
import { Random } from '../util/random.js';

setUpRuns();

const ROWS = 20;
const FLIPPED = 8; // 40 % of them

/**
 * Rows of two responses with all that objectives ask for: the right one says the prompt's tokens in order, the wrong one others. The
 * labels of every fifth row and the one after it are the wrong way round.
 */
function labelledRows(name: string): object[] {
  const random = new Random(1);
  const { data } = createObjective({ name });
  const numbers = (length: number, low: number, high: number) =>
    Array.from({ length }, () => low + (high - low) * random.nextFloat());
  const response = (isRight: boolean, prompt: readonly number[]) => {
    const ids = prompt.map((id) => (isRight ? id : 3 + random.nextInt(120))).slice(0, 5 + random.nextInt(4));
    return { ids, columns: columnsOf(ids.length) };
  };
  const columnsOf = (length: number) => ({
    ...Object.fromEntries(
      ['behaviour', 'teacher', 'hindsight'].map((column) => [column, numbers(length, -6, -0.1)]),
    ),
    ...{ credit: numbers(length, 0, 1), contrast: numbers(length, 0, 1) },
    teacher_topk: {
      ids: Array.from({ length }, (_, t) => [3 + t, 40 + t, 80 + t]),
      logps: Array.from({ length }, () => [-0.5, -1.5, -3]),
    },
    verdict: { tokens: [30, 31], logps: [-1, -2] },
  });
  return Array.from({ length: ROWS }, (_, row) => {
    const prompt = Array.from({ length: 9 }, () => 3 + random.nextInt(120));
    const isFlipped = row % 5 < 2;
    const sequences = [true, false].map((isRight) => {
      const { ids, columns } = response(isRight, prompt);
      const isUp = isRight !== isFlipped;
      const reward = isUp ? 1 : -1;
      return {
        role: data === 'groups' ? 'sample' : isUp ? 'chosen' : 'rejected',
        prompt: { ids: prompt },
        // A verdict that is compared has log-probs for every token that is trained.
        response: [{ ids, ...(name === 'revise' && { weights: ids.map((_, t) => Number(t === 0)) }) }],
        scalars: { reward, advantage: reward, pass_rate: 0.5, baseline: 0, value: 0.1 },
        columns,
      };
    });
    return { sequences };
  });
}

describe('labels of which 40 % are wrong', () => {
  it.each(objectiveNames)('leave every number of a run finite: %s', async (name) => {
    const data = writeRows(join(root, `${name}.jsonl`), labelledRows(name));
    const keys = { data, batch_size: 4, max_steps: 30, optimizer: { lr: 3e-3 }, dtype: 'bf16' };
    // Alone it leaves the start as it is, from which it has no distance.
    const objective = name === 'kl' ? { terms: [{ name: 'weighted-sft' }, { name }] } : name;
    const { steps, result } = await trained(recipeOf(objective, keys));
    expect(steps).toHaveLength(30);
    for (const metrics of steps)
      for (const [metric, value] of Object.entries(metrics))
        expect(Number.isFinite(value), `${metric} of step ${metrics.step}: ${value}`).toBe(true);
    expect(steps.at(-1)!.skipped_steps).toBe(0);
    const weights = embedding(result.model);
    expect(weights.every(Number.isFinite)).toBe(true);
    expect(weights).not.toEqual(embedding(model));
  });

  it('are two of five', () => {
    const rows = labelledRows('redi') as { sequences: { role: string }[] }[];
    expect(rows.filter(({ sequences: [right] }) => right!.role === 'rejected')).toHaveLength(FLIPPED);
  });
});
