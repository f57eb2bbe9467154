import { describe, expect, it } from 'vitest';
import { judge, type Accuracy, type Logps, type Samples, type Signs, type Verdict } from './sentinel.js';

const start: Logps = { chosen: -0.36, rejected: -0.4 };
const student: Logps = { chosen: -0.26, rejected: -0.38 };
const of = (mean: number, problems = 500): Accuracy => ({ mean, problems });

describe('the verdict on published runs (arXiv 2505.24850, figures 3 to 7) and on our own, by log-probs alone', () => {
  it.each<[string, Logps, Logps, Verdict]>([
    ['α 0.8 at 1e-6, the best', start, { chosen: -0.51, rejected: -0.63 }, 'benign decline'],
    ['DPO β 0.001 at 1e-6', start, { chosen: -1.17, rejected: -1.37 }, 'collapse'],
    ['SimPO β 2 at 5e-7', start, { chosen: -1.85, rejected: -2.1 }, 'collapse'],
    ['SimPO β 10 at 3e-7', start, { chosen: -1.58, rejected: -1.79 }, 'collapse'],
    ['α 1 at 1e-6', start, { chosen: -3.35, rejected: -3.7 }, 'collapse'],
    // It gained three points, which nothing but accuracy tells.
    ['α 1 at 2e-7', start, { chosen: -1.5, rejected: -1.7 }, 'collapse'],
    // The product's own runs of a 135 M model: one that halved accuracy, SFT, and REDI that gained.
    ['α 0.8 at 3e-5', student, { chosen: -1.85, rejected: -3.07 }, 'collapse'],
    ['continued SFT', student, { chosen: -0.23, rejected: -0.36 }, 'healthy'],
    ['α 0.8, 14 steps', student, { chosen: -0.25, rejected: -0.46 }, 'healthy'],
    ['α 0.8 at 1e-4', student, { chosen: -0.62, rejected: -0.8 }, 'collapse'],
  ])('%s', (_, before, now, verdict) => {
    expect(judge({ logps: before }, { logps: now }).verdict).toBe(verdict);
  });
});

describe('the verdict where accuracy is measured', () => {
  it.each<[string, Logps, Accuracy, number, Verdict]>([
    ['α 1 at 2e-7', { chosen: -1.5, rejected: -1.7 }, of(0.77), 0.802, 'benign decline'],
    ['the same, 100 problems', { chosen: -1.5, rejected: -1.7 }, of(0.77, 100), 0.8, 'benign decline'],
    ['SimPO β 2 at 5e-7', { chosen: -1.85, rejected: -2.1 }, of(0.767), 0.79, 'benign decline'],
    ['α 1 at 1e-6', { chosen: -3.35, rejected: -3.7 }, of(0.77), 0.667, 'collapse'],
    // Lower by less than two standard errors: it does not accuse, nor does it acquit.
    ['DPO β 0.001 at 1e-6', { chosen: -1.17, rejected: -1.37 }, of(0.767), 0.722, 'collapse'],
    ['the best', { chosen: -0.51, rejected: -0.63 }, of(0.77), 0.818, 'benign decline'],
    ['a small fall with accuracy', { chosen: -0.51, rejected: -0.63 }, of(0.77), 0.667, 'collapse'],
    ['accuracy alone, which another cause may have', start, of(0.77), 0.667, 'healthy'],
    // Sets that could not show a loss.
    ['of 50 problems, lower', { chosen: -3.35, rejected: -3.7 }, of(0.4, 50), 0.24, 'collapse'],
    ['of 50 problems, higher', { chosen: -3.35, rejected: -3.7 }, of(0.4, 50), 0.42, 'collapse'],
    ['3 of 100 and none', { chosen: -5, rejected: -5.3 }, of(0.03, 100), 0, 'collapse'],
    ['3 of 100 and 4', { chosen: -5, rejected: -5.3 }, of(0.03, 100), 0.04, 'collapse'],
    ['none at the start', { chosen: -9, rejected: -9.3 }, of(0, 200), 0, 'collapse'],
    ['none at the start, and no fall', { chosen: -0.3, rejected: -0.5 }, of(0, 200), 0, 'healthy'],
    ['one problem, right', { chosen: -3.35, rejected: -3.7 }, of(1, 1), 1, 'collapse'],
    ['two problems, right', { chosen: -3.35, rejected: -3.7 }, of(1, 2), 1, 'collapse'],
    ['all of 200 right', { chosen: -1.5, rejected: -1.7 }, of(1, 200), 1, 'benign decline'],
  ])('%s', (_, logps, before, after, verdict) => {
    const now = { ...before, mean: after };
    const judgement = judge({ logps: start, accuracy: before }, { logps, accuracy: now });
    expect(judgement.verdict).toBe(verdict);
    expect(judgement.sentence).toContain(`accuracy ${(100 * before.mean).toFixed(1)} % at the start`);
  });

  it.each([100, 200, 500, 1100])('on our own collapse of %d problems', (problems) => {
    const [before, after] = [0.297, 0.193].map((mean) => of(mean, problems));
    const now = { logps: { chosen: -1.85, rejected: -3.07 }, accuracy: after! };
    expect(judge({ logps: student, accuracy: before! }, now).verdict).toBe('collapse');
  });

  it('acquits by problems that would show the loss of a quarter', () => {
    const logps = { chosen: -1.5, rejected: -1.7 };
    const verdict = (mean: number, problems: number) =>
      judge({ logps: start, accuracy: of(mean, problems) }, { logps, accuracy: of(mean, problems) }).verdict;
    // Two standard errors of a difference, 2 √2 √(p (1 − p) / n), are p / 4 at n = 128 (1 − p) / p.
    const tried: [number, number][] = [
      [0.77, 38],
      [0.5, 128],
      [0.3, 299],
    ];
    for (const [mean, least] of tried) {
      expect(verdict(mean, Math.round(least * 0.9))).toBe('collapse');
      expect(verdict(mean, Math.round(least * 1.15))).toBe('benign decline');
    }
  });
});

describe('sides that go where they should not', () => {
  it.each<[string, number, number, Verdict]>([
    ['chosen falls, rejected rises', -0.3, 0.2, 'collapse'],
    ['chosen falls further, rejected rises', -0.4, 0.2, 'collapse'],
    ['chosen falls, rejected stays', -0.3, 0, 'collapse'],
    ['both as other rows have it', -0.11, 0.05, 'healthy'],
    ['both fall, the chosen one more', -0.3, -0.1, 'benign decline'],
    ['both fall far, the chosen one more', -0.4, -0.1, 'collapse'],
    ['both rise', 0.3, 0.2, 'healthy'],
    ['chosen rises and rejected falls', 0.3, -2, 'healthy'],
  ])('%s', (_, chosen, rejected, verdict) => {
    const now = { chosen: start.chosen + chosen, rejected: start.rejected! + rejected };
    expect(judge({ logps: start }, { logps: now }).verdict).toBe(verdict);
  });

  it.each<[number, Verdict]>([
    [-0.78, 'healthy'],
    [-1, 'healthy'],
    [-1.45, 'collapse'],
    [-0.3, 'healthy'],
  ])('a single side from −0.80 to %d', (chosen, verdict) => {
    expect(judge({ logps: { chosen: -0.8 } }, { logps: { chosen } }).verdict).toBe(verdict);
  });
});

describe('small samples', () => {
  const samples: Samples = { meanLength: 40, clippedRatio: 0.5, repetition: 0.25, dataLength: 30 };
  it.each<[string, number, Partial<Samples>, Verdict]>([
    ['as before', 0.25, {}, 'healthy'],
    ['that most repeat themselves', 0.25, { repetition: 0.75 }, 'collapse'],
    ['that somewhat more repeat themselves', 0.25, { repetition: 0.5 }, 'healthy'],
    ['that all repeat themselves, as most did', 0.6, { repetition: 1 }, 'collapse'],
    ['that some more repeat themselves, as most did', 0.625, { repetition: 0.875 }, 'healthy'],
    ['of which one more repeats itself', 0.875, { repetition: 1 }, 'healthy'],
    ['that say nothing', 0.25, { meanLength: 2 }, 'collapse'],
    ['as short as the data', 0.25, { meanLength: 9, dataLength: 8 }, 'healthy'],
  ])('%s', (_, repetition, changed, verdict) => {
    const before = { ...samples, repetition };
    expect(judge({ samples: before }, { samples: { ...before, ...changed } }).verdict).toBe(verdict);
  });
});

it.each<[string, Signs, Signs, string]>([
  [
    'both fall together',
    { logps: start },
    { logps: { chosen: -1.17, rejected: -1.37 } },
    'collapse: both sides fall together, and the margin hardly grows; log-probs a token: chosen −0.36 to −1.17, rejected −0.40 to −1.37',
  ],
  [
    'the margin shrinks',
    { logps: { chosen: -5.56, rejected: -6 } },
    { logps: { chosen: -67.16, rejected: -65.54 } },
    'collapse: both sides fall together, and the margin shrinks; log-probs a token: chosen −5.56 to −67.16, rejected −6.00 to −65.54',
  ],
  [
    'one falls far',
    { logps: start },
    { logps: { chosen: -1.17, rejected: -4 } },
    'collapse: the model gives a token of the right answers 44.5 % of the chance it had; log-probs a token: chosen −0.36 to −1.17, rejected −0.40 to −4.00',
  ],
  [
    'the wrong ones rise',
    { logps: start },
    { logps: { chosen: -0.8, rejected: -0.2 } },
    'collapse: the right answers lose and the wrong ones do not; log-probs a token: chosen −0.36 to −0.80, rejected −0.40 to −0.20',
  ],
  [
    'fine-tuning',
    { logps: { chosen: -0.8 } },
    { logps: { chosen: -9.8 } },
    "collapse: the model gives a token of the data's answers less than 0.1 % of the chance it had; log-prob a token: −0.80 to −9.80",
  ],
  [
    'an acquittal',
    { logps: start, accuracy: of(0.77) },
    { logps: { chosen: -1.5, rejected: -1.7 }, accuracy: of(0.802) },
    "benign decline: both sides' log-probs fall, as they do under an objective with a negative side, and the margin grows by 0.16 nats a token, and accuracy is no lower than at the start; log-probs a token: chosen −0.36 to −1.50, rejected −0.40 to −1.70; accuracy 77.0 % at the start and 80.2 % now",
  ],
  [
    'an acquittal where the margin shrinks',
    { logps: start, accuracy: of(0.77) },
    { logps: { chosen: -1.5, rejected: -1.4 }, accuracy: of(0.77) },
    "benign decline: both sides' log-probs fall, and the margin shrinks by 0.14 nats a token, and accuracy is no lower than at the start; log-probs a token: chosen −0.36 to −1.50, rejected −0.40 to −1.40; accuracy 77.0 % at the start and 77.0 % now",
  ],
  [
    'none right, and nothing against it',
    { logps: student, accuracy: of(0, 200) },
    { logps: { chosen: -0.25, rejected: -0.46 }, accuracy: of(0, 200) },
    'healthy; log-probs a token: chosen −0.26 to −0.25, rejected −0.38 to −0.46; accuracy 0.0 % at the start and 0.0 % now',
  ],
  [
    'too few right',
    { logps: start, accuracy: of(0.03, 100) },
    { logps: { chosen: -5, rejected: -5.9 }, accuracy: of(0.03, 100) },
    'collapse: both sides fall together, and the margin hardly grows; log-probs a token: chosen −0.36 to −5.00, rejected −0.40 to −5.90; accuracy 3.0 % at the start and 3.0 % now; too few right answers to acquit',
  ],
  [
    'accuracy alone',
    { logps: start, accuracy: of(0.77) },
    { logps: start, accuracy: of(0.6) },
    'healthy but for accuracy, which is lower; log-probs a token: chosen −0.36 to −0.36, rejected −0.40 to −0.40; accuracy 77.0 % at the start and 60.0 % now',
  ],
])('says in one sentence what it has seen: %s', (_, before, now, sentence) => {
  expect(judge(before, now).sentence).toBe(sentence);
});

it('calls a run that had collapsed so until it has come half the way back', () => {
  const at = (chosen: number, collapsed: boolean) =>
    judge({ logps: start }, { logps: { chosen, rejected: chosen - 1 } }, collapsed).verdict;
  expect([at(-0.9, false), at(-0.9, true), at(-0.6, true)]).toEqual([
    'benign decline',
    'collapse',
    'benign decline',
  ]);
});
