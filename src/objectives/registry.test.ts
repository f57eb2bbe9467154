/** Each objective of the list against its equation, which is written down here once more: value, derivative, parts, labels. */
import { describe, expect, it } from 'vitest';
import { columnStep } from '../../test/support/columnBatches.js';
import { partOf, relativeError } from '../../test/support/tokenBatches.js';
import {
  createObjective,
  linearLoss,
  objectiveDefinitions,
  objectiveNames,
  readColumns,
  type Objective,
  type ObjectiveSpec,
  type ReadValues,
  type ScoredBatch,
  type SequenceInfo,
} from './index.js';

const { exp, log, max, min, sqrt } = Math;
const sigmoid = (x: number) => 1 / (1 + exp(-x));
const clip = (x: number, low: number, high: number) => min(max(x, low), high);
const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]) => total(values) / values.length;

/** A response as the equations see it: `l` moves, `f` is where the formula has sg. */
class Response {
  readonly w: number[];
  readonly N: number;
  constructor(
    readonly info: SequenceInfo,
    readonly l: number[],
    readonly f: number[],
    readonly reads: ReadValues = {},
  ) {
    this.w = [...(info.tokenWeights ?? l.map(() => 1))];
    this.N = total(this.w.map(Math.abs));
  }
  x = (name: string) => this.info.scalars![name]!;
  at = (name: string) => [...this.info.columns![name]!];
  /** Σ w·value over the tokens. */
  over = (value: (l: number, f: number, t: number) => number) =>
    total(this.l.map((l, t) => this.w[t]! * value(l, this.f[t]!, t)));
  get S() {
    return this.over((l) => l);
  }
  get M() {
    return this.S / this.N;
  }
  get right() {
    return this.x('reward') > 0;
  }
  /** The student's and the teacher's probabilities of a token's ids and, last, of all others. */
  classes(t: number): { p: number[]; q: number[] } {
    const { starts, logps } = this.info.topK!.teacher_topk!;
    const [p, q] = [logps!, this.reads.teacher_topk!].map((values) => {
      const own = [...values.subarray(starts[t], starts[t + 1])].map(exp);
      return [...own, 1 - total(own)];
    });
    return { p: p!, q: q! };
  }
  /** Σ w·value over the tokens at which a verdict is read; `v` and `u` are its log-probs and those of the other, with references. */
  verdicts(value: (v: [l: number, r: number], u: [l: number, r: number], all: number[]) => number): number {
    const { starts, logps } = this.info.topK!.verdict!;
    const t = [...starts].findIndex((start, at) => start !== starts[at + 1]);
    const all = [...this.reads.verdict!];
    const at = (i: number): [number, number] => [all[i]!, logps![i]!];
    return this.w[t]! * value(at(this.right ? 0 : 1), at(this.right ? 1 : 0), all);
  }
  /** log π/reference of the whole response. */
  gap = (name: string, frozen = false) => this.over((l, f, t) => (frozen ? f : l) - this.at(name)[t]!);
}

type Equation = (all: Response[], batch: ScoredBatch) => number;
const tokenMean = (all: Response[], value: (y: Response) => number) =>
  total(all.map(value)) / total(all.map(({ N }) => N));
const right = (all: Response[]) => all.filter((y) => y.right);
const wrong = (all: Response[]) => all.filter((y) => !y.right);
const pairMean =
  (value: (w: Response, l: Response) => number): Equation =>
  (all) => {
    const groups = [...new Set(all.map(({ info }) => info.group))];
    const of = (group: number, role: string) =>
      all.find(({ info }) => info.group === group && info.role === role)!;
    return mean(groups.map((group) => value(of(group, 'chosen'), of(group, 'rejected'))));
  };
const learned = (all: Response[]) => all.filter(({ info }) => info.role !== 'rejected');
const delta = (w: Response, l: Response) => w.gap('reference') - l.gap('reference');
const surrogate = (ratio: number, A: number, low = 0.2, high = 0.2) =>
  -min(ratio * A, clip(ratio, 1 - low, 1 + high) * A);
const k3 = (l: number, reference: number) => exp(reference - l) - (reference - l) - 1;

const nft =
  (omega: (p: number) => number, floor = 1, negative = 1): Equation =>
  (all) =>
    tokenMean(all, (y) => {
      const p = clip(y.x('pass_rate'), 0.02, 0.98);
      return y.over((l, f, t) => {
        const [ratio, frozen] = [exp(l - y.at('behaviour')[t]!), exp(f - y.at('behaviour')[t]!)];
        if (y.right) return -omega(p) * log(ratio);
        const [z, zf] = [(1 - p * ratio) / (1 - p), (1 - p * frozen) / (1 - p)];
        return -negative * omega(p) * log(max(zf, floor) - zf + z);
      });
    });
const towards =
  (name: string, limit = Infinity): Equation =>
  (all) =>
    tokenMean(all, (y) => y.over((l, f, t) => -clip(y.at(name)[t]! - f, -limit, limit) * l));
const wReinforce =
  (lambda: number, negative: (l: number) => number): Equation =>
  (all) =>
    tokenMean(all, (y) => y.over((l) => (y.right ? -lambda * l : negative(l))));
const s2r =
  (isDetached: boolean): Equation =>
  (all) =>
    mean(
      all.map((y) => {
        const gap = y.gap('reference') / y.N;
        const A =
          y.x('reward') - y.x('baseline') - 0.15 * (isDetached ? y.gap('reference', true) / y.N : gap);
        return surrogate(exp(gap), A);
      }),
    );
const topr =
  (taper: (y: Response, f: number, t: number) => number): Equation =>
  (all) =>
    mean(all.map((y) => y.over((l, f, t) => -y.x('reward') * (y.right ? 1 : taper(y, f, t)) * l)));
const kto =
  (up = 1, down = 1): Equation =>
  (all, { mismatched }) => {
    const gaps = mismatched!.map(({ sequence, logps }) =>
      new Response(sequence, [...logps], [...logps]).gap('reference'),
    );
    const z = max(0, mean(gaps));
    return mean(
      all.map((y) =>
        y.right
          ? up * (1 - sigmoid(0.1 * (y.gap('reference') - z)))
          : down * (1 - sigmoid(0.1 * (z - y.gap('reference')))),
      ),
    );
  };

const KL = (p: number[], q: number[]) => total(p.map((x, i) => x * log(x / q[i]!)));
const temper = (p: number[], T: number) => {
  const powers = p.map((x) => x ** (1 / T));
  return powers.map((x) => x / total(powers));
};
const soft =
  (value: (p: number[], q: number[]) => number) =>
  (y: Response): number =>
    y.over((_l, _f, t) => {
      const { p, q } = y.classes(t);
      return value(p, q);
    });
const JSD = (beta: number) => (p: number[], q: number[]) => {
  const m = p.map((x, i) => beta * x + (1 - beta) * q[i]!);
  return beta * KL(p, m) + (1 - beta) * KL(q, m);
};
const verdictMean =
  (value: Parameters<Response['verdicts']>[0]): Equation =>
  (all) =>
    total(all.map((y) => y.verdicts(value))) / total(all.map(({ w }) => Math.abs(w[2]!)));

/** By objective: its settings, the loss of its source, and the kinds of steps on which they are compared. */
const equations: Record<string, [parameters: Omit<ObjectiveSpec, 'name'>, Equation][]> = {
  sft: [
    [{}, (all) => -tokenMean(learned(all), (y) => y.S)],
    [{ mean: 'sequence' }, (all) => -mean(learned(all).map((y) => y.M))],
  ],
  'weighted-sft': [
    [{}, (all) => -tokenMean(all, (y) => y.S)],
    [{ mean: 'sequence' }, (all) => -mean(all.map((y) => y.M))],
  ],
  redi: [
    [{}, pairMean((w, l) => -w.M + 0.8 * l.M)],
    [{ alpha: -0.5, chosen: 0.7 }, pairMean((w, l) => -0.7 * w.M - 0.5 * l.M)],
    [
      { gamma: 0.7 },
      pairMean((w, l) => -w.M + 0.8 * exp((0.7 * total(l.f.map((f, t) => l.w[t]! * f))) / l.N) * l.M),
    ],
    [{ gamma: 0.7, attached: true }, pairMean((w, l) => -w.M + 0.8 * exp(0.7 * l.M) * l.M)],
  ],
  symmetric: [[{}, pairMean((w, l) => l.M - w.M)]],
  simpo: [[{ beta: 3, gamma: 0.5 }, pairMean((w, l) => -log(sigmoid(3 * (w.M - l.M) - 0.5)))]],
  dpo: [
    [{ beta: 0.3 }, pairMean((w, l) => -log(sigmoid(0.3 * delta(w, l))))],
    [
      { smoothing: 0.2 },
      pairMean((w, l) => -0.8 * log(sigmoid(0.1 * delta(w, l))) - 0.2 * log(sigmoid(-0.1 * delta(w, l)))),
    ],
    [{ losses: { hinge: 1 } }, pairMean((w, l) => max(0, 1 - 0.1 * delta(w, l)))],
    [{ losses: { ipo: 1 } }, pairMean((w, l) => (delta(w, l) - 1 / 0.2) ** 2)],
    [
      { losses: { robust: 1 }, smoothing: 0.1 },
      pairMean(
        (w, l) =>
          (-0.9 * log(sigmoid(0.1 * delta(w, l))) + 0.1 * log(sigmoid(-0.1 * delta(w, l)))) / (1 - 0.2),
      ),
    ],
    [
      { beta: 1, length_normalised: true, losses: { sigmoid: 2, ipo: 0.5 } },
      pairMean((w, l) => {
        const m = w.gap('reference') / w.N - l.gap('reference') / l.N;
        return -2 * log(sigmoid(m)) + 0.5 * (m - 0.5) ** 2;
      }),
    ],
  ],
  unlikelihood: [
    [
      { alpha: 0.5 },
      (all) =>
        mean(all.map((y) => (y.right ? -y.M : (0.5 * y.over((l) => -log(max(1 - exp(l), 1e-5)))) / y.N))),
    ],
  ],
  asymre: [
    [
      {},
      (all) =>
        mean(
          all.map((y) => {
            const row = all.filter(({ info }) => info.group === y.info.group);
            return -(y.x('reward') - (mean(row.map((other) => other.x('reward'))) - 0.1)) * y.S;
          }),
        ),
    ],
    [{ baseline: 'none', delta: 0 }, (all) => mean(all.map((y) => -y.x('reward') * y.S))],
  ],
  glow: [
    [
      {},
      (all, { step: { memory } }) =>
        mean(
          all.map((y) => {
            const [before, now] = [memory.get(y.info.id!), -total(y.f.map((f, t) => y.w[t]! * f)) / y.N];
            return -(before === undefined ? 1 : max(0.5, 2 * (1 - sigmoid(20 * (before - now))))) * y.M;
          }),
        ),
    ],
  ],
  dft: [
    [{}, (all) => tokenMean(learned(all), (y) => y.over((l, f) => -exp(f) * l))],
    [{ mean: 'sequence' }, (all) => mean(learned(all).map((y) => y.over((l, f) => -exp(f) * l) / y.N))],
  ],
  'iw-sft': [
    [
      { temperature: 0.8, most: 1.5 },
      (all) => tokenMean(learned(all), (y) => -min(exp((0.8 * y.gap('reference', true)) / y.N), 1.5) * y.S),
    ],
    [
      { ratio: 'token' },
      (all) =>
        tokenMean(learned(all), (y) =>
          y.over((l, f, t) => -clip(exp(f - y.at('reference')[t]!), 0.2, 1.8) * l),
        ),
    ],
  ],
  topr: [
    [{}, topr((y) => min(1, exp(y.gap('behaviour', true))))],
    [{ ratio: 'token', alpha: 0.5 }, topr((y, f, t) => 0.5 * min(1, exp(f - y.at('behaviour')[t]!)))],
  ],
  nft: [
    [{}, nft((p) => 1 - p)],
    [{ weighting: 'grpo' }, nft((p) => sqrt((1 - p) / p))],
    [{ weighting: 'none', floor: 0.5, negative: 0.5 }, nft(() => 1, 0.5, 0.5)],
  ],
  psr: [
    [
      {},
      (all) =>
        tokenMean(right(all), (y) => y.over((l, _, t) => surrogate(exp(l - y.at('behaviour')[t]!), 1))),
    ],
  ],
  nsr: [
    [
      { clip: 0.5 },
      (all) =>
        tokenMean(wrong(all), (y) =>
          y.over((l, _, t) => surrogate(exp(l - y.at('behaviour')[t]!), -1, 0.5, 0.5)),
        ),
    ],
  ],
  'w-reinforce': [
    [{}, wReinforce(0.1, (l) => l)],
    [{ lambda: 1, negative: 'probability' }, wReinforce(1, exp)],
    [{ negative: 'unlikelihood' }, wReinforce(0.1, (l) => -log(max(1 - exp(l), 1e-5)))],
  ],
  grpo: [
    [
      { high: 0.28 },
      (all) =>
        tokenMean(all, (y) =>
          y.over((l, _, t) => surrogate(exp(l - y.at('behaviour')[t]!), y.x('advantage'), 0.2, 0.28)),
        ),
    ],
    [
      { ratio: 'sequence', mean: 'sequence', low: 0.9, high: 0.9 },
      (all) => mean(all.map((y) => surrogate(exp(y.gap('behaviour') / y.N), y.x('advantage'), 0.9, 0.9))),
    ],
  ],
  opd: [
    [{}, towards('teacher')],
    [{ clip: 0.5 }, towards('teacher', 0.5)],
  ],
  hindsight: [[{}, towards('hindsight')]],
  renio: [
    [
      {},
      (all) => {
        const weights = all.map((y) => {
          const gaps = y.f.map((f, t) => f - y.at('teacher')[t]!).filter((gap) => gap >= 0.8);
          return exp(gaps.length === 0 ? 0 : mean(gaps.map((gap) => min(gap, 2.5))));
        });
        return mean(
          all.map(
            (y, i) =>
              (min(weights[i]! / mean(weights), 10) * y.over((l, f, t) => -(y.at('teacher')[t]! - f) * l)) /
              y.N,
          ),
        );
      },
    ],
  ],
  dro: [
    [
      { beta: 0.4 },
      (all) =>
        tokenMean(all, (y) =>
          y.over((l, _, t) => -y.x('advantage') * l + 0.2 * (l - y.at('behaviour')[t]!) ** 2),
        ),
    ],
  ],
  a2po: [
    [{}, (all) => mean(all.map((y) => (0.1 * y.gap('reference') - (y.x('reward') - y.x('value'))) ** 2))],
  ],
  oreal: [
    [
      {},
      (all) => {
        const A = (y: Response) => y.x('advantage');
        const up = tokenMean(right(all), (y) =>
          y.over((l, _, t) => -A(y) * clip((y.at('credit')[t]! - 0.5) / 0.5, 0, 1) * l),
        );
        const down = tokenMean(wrong(all), (y) =>
          y.over((l, f, t) => -A(y) * clip((0.5 - y.at('credit')[t]!) / 0.5, 0, 1) * exp(l - f)),
        );
        return (
          up + 0.5 * down + 0.01 * tokenMean(all, (y) => y.over((l, _, t) => k3(l, y.at('reference')[t]!)))
        );
      },
    ],
  ],
  s2r: [
    [{}, s2r(false)],
    [{ detached: true }, s2r(true)],
    [
      { level: 'process' },
      (all) =>
        mean(
          all.map((y) => {
            const places = (k: number) =>
              y.l.map((_, t) => t).filter((t) => y.info.segments![t] === k && y.w[t] !== 0);
            const kept = [0, 1, 2].filter((k) => places(k).length > 0);
            return mean(
              kept.map((k) => {
                const gap = (of: number[]) =>
                  total(places(k).map((t) => y.w[t]! * (of[t]! - y.at('reference')[t]!))) /
                  total(places(k).map((t) => Math.abs(y.w[t]!)));
                return surrogate(exp(gap(y.l)), y.at('reward')[k]! - y.at('baseline')[k]! - 0.15 * gap(y.f));
              }),
            );
          }),
        ),
    ],
  ],
  shaped: [
    [{}, (all) => tokenMean(all, (y) => y.over((l) => ((y.right ? -1 : 1) * exp(l)) / (exp(l) + 0.1)))],
    [
      { right: 'chord', wrong: 'log', alpha: 0.3 },
      (all) => tokenMean(all, (y) => y.over((l, f) => (y.right ? -exp(f) * (1 - exp(f)) * l : 0.3 * l))),
    ],
  ],
  orpo: [
    [
      { lambda: 0.3 },
      pairMean((w, l) => {
        const odds = ({ M }: Response) => exp(M) / (1 - exp(M));
        return -w.M - 0.3 * log(sigmoid(log(odds(w) / odds(l))));
      }),
    ],
  ],
  kto: [
    [{}, kto()],
    [{ desirable: 0.7, undesirable: 1.4 }, kto(0.7, 1.4)],
  ],
  cdpo: [
    [
      {},
      pairMean((w, l) => {
        const weighed = l.over((x, _, t) => (1 - l.at('contrast')[t]!) * (x - l.at('reference')[t]!));
        return -log(sigmoid(0.1 * (w.gap('reference') - weighed)));
      }),
    ],
  ],
  kl: [
    [{}, (all) => tokenMean(all, (y) => y.over((l, _, t) => k3(l, y.at('reference')[t]!)))],
    [
      { mean: 'sequence' },
      (all) => mean(all.map((y) => y.over((l, _, t) => k3(l, y.at('reference')[t]!)) / y.N)),
    ],
  ],
  gkd: [
    [{}, (all) => tokenMean(all, soft(KL))],
    [
      { beta: 1 },
      (all) =>
        tokenMean(
          all,
          soft((p, q) => KL(q, p)),
        ),
    ],
    [{ beta: 0.3, mean: 'sequence' }, (all) => mean(all.map((y) => soft(JSD(0.3))(y) / y.N))],
    [
      { beta: 0.5, temperature: 1.7 },
      (all) =>
        tokenMean(
          all,
          soft((p, q) => JSD(0.5)(temper(p, 1.7), temper(q, 1.7))),
        ),
    ],
  ],
  ssb: [
    [
      {},
      (all) =>
        tokenMean(
          all,
          soft((p, q) => KL(temper(p, 2), temper(q, 2))),
        ),
    ],
    [
      { kl: 0.7, likelihood: 0.4, temperature: 0.6 },
      (all) => tokenMean(all, (y) => 0.7 * soft((p, q) => KL(temper(p, 0.6), temper(q, 0.6)))(y) - 0.4 * y.S),
    ],
  ],
  epicar: [
    [{}, verdictMean(([l]) => -l)],
    [{ over: 'named' }, verdictMean(([l], _, all) => log(total(all.map(exp))) - l)],
  ],
  revise: [
    [
      { lambda: 0.3, beta: 0.7 },
      verdictMean(([l, r], [m, s]) => -l - 0.3 * log(sigmoid(0.7 * (l - r - (m - s))))),
    ],
  ],
};

const columnsOf = (reads: readonly ReadValues[] = [], columns: readonly string[]): Float64Array[] =>
  reads.flatMap((of) => columns.map((name) => of[name]!));

/** dLoss/dlogp by central differences of fourth order. */
function numericalGradient(loss: () => number, logps: readonly Float64Array[]): Float64Array[] {
  const h = 2e-4;
  return logps.map((row) =>
    row.map((value, t) => {
      const at = (steps: number) => {
        row[t] = value + steps * h;
        const found = loss();
        row[t] = value;
        return found;
      };
      return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
    }),
  );
}

/** The parts of a step that may be judged apart. */
function partsOf(objective: Objective, batch: ScoredBatch): number[][] {
  const places = [...batch.sequences.keys()];
  if (objective.couples === 'step') return [places];
  // The metrics of fixed weights look at pairs: those are judged once, when all is scored.
  if (objective.couples !== 'group' && (objective.data === 'groups' || !objective.weights))
    return places.map((i) => [i]);
  return [...new Set(batch.sequences.map(({ group }) => group))].map((group) =>
    places.filter((i) => batch.sequences[i]!.group === group),
  );
}

it('has an equation here for each of the list', () => {
  expect(Object.keys(equations).sort()).toEqual([...objectiveNames].sort());
});

const cases = Object.entries(equations).flatMap(([name, settings]) =>
  settings.flatMap(([parameters, equation]) => {
    const spec: ObjectiveSpec = { name, ...parameters };
    const kinds =
      createObjective(spec).data === 'groups' ? (['pairs', 'samples'] as const) : (['pairs'] as const);
    return kinds.flatMap((kind) =>
      [true, false].map((isWeighted) => ({
        title: `${name} ${JSON.stringify(parameters)} on ${kind}${isWeighted ? ' with weights' : ''}`,
        ...{ spec, equation, kind, isWeighted },
      })),
    );
  }),
);

describe.each(cases)('$title', ({ spec, equation, kind, isWeighted }) => {
  const objective = createObjective(spec);
  const steps = [1, 2, 3].map((seed) => columnStep(seed, kind, isWeighted));
  const lossOf = (batch: ScoredBatch, frozen: readonly Float64Array[]) =>
    equation(
      batch.sequences.map(
        (info, i) => new Response(info, [...batch.logps[i]!], [...frozen[i]!], batch.reads![i]),
      ),
      batch,
    );

  it('has the value and the finite differences of its equation', () => {
    for (const step of steps) {
      const frozen = step.logps.map((row) => row.slice());
      const { loss, gradient, readGradient } = objective.evaluate(step);
      const columns = readColumns(objective);
      const all = [...gradient, ...columnsOf(readGradient, columns)];
      const moved = [...step.logps, ...columnsOf(step.reads, columns)];
      const expected = numericalGradient(() => lossOf(step, frozen), moved);
      expect(relativeError(all, expected)).toBeLessThan(1e-6);
      // What has the value 1 at every ratio has no value of its own.
      const value = lossOf(step, frozen);
      expect(Math.abs(loss - value)).toBeLessThan(1e-12 * max(1, Math.abs(value)));
    }
  });

  it('adds up over the parts of a step', () => {
    for (const step of steps) {
      const whole = objective.evaluate(step);
      let loss = 0;
      for (const indices of partsOf(objective, step)) {
        const part = objective.evaluate({ ...partOf(step, indices), mismatched: step.mismatched! });
        loss += part.loss;
        indices.forEach((i, at) => {
          expect(part.gradient[at]).toEqual(whole.gradient[i]);
          expect(part.readGradient?.[at]).toEqual(whole.readGradient?.[i]);
        });
        if (!objective.weights) continue;
        const weights = objective.weights(partOf(step, indices));
        expect(linearLoss(weights, partOf(step, indices).logps)).toBeCloseTo(part.loss, 12);
        expect(weights).toEqual(part.gradient);
      }
      expect(loss).toBeCloseTo(whole.loss, 11);
    }
  });

  it('stays finite with labels that are wrong, certain tokens and impossible ones', () => {
    for (const step of steps) {
      const flipped = step.sequences.map((sequence, i) => {
        if (i % 5 > 1) return sequence;
        const { reward, advantage } = sequence.scalars!;
        return { ...sequence, scalars: { ...sequence.scalars, reward: -reward!, advantage: -advantage! } };
      });
      const logps = step.logps.map((row) =>
        row.map((logp, t) => (t % 4 === 1 ? 0 : t % 4 === 3 ? -700 : logp)),
      );
      const reads = step.reads!.map((columns) =>
        Object.fromEntries(
          Object.entries(columns).map(([name, values]) => [
            name,
            values.map((logp, entry) => (entry % 4 === 1 ? 0 : entry % 4 === 3 ? -700 : logp)),
          ]),
        ),
      );
      const { loss, gradient, readGradient, metrics } = objective.evaluate({
        ...step,
        reads,
        sequences: flipped,
        step: { ...step.step, sequences: flipped },
        logps,
      });
      expect(
        [
          ...[loss, ...Object.values(metrics)],
          ...[...gradient, ...columnsOf(readGradient, readColumns(objective))].flatMap((row) => [...row]),
        ].every(Number.isFinite),
      ).toBe(true);
    }
  });
});

it('says of each what its gradient is, where it is from, when to use it and how it fails', () => {
  for (const { name, about } of objectiveDefinitions.values()) {
    expect(Object.keys(about)).toEqual(['gradient', 'source', 'use', 'fails']);
    expect(about.gradient).not.toBe('');
    expect(about.source).not.toBe('');
    expect(about.use).toMatch(/[^.]\.$/);
    expect(about.fails).toMatch(/^[A-Zαβγκλ].*[^.]\.$/);
    expect(createObjective({ name }).formula).not.toBe('');
  }
});
