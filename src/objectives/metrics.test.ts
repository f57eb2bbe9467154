import { describe, expect, it } from 'vitest';
import { createObjective, sequenceMetrics, stepOf, type SequenceInfo } from './index.js';

/** Two pairs, their sides apart; sums are binary fractions so that the expected values are exact. */
const referenceSums = [-4, -2, -2, -2];
const sides: SequenceInfo[] = [
  { role: 'rejected', group: 1, length: 8 },
  { role: 'chosen', group: 0, length: 2 },
  { role: 'chosen', group: 1, length: 4 },
  { role: 'rejected', group: 0, length: 4 },
];
const sequences = sides.map((side, i) => ({ ...side, scalars: { reference: referenceSums[i]! } }));
const step = { sequences, step: stepOf(sequences) };
const logpSums = [-2, -1, -3, -3];

const common = {
  'logps/chosen': -2,
  'logps/rejected': -2.5,
  'logps/chosen_per_token': (-0.5 - 0.75) / 2,
  'logps/rejected_per_token': (-0.75 - 0.25) / 2,
};

describe('sequenceMetrics', () => {
  it('counts the step', () => {
    expect(step.step.counts).toEqual({ groups: 2, pairs: 2, tokens: 18, rejectedTokens: 12 });
  });

  it('has mean token log-probs as rewards of redi, symmetric and sft', () => {
    for (const name of ['redi', 'symmetric', 'sft'])
      expect(sequenceMetrics(createObjective({ name }), step, logpSums)).toEqual({
        ...common,
        'rewards/chosen': -0.625,
        'rewards/rejected': -0.5,
        'rewards/margins': -0.125,
        'rewards/accuracies': 0.5,
      });
  });

  it('scales them by β for simpo', () => {
    expect(sequenceMetrics(createObjective({ name: 'simpo', beta: 4 }), step, logpSums)).toEqual({
      ...common,
      'rewards/chosen': -2.5,
      'rewards/rejected': -2,
      'rewards/margins': -0.5,
      'rewards/accuracies': 0.5,
    });
  });

  it('has β times the log-ratio for dpo', () => {
    // Log-ratios: pair 0 chosen +1, rejected −1; pair 1 chosen −1, rejected +2.
    expect(sequenceMetrics(createObjective({ name: 'dpo', beta: 0.5 }), step, logpSums)).toEqual({
      ...common,
      'rewards/chosen': 0,
      'rewards/rejected': 0.25,
      'rewards/margins': -0.25,
      'rewards/accuracies': 0.5,
    });
  });

  it('has nothing to say of a step without pairs', () => {
    const rows: SequenceInfo[] = [
      { role: 'demonstration', group: 0, length: 3 },
      { role: 'chosen', group: 1, length: 2 }, // its rejected side was left out for sft
    ];
    const metrics = sequenceMetrics(
      createObjective({ name: 'sft' }),
      { sequences: rows, step: stepOf(rows) },
      [-1, -2],
    );
    expect(metrics).toEqual({});
  });

  it('refuses halves of pairs', () => {
    const redi = createObjective({ name: 'redi' });
    const half = { sequences: sequences.slice(0, 3), step: step.step };
    expect(() => sequenceMetrics(redi, half, logpSums)).toThrow('pair 0 are not in the same batch');
    const other = { sequences: sequences.slice(0, 2), step: step.step };
    expect(() => sequenceMetrics(redi, other, logpSums)).toThrow('pair 1 are not in the same batch');
    const twice = { sequences: [...sequences, sequences[0]!], step: step.step };
    expect(() => sequenceMetrics(redi, twice, [...logpSums, -1])).toThrow('pair 1 has two rejected');
  });
});
