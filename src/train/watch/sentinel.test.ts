import { describe, expect, it } from 'vitest';
import { judge, type Accuracy, type Logps, type Samples, type Verdict } from './sentinel.js';

const start: Logps = { chosen: -0.36, rejected: -0.4 };
const of500 = (mean: number): Accuracy => ({ mean, standardError: Math.sqrt((mean * (1 - mean)) / 499) });

describe('the verdict on published runs (arXiv 2505.24850, figures 3 to 7) and on one of ours', () => {
  it.each<[string, Logps, Logps, Verdict]>([
    ['α 0.8 at 1e-6, the best', start, { chosen: -0.51, rejected: -0.63 }, 'benign decline'],
    ['DPO β 0.001 at 1e-6', start, { chosen: -1.17, rejected: -1.37 }, 'collapse'],
    ['SimPO β 2 at 5e-7', start, { chosen: -1.85, rejected: -2.1 }, 'collapse'],
    ['SimPO β 10 at 3e-7', start, { chosen: -1.58, rejected: -1.79 }, 'collapse'],
    ['α 1 at 1e-6', start, { chosen: -3.35, rejected: -3.7 }, 'collapse'],
    // The product's own runs of a 135 M model: one that halved accuracy, SFT, and REDI that gained.
    ['α 0.8 at 3e-5', { chosen: -0.26, rejected: -0.38 }, { chosen: -1.85, rejected: -3.07 }, 'collapse'],
    ['continued SFT', { chosen: -0.26, rejected: -0.38 }, { chosen: -0.23, rejected: -0.36 }, 'healthy'],
    ['α 0.8, 14 steps', { chosen: -0.26, rejected: -0.38 }, { chosen: -0.25, rejected: -0.46 }, 'healthy'],
    ['α 0.8 at 1e-4', { chosen: -0.26, rejected: -0.38 }, { chosen: -0.62, rejected: -0.8 }, 'collapse'],
  ])('%s', (_, before, now, verdict) => {
    expect(judge({ logps: before }, { logps: now }).verdict).toBe(verdict);
  });

  it.each<[string, Logps, number, number, Verdict]>([
    // Both fell by more than a nat, and MATH-500 rose.
    ['α 1 at 2e-7', { chosen: -1.5, rejected: -1.7 }, 0.77, 0.802, 'benign decline'],
    ['α 1 at 1e-6', { chosen: -3.35, rejected: -3.7 }, 0.77, 0.667, 'collapse'],
    ['the best', { chosen: -0.51, rejected: -0.63 }, 0.77, 0.818, 'benign decline'],
    ['a small fall with accuracy', { chosen: -0.51, rejected: -0.63 }, 0.77, 0.667, 'collapse'],
    ['accuracy alone, which another cause may have', start, 0.77, 0.667, 'healthy'],
  ])('where accuracy is measured: %s', (_, logps, before, after, verdict) => {
    const judgement = judge({ logps: start, accuracy: of500(before) }, { logps, accuracy: of500(after) });
    expect(judgement.verdict).toBe(verdict);
    expect(judgement.sentence).toContain(`accuracy ${(100 * before).toFixed(1)} % at the start`);
  });
});

describe('small samples', () => {
  const samples: Samples = { meanLength: 40, clippedRatio: 0.5, repetition: 0.25, dataLength: 30 };
  it.each<[string, Partial<Samples>, Verdict]>([
    ['as before', {}, 'healthy'],
    ['that most repeat themselves', { repetition: 0.75 }, 'collapse'],
    ['that somewhat more repeat themselves', { repetition: 0.5 }, 'healthy'],
    ['that say nothing', { meanLength: 2 }, 'collapse'],
    ['as short as the data', { meanLength: 9, dataLength: 8 }, 'healthy'],
  ])('%s', (_, changed, verdict) => {
    expect(judge({ samples }, { samples: { ...samples, ...changed } }).verdict).toBe(verdict);
  });
});

it('says in one sentence what it has seen', () => {
  const { sentence } = judge({ logps: start }, { logps: { chosen: -1.17, rejected: -1.37 } });
  expect(sentence).toBe(
    'collapse: both sides fall together, and the margin hardly grows; log-probs a token: chosen −0.36 to −1.17, rejected −0.40 to −1.37',
  );
  expect(judge({ logps: start }, { logps: { chosen: -1.17, rejected: -4 } }).sentence).toContain(
    'collapse: the model gives a token of the right answers 44.5 % of the chance it had; ',
  );
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

it('judges a single side by its own fall', () => {
  expect(judge({ logps: { chosen: -0.5 } }, { logps: { chosen: -0.9 } }).verdict).toBe('healthy');
  expect(judge({ logps: { chosen: -0.5 } }, { logps: { chosen: -1.3 } }).verdict).toBe('collapse');
});
