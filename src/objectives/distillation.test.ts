/** What gkd, ssb, epicar and revise become at their ends, and what a softmax over a whole vocabulary says of them. */
import { describe, expect, it } from 'vitest';
import { columnStep } from '../../test/support/columnBatches.js';
import { relativeError } from '../../test/support/tokenBatches.js';
import { Random } from '../util/random.js';
import {
  createObjective,
  divergence,
  stepOf,
  sumOfTerms,
  topKOf,
  type ObjectiveSpec,
  type ReadValues,
  type ScoredBatch,
  type SequenceInfo,
} from './index.js';

const { exp, log, LN2 } = Math;
const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
const evaluate = (spec: ObjectiveSpec, batch: ScoredBatch) => createObjective(spec).evaluate(batch);
const softmax = (logits: readonly number[]) => {
  const all = total(logits.map(exp));
  return logits.map((logit) => exp(logit) / all);
};
const KL = (p: readonly number[], q: readonly number[]) => total(p.map((x, v) => x * log(x / q[v]!)));
const temper = (p: readonly number[], T: number) => softmax(p.map((x) => log(x) / T));

/** A step of one response: what its column says, and what the model has there. */
function stepOfOne(
  name: string,
  ids: number[][],
  { teacher, student, ...info }: Partial<SequenceInfo> & { teacher?: number[][]; student: number[][] },
): ScoredBatch {
  const sequences: SequenceInfo[] = [
    { role: 'sample', group: 0, length: ids.length, topK: { [name]: topKOf(ids, teacher) }, ...info },
  ];
  return {
    sequences,
    step: stepOf(sequences),
    logps: [new Float64Array(ids.length).fill(-1)],
    reads: [{ [name]: Float64Array.from(student.flat()) }],
  };
}

describe('distillation from the top k', () => {
  const all = [
    { name: 'gkd' },
    { name: 'gkd', beta: 1 },
    { name: 'gkd', beta: 0.3 },
    { name: 'gkd', beta: 0.5, temperature: 3 },
    { name: 'ssb' },
  ];

  it.each(all)('has no loss and no gradient where the teacher is the student: %j', (spec) => {
    const step = columnStep(4, 'samples');
    const reads = step.sequences.map(({ topK }) => ({ teacher_topk: topK!.teacher_topk!.logps!.slice() }));
    const { loss, readGradient } = evaluate(spec, { ...step, reads });
    expect(Math.abs(loss)).toBeLessThan(1e-15);
    for (const { teacher_topk: row } of readGradient!)
      for (const value of row!) expect(Math.abs(value)).toBeLessThan(1e-16);
  });

  it('of one certain token is fine-tuning on it', () => {
    const step = columnStep(5, 'samples');
    const certain = step.sequences.map((sequence) => ({
      ...sequence,
      topK: {
        teacher_topk: topKOf(
          Array<number[]>(sequence.length).fill([3]),
          Array<number[]>(sequence.length).fill([0]),
        ),
      },
    }));
    const reads = step.logps.map((row) => ({ teacher_topk: row }));
    const batch = { ...step, sequences: certain, step: stepOf(certain), reads };
    for (const mean of ['token', 'sequence']) {
      const [soft, hard] = [
        evaluate({ name: 'gkd', mean }, batch),
        evaluate({ name: 'weighted-sft', mean }, batch),
      ];
      expect(soft.loss).toBeCloseTo(hard.loss, 14);
      const rows = soft.readGradient!.map((of) => of.teacher_topk!);
      expect(relativeError(rows, hard.gradient)).toBeLessThan(1e-15);
    }
  });

  it('has its worked value: 1/2 and 1/4 against 1/4 and 1/4, with a rest of 1/4 and 1/2', () => {
    const step = stepOfOne('teacher_topk', [[1, 2]], {
      teacher: [[log(1 / 2), log(1 / 4)]],
      student: [[log(1 / 4), log(1 / 4)]],
    });
    const forward = evaluate({ name: 'gkd' }, step);
    expect(forward.loss).toBeCloseTo(LN2 / 2 - LN2 / 4, 15);
    // −1/2 + 1/4·(1/4)/(1/2) and −1/4 + the same
    expect([...forward.readGradient![0]!.teacher_topk!]).toEqual([-3 / 8, -1 / 8]);
    const reverse = evaluate({ name: 'gkd', beta: 1 }, step);
    expect(reverse.loss).toBeCloseTo(-LN2 / 4 + LN2 / 2, 15);
    // 1/4·(−log 2 − log 2) and 1/4·(0 − log 2)
    [-LN2 / 2, -LN2 / 4].forEach((slope, i) => {
      expect(reverse.readGradient![0]!.teacher_topk![i]).toBeCloseTo(slope, 15);
    });
  });

  it('between the ends goes to them: JSD/β → KL(ν ‖ π), JSD/(1 − β) → KL(π ‖ ν), and is below log 2', () => {
    const step = columnStep(6, 'samples', false);
    const loss = (beta: number) => evaluate({ name: 'gkd', beta }, step).loss;
    expect(loss(1e-7) / 1e-7 / loss(0)).toBeCloseTo(1, 5);
    expect(loss(1 - 1e-7) / 1e-7 / loss(1)).toBeCloseTo(1, 5);
    const far = divergence(Float64Array.of(log(0.999)), Float64Array.of(log(0.001)), {
      beta: 0.5,
      temperature: 1,
    });
    expect(far.loss).toBeGreaterThan(0.9 * LN2);
    expect(far.loss).toBeLessThan(LN2);
  });

  describe('against a softmax over a whole vocabulary', () => {
    const vocab = 12;
    const random = new Random(7);
    const logits = () => Array.from({ length: vocab }, () => 4 * random.nextFloat());
    const [nu, z] = [softmax(logits()), logits()];
    const likeliest = [...nu.keys()].sort((a, b) => nu[b]! - nu[a]!);
    /** The listed tokens and all others together. */
    const coarse = (p: readonly number[], ids: readonly number[]) =>
      ids.length === vocab
        ? ids.map((id) => p[id]!)
        : [...ids.map((id) => p[id]!), total(p.filter((_, v) => !ids.includes(v)))];
    /** The loss, and its derivative by the logits, as the head makes it of that by log-probs. */
    const found = (kind: { beta: number; temperature: number }, ids: readonly number[]) => {
      const pi = softmax(z);
      const logps = (p: readonly number[]) => Float64Array.from(ids, (id) => log(p[id]!));
      const { loss, slopes } = divergence(logps(nu), logps(pi), kind);
      const byLogit = pi.map((p, v) => (ids.includes(v) ? slopes[ids.indexOf(v)]! : 0) - p * total(slopes));
      return { loss, byLogit };
    };
    const brute = { 0: KL, 1: (p: number[], q: number[]) => KL(q, p) } as const;

    it.each([
      [0, 1, 3],
      [1, 1, 3],
      [0, 1, vocab],
      [1, 1, vocab],
      [0, 2, vocab],
      [1, 2, vocab],
      [0, 0.5, vocab],
    ] as const)('β = %d at temperature %d with k = %d', (beta, temperature, k) => {
      const ids = likeliest.slice(0, k);
      const truth = () => {
        const [p, q] = [nu, softmax(z)].map((all) => coarse(temper(all, temperature), ids)) as [
          number[],
          number[],
        ];
        return brute[beta](p, q);
      };
      const { loss, byLogit } = found({ beta, temperature }, ids);
      expect(loss).toBeCloseTo(truth(), 6);
      for (const [v, slope] of byLogit.entries()) {
        const at = (h: number) => {
          z[v]! += h;
          const value = truth();
          z[v]! -= h;
          return value;
        };
        expect(slope).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 6);
      }
    });

    it('the rest as one class is at most the whole, and a temperature other than 1 is not that of the whole', () => {
      const ids = likeliest.slice(0, 3);
      expect(found({ beta: 0, temperature: 1 }, ids).loss).toBeLessThan(KL(nu, softmax(z)));
      const whole = KL(temper(nu, 2), temper(softmax(z), 2));
      expect(Math.abs(found({ beta: 0, temperature: 2 }, ids).loss - whole)).toBeGreaterThan(0.01);
    });
  });
});

describe('verdicts', () => {
  const at = (reward: number, logps: number[], reference?: number[], spec: object = {}) => {
    const step = stepOfOne('verdict', [[], [4, 5]], {
      scalars: { reward },
      ...(reference && { teacher: [[], reference] }),
      student: [logps],
    });
    const { loss, readGradient } = evaluate({ name: reference ? 'revise' : 'epicar', ...spec }, step);
    return { loss, slopes: [...readGradient![0]!.verdict!] };
  };

  it('epicar learns yes of a right response and no of a wrong one', () => {
    const logps = [log(0.5), log(0.125)];
    expect(at(1, logps)).toEqual({ loss: LN2, slopes: [-1, 0] });
    expect(at(-1, logps)).toEqual({ loss: 3 * LN2, slopes: [0, -1] });
    const named = at(1, logps, undefined, { over: 'named' });
    expect(named.loss).toBeCloseTo(-log(0.8), 15);
    expect(named.slopes[0]).toBeCloseTo(-0.2, 15);
    expect(named.slopes[1]).toBeCloseTo(0.2, 15);
  });

  it('epicar among named tokens is sure of one that is e^800 times as likely', () => {
    // −log σ(±800)
    expect(at(1, [0, -800], undefined, { over: 'named' })).toEqual({ loss: 0, slopes: [0, 0] });
    expect(at(-1, [0, -800], undefined, { over: 'named' })).toEqual({ loss: 800, slopes: [1, -1] });
  });

  it('revise at the reference has the preference’s log 2, and without it is epicar', () => {
    const logps = [log(0.5), log(0.25)];
    const { loss, slopes } = at(-1, logps, logps, { lambda: 0.1, beta: 2 });
    expect(loss).toBeCloseTo(2 * LN2 + 0.1 * LN2, 15);
    expect(slopes[0]).toBeCloseTo(0.1, 15);
    expect(slopes[1]).toBeCloseTo(-1.1, 15);
    expect(at(1, logps, logps, { lambda: 0 }).loss).toBe(at(1, logps).loss);
  });

  it('are normalised by their own places: other tokens of the responses do not count', () => {
    const step = columnStep(3, 'samples', false);
    const trained = step.sequences.map((sequence) => ({
      ...sequence,
      tokenWeights: Float64Array.from({ length: sequence.length }, (_, t) => (t === 2 ? 1 : 0)),
      weight: 1,
    }));
    const only = { ...step, sequences: trained, step: stepOf(trained) };
    expect(evaluate({ name: 'epicar' }, step).loss).toBe(evaluate({ name: 'epicar' }, only).loss);
  });
});

describe('terms that read columns', () => {
  it('need log-probs of a column where one of them does', () => {
    for (const names of [
      ['epicar', 'revise'],
      ['revise', 'epicar'],
    ]) {
      const terms = names.map((name) => ({ objective: createObjective({ name }), weight: 1 }));
      expect(sumOfTerms(terms).needs).toEqual({ verdict: 'top-k', reward: 'sequence' });
    }
  });

  it('add up, each with its own column', () => {
    const step = columnStep(8, 'samples');
    const [soft, verdict, plain] = ['gkd', 'epicar', 'psr'].map((name) => createObjective({ name }));
    const sum = sumOfTerms([
      { objective: soft!, weight: 0.5 },
      { objective: plain!, weight: 1 },
      { objective: verdict!, weight: 2 },
    ]);
    expect(sum.needs).toMatchObject({ teacher_topk: 'top-k', verdict: 'named', behaviour: 'token' });
    const { loss, gradient, readGradient } = sum.evaluate(step);
    const [a, b, c] = [soft!, plain!, verdict!].map((objective) => objective.evaluate(step));
    expect(loss).toBeCloseTo(0.5 * a!.loss + b!.loss + 2 * c!.loss, 13);
    expect(relativeError(gradient, b!.gradient)).toBe(0);
    const scaled = (of: readonly ReadValues[], name: string, by: number) =>
      of.map((columns) => columns[name]!.map((value) => by * value));
    for (const [name, part, by] of [
      ['teacher_topk', a!, 0.5],
      ['verdict', c!, 2],
    ] as const)
      expect(
        relativeError(
          readGradient!.map((columns) => columns[name]!),
          scaled(part.readGradient!, name, by),
        ),
      ).toBe(0);
  });
});
