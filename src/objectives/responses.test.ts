import { describe, expect, it } from 'vitest';
import { columnStep } from '../../test/support/columnBatches.js';
import { partOf } from '../../test/support/tokenBatches.js';
import {
  createObjective,
  isRight,
  overTokens,
  responseObjective,
  shareIn,
  sideMetrics,
  stepOf,
  type Metrics,
  type ReadValues,
  type SequenceInfo,
} from './index.js';

const one: SequenceInfo = { role: 'sample', group: 0, length: 2 };
const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

it('a response is right by its reward, else by its side', () => {
  const of = (role: string, reward?: number) =>
    isRight({ ...one, role, ...(reward !== undefined && { scalars: { reward } }) });
  expect([1, 0.1, 0, -1].map((reward) => of('sample', reward))).toEqual([true, true, false, false]);
  expect([of('chosen', -1), of('rejected', 1)]).toEqual([false, true]);
  expect(['chosen', 'sample', 'rejected'].map((role) => of(role))).toEqual([true, true, false]);
  expect(isRight({ ...one, role: 'rejected', scalars: { value: 1 } })).toBe(false);
});

it('a mean gives tokens or responses the same share', () => {
  const responses: SequenceInfo[] = [one, { ...one, length: 3, weight: 0.5 }];
  expect(responses.map(shareIn(responses, 'token'))).toEqual([1 / 2.5, 1 / 2.5]);
  expect(responses.map(shareIn(responses, 'sequence'))).toEqual([1 / 4, 1]);
});

it('tokens of weight 0 are not looked at', () => {
  const seen: number[] = [];
  const sequence = { ...one, length: 3, tokenWeights: Float64Array.of(2, 0, -1) };
  const part = overTokens(sequence, Float64Array.of(-1, -Infinity, -3), 0.5, (logp, t) => {
    seen.push(t);
    return { loss: 10 * logp, slope: t + 1 };
  });
  expect(seen).toEqual([0, 2]);
  expect(part.loss).toBe(0.5 * (2 * -10 - -30));
  expect([...part.gradient]).toEqual([1, 0, -1.5]);
});

describe('responseObjective', () => {
  const sequences: SequenceInfo[] = [one, { ...one, group: 1 }];
  const batch = {
    sequences,
    step: stepOf(sequences),
    logps: [Float64Array.of(-1, -2), Float64Array.of(-3, -4)],
  };
  const description = { name: 'mine', formula: 'f', data: 'groups', needs: {} } as const;
  const gradient = new Float64Array(2);

  it('remembers where a response does, and gives the gradients of what was read', () => {
    const plain = responseObjective(description, () => () => ({ loss: 1, gradient })).evaluate(batch);
    expect(plain).toEqual({ loss: 2, gradient: [gradient, gradient], metrics: {} });
    expect(Object.keys(plain)).toEqual(['loss', 'gradient', 'metrics']);
    const reads: ReadValues[] = [{ a: Float64Array.of(-1) }, {}];
    const full = responseObjective(description, () => ({ group }, _, read) => ({
      ...{ loss: 1, gradient },
      ...(group === 0 && { remember: 7 }),
      ...(read.a && { readGradient: { a: read.a } }),
    })).evaluate({ ...batch, reads });
    expect(full.remember).toEqual([7, undefined]);
    expect(full.readGradient).toEqual([{ a: Float64Array.of(-1) }, {}]);
  });
});

describe('sideMetrics', () => {
  it.each(['pairs', 'samples'] as const)('are means over each kind of response, and add up: %s', (kind) => {
    const step = columnStep(1, kind);
    const means = (isIn: (sequence: SequenceInfo) => boolean) => {
      const places = [...step.sequences.keys()].filter((i) => isIn(step.sequences[i]!));
      const sums = places.map((i) =>
        total(step.logps[i]!.map((logp, t) => logp * step.sequences[i]!.tokenWeights![t]!)),
      );
      const lengths = places.map((i) => total(step.sequences[i]!.tokenWeights!.map(Math.abs)));
      return [total(sums), total(sums.map((sum, at) => sum / lengths[at]!))].map(
        (all) => all / places.length,
      );
    };
    const [up, down] = [1, -1].map((sign) => means(({ scalars }) => scalars!.reward === sign));
    const expected: Metrics = {
      'logps/chosen': up![0]!,
      'logps/rejected': down![0]!,
      'logps/chosen_per_token': up![1]!,
      'logps/rejected_per_token': down![1]!,
    };
    const whole = sideMetrics(step);
    const parts = [...step.sequences.keys()].map((i) => sideMetrics(partOf(step, [i])));
    expect(Object.keys(whole)).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) {
      expect(whole[name]).toBeCloseTo(value, 12);
      expect(total(parts.map((part) => part[name]!))).toBeCloseTo(value, 12);
      for (const objective of ['nft', 'renio', 'kto', 'weighted-sft'])
        expect(createObjective({ name: objective }).evaluate(step).metrics[name]).toBeCloseTo(value, 12);
    }
  });

  it('say nothing where there is one kind', () => {
    for (const reward of [1, -1]) {
      const sequences = [{ ...one, scalars: { reward } }];
      expect(sideMetrics({ sequences, step: stepOf(sequences), logps: [Float64Array.of(-1, -2)] })).toEqual(
        {},
      );
    }
  });
});
