import { afterEach, describe, expect, it, vi } from 'vitest';
import { engineOf, gradientsOf, madeUpRows, worstOf } from '../../test/support/engines.js';
import { weightedSum, type Objective, type ScoredBatch, type Step } from '../objectives/index.js';
import { spread } from '../objectives/objective.js';
import { liveTensors } from '../torch/tensor.js';
import type { TrainSequence } from './sequences.js';
import { callsOf, evaluateSequences, runStep } from './step.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const rows = madeUpRows([19, 31, 7, 12, 9, 14]);
const sequences: TrainSequence[] = rows.map((row, i) => ({
  role: 'sample',
  group: Math.floor(i / 3),
  id: `row/${i}`,
  length: row.ids.length - row.responseStart,
  row,
  scalars: { reward: i % 2 === 0 ? 1 : -1 },
}));

/** The square of the sum over all that is coupled of r·S: each gradient depends on every other log-prob. */
const squared = (couples: 'group' | 'step'): Objective => ({
  name: 'squared',
  formula: '',
  data: 'groups',
  needs: { reward: 'sequence' },
  couples,
  evaluate: ({ sequences: members, logps }: ScoredBatch) => {
    const groups = couples === 'step' ? [0] : [...new Set(members.map(({ group }) => group))];
    const sums = logps.map((row, i) => members[i]!.scalars!.reward! * weightedSum(members[i]!, row));
    const of = (group: number) =>
      sums.reduce((sum, x, i) => (couples === 'step' || members[i]!.group === group ? sum + x : sum), 0);
    return {
      loss: groups.reduce((sum, group) => sum + of(group) ** 2 / 1000, 0),
      gradient: members.map((member) =>
        spread(member, (2 * of(member.group) * member.scalars!.reward!) / 1000),
      ),
      metrics: {},
    };
  },
});

describe.each(['group', 'step'] as const)('what is coupled by %s', (couples) => {
  it('has one result in one pack and in many, of which one is kept at a time', () => {
    using engine = engineOf('llama', 'f64');
    const objective = squared(couples);
    const [forward, backward] = [engine.forward.bind(engine), engine.backward.bind(engine)];
    let [kept, most] = [0, 0];
    vi.spyOn(engine, 'forward').mockImplementation((given) => {
      most = Math.max(most, (kept += 1));
      return forward(given);
    });
    vi.spyOn(engine, 'backward').mockImplementation((...given) => {
      kept--;
      return backward(...given);
    });
    const run = (tokenBudget: number) => {
      engine.weights.zeroGrads();
      const before = liveTensors();
      const { loss } = runStep(engine, objective, sequences, tokenBudget);
      expect(liveTensors()).toBe(before);
      return { loss, gradients: gradientsOf(engine) };
    };
    const whole = run(1000);
    for (const tokenBudget of [1, 31, 60]) {
      const { loss, gradients } = run(tokenBudget);
      expect(loss / whole.loss).toBeCloseTo(1, 12);
      expect(worstOf(gradients, whole.gradients)).toBeLessThan(1e-10);
    }
    expect(most).toBe(1);
  });
});

describe('calls', () => {
  const placed = sequences.map(({ group, row }) => ({ group, tokens: row.ids.length }));
  const members = (objective: Partial<Objective>, budget: number) =>
    callsOf({ ...squared('step'), ...objective }, placed, budget).map((call) =>
      call.members.toSorted((a, b) => a - b),
    );

  it('hold no more than what is coupled', () => {
    expect(members({ couples: 'step' }, 1)).toEqual([[0, 1, 2, 3, 4, 5]]);
    expect(members({ couples: 'group' }, 1)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(members({ couples: 'sequence' }, 1)).toHaveLength(6);
    expect(members({ couples: 'token' }, 40)).toHaveLength(3);
  });
});

describe('a step', () => {
  const seeing = (see: (batch: ScoredBatch) => void, remember?: number[]): Objective => ({
    ...squared('step'),
    evaluate: (batch) => {
      see(batch);
      const { loss, gradient, metrics } = squared('step').evaluate(batch);
      return { loss, gradient, metrics, ...(remember && { remember }) };
    },
  });

  it('tells the objective where the run stands, and brings what it wants to remember', () => {
    using engine = engineOf('llama', 'f32');
    let seen: Step | undefined;
    const objective = seeing(({ step }) => (seen = step), [1, 2, 3, 4, 5, 6]);
    const place = {
      clock: { step: 3, steps: 9, epoch: 0.5, gradNorm: 2 },
      memory: new Map([['row/1', 0.25]]),
    };
    const { remember } = runStep(engine, objective, sequences, 1000, place);
    expect(seen).toMatchObject(place);
    expect([...remember]).toEqual(rows.map((_, i) => [`row/${i}`, i + 1]));
  });

  it('scores what is only scored, counts and trains it not', () => {
    using engine = engineOf('llama', 'f32');
    const scored: TrainSequence = { ...sequences[1]!, role: 'mismatched', onlyScored: true };
    const batches: ScoredBatch[] = [];
    const objective = seeing((batch) => batches.push(batch));
    const run = (given: TrainSequence[]) => {
      engine.weights.zeroGrads();
      return { loss: runStep(engine, objective, given, 40).loss, gradients: gradientsOf(engine) };
    };
    const trained = sequences.filter((_, i) => i !== 1);
    expect(run([...trained, scored])).toEqual(run(trained));
    const [logps] = engine.scorer.score([rows[1]!]);
    expect(batches[0]!.mismatched).toEqual([{ sequence: scored, logps }]);
    expect(batches[0]!.step.sequences).toHaveLength(5);
    const all = engine.scorer.score([...trained, scored].map(({ row }) => row));
    expect(evaluateSequences(objective, [...trained, scored], all).loss).toBeCloseTo(
      evaluateSequences(objective, trained, all.slice(0, 5)).loss,
      12,
    );
    expect(batches.at(-2)!.mismatched![0]!.sequence).toBe(scored);
  });
});
