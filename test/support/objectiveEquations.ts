/** @file Writes down the equation of each objective once more, as papers have them. */
import type { ObjectiveSpec, ScoredBatch } from '../../src/objectives/index.js';
import { clip, mean, sigmoid, total, Response } from './objectiveResponse.js';

const { exp, log, max, min, sqrt } = Math;
type Equation = (all: Response[], batch: ScoredBatch) => number;
const tokenMean = (all: Response[], value: (y: Response) => number) =>
  total(all.map(value)) / total(all.map(({ N }) => N));
const right = (all: Response[]) => all.filter((y) => y.right);
const wrong = (all: Response[]) => all.filter((y) => !y.right);
const rowsOf = (all: Response[]) =>
  [...new Set(all.map(({ info }) => info.group))].map((group) =>
    all.filter(({ info }) => info.group === group),
  );
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

const qcrd =
  (beta: number, delta: number, quality?: (y: Response) => number): Equation =>
  (all) =>
    mean(
      rowsOf(all).map((row) => {
        const up = right(row).map((y) => -(quality?.(y) ?? 1) * y.M);
        const down = wrong(row).map((y) => (1 - (quality?.(y) ?? 0)) * max(0, delta + y.M));
        return (up.length > 0 ? min(...up) : 0) + (down.length > 0 ? beta * max(...down) : 0);
      }),
    );

const KL = (p: number[], q: number[]) => total(p.map((x, i) => x * log(x / q[i]!)));
const temper = (p: number[], T: number) => {
  const powers = p.map((x) => x ** (1 / T));
  return powers.map((x) => x / total(powers));
};
/** Σ w·value of a response, which is computed once. */
const soft = (value: (p: number[], q: number[]) => number) => {
  const known = new WeakMap<Response, number>();
  return (y: Response): number => {
    const found =
      known.get(y) ??
      y.over((_l, _f, t) => {
        const { p, q } = y.classes(t);
        return value(p, q);
      });
    known.set(y, found);
    return found;
  };
};
const perToken =
  (value: (y: Response) => number): Equation =>
  (all) =>
    tokenMean(all, value);
const sequenceMean =
  (value: (y: Response) => number): Equation =>
  (all) =>
    mean(all.map((y) => value(y) / y.N));
const cold = soft((p, q) => KL(temper(p, 0.6), temper(q, 0.6)));
const JSD = (beta: number) => (p: number[], q: number[]) => {
  const m = p.map((x, i) => beta * x + (1 - beta) * q[i]!);
  return beta * KL(p, m) + (1 - beta) * KL(q, m);
};
const verdictMean =
  (value: Parameters<Response['verdicts']>[0]): Equation =>
  (all) =>
    total(all.map((y) => y.verdicts(value))) / total(all.map(({ w }) => Math.abs(w[2]!)));

/** By objective: its settings, the loss of its source, and the kinds of steps on which they are compared. */
export const equations: Record<string, [parameters: Omit<ObjectiveSpec, 'name'>, Equation][]> = {
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
      { temperature: 2 },
      (all) => {
        const weights = all.map((y) => {
          const gaps = y.f
            .map((f, t) => f - y.at('teacher')[t]!)
            .filter((gap, t) => gap >= 0.8 && y.w[t] !== 0);
          return exp(gaps.length === 0 ? 0 : mean(gaps.map((gap) => min(gap, 2.5))) / 2);
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
  qcrd: [
    [{}, qcrd(0.2, 3)],
    [{ beta: 0.7, delta: 0.9, quality: true }, qcrd(0.7, 0.9, (y) => y.x('quality'))],
  ],
  cdpo: [
    [
      { beta: 0.4 },
      pairMean((w, l) => {
        const weighed = l.over((x, _, t) => (1 - l.at('contrast')[t]!) * (x - l.at('reference')[t]!));
        return -log(sigmoid(0.4 * (w.gap('reference') - weighed)));
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
    [{}, perToken(soft(KL))],
    [{ beta: 1 }, perToken(soft((p, q) => KL(q, p)))],
    [{ beta: 0.3, mean: 'sequence' }, sequenceMean(soft(JSD(0.3)))],
    [{ beta: 0.5, temperature: 1.7 }, perToken(soft((p, q) => JSD(0.5)(temper(p, 1.7), temper(q, 1.7))))],
  ],
  ssb: [
    [{}, perToken(soft((p, q) => KL(temper(p, 2), temper(q, 2))))],
    [{ kl: 0.7, likelihood: 0.4, temperature: 0.6 }, perToken((y) => 0.7 * cold(y) - 0.4 * y.S)],
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
