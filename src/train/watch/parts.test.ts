import { describe, expect, it } from 'vitest';
import { UserError } from '../../util/errors.js';
import { compareWithBest, type BestSoFar } from './best.js';
import { describeResponses, repeatedShare } from './responses.js';

describe('repetition', () => {
  it.each([
    [[], 0],
    [[1, 1, 1], 0],
    [[1, 2, 3, 4, 5], 0],
    [[7, 7, 7, 7, 7, 7], 2 / 3], // three 4-grams, one of them new
    [[1, 2, 1, 2, 1, 2, 1, 2], 3 / 5], // five: 1212 2121 1212 2121 1212
  ])('of %j is %d', (ids, share) => {
    expect(repeatedShare(ids)).toBeCloseTo(share, 12);
  });

  it('counts the responses that are mostly repeated', () => {
    const response = (ids: number[], finishReason: 'stop' | 'length') => ({
      ids: Int32Array.from(ids),
      finishReason,
    });
    expect(
      describeResponses([
        response([7, 7, 7, 7, 7, 7], 'length'),
        response([1, 2, 3, 4, 5, 6, 7, 8], 'length'),
        response([1, 2, 3, 4], 'stop'),
        response([9, 9], 'stop'),
      ]),
    ).toEqual({ meanLength: 5, clippedRatio: 0.5, repetition: 0.25 });
  });
});

describe('the best', () => {
  const run = (metric: string, values: readonly number[]) => {
    let best: BestSoFar | undefined;
    return values.map((value, step) => {
      const found = compareWithBest(metric, best, { step, [metric]: value });
      ({ best } = found);
      return found.isBest;
    });
  };

  it('of accuracy is the highest, the first of equals', () => {
    expect(run('eval_accuracy', [0.2, 0.2, 0.4, 0.3, 0.5])).toEqual([true, false, true, false, true]);
  });

  it.each(['eval_loss', 'eval_completions/repetition', 'eval_completions/clipped_ratio'])(
    'of %s is the least',
    (metric) => {
      expect(run(metric, [0.5, 0.6, 0.4, NaN, 0.4])).toEqual([true, false, true, false, false]);
    },
  );

  it('counts the measurements since', () => {
    const best = { step: 3, value: 1, since: 1 };
    expect(compareWithBest('eval_loss', best, { step: 5, eval_loss: NaN }).best).toEqual({
      ...best,
      since: 2,
    });
    expect(compareWithBest('eval_loss', best, { step: 5, eval_loss: 0 }).best).toEqual({
      step: 5,
      value: 0,
      since: 0,
    });
  });

  it('is refused where the metric is none', () => {
    const measured = { step: 0, eval_loss: 1, eval_accuracy: 0.5 };
    expect(() => compareWithBest('eval_acuracy', undefined, measured)).toThrow(
      new UserError(
        'best.metric: eval_acuracy is not measured in this run (the nearest is "eval_accuracy"), only eval_loss, eval_accuracy',
      ),
    );
  });
});
