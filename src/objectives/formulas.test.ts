/** What people read of a run's loss where its parameters are not the defaults; docs/features.md has those at the defaults. */
import { expect, it } from 'vitest';
import { createObjective, createTerms } from './index.js';

const sequences = 'mean over a response, then over responses';
const dpoMargin = 'log π(y_w)/π_ref(y_w) − log π(y_l)/π_ref(y_l)';
const meanMargin = 'mean log π(y_w)/π_ref(y_w) − mean log π(y_l)/π_ref(y_l)';

it.each([
  ['sft', { mean: 'sequence' }, `−logp(y), ${sequences}`],
  ['weighted-sft', { mean: 'sequence' }, '−(Σ w·logp(y) / Σ|w|) of a response, mean over responses'],
  ['dft', { mean: 'sequence' }, `−sg p·logp(y), ${sequences}`],
  ['dro', { mean: 'sequence' }, `−A·logp(y) + 0.1/2·(log π/μ)², ${sequences}`],
  ['kl', { mean: 'sequence' }, `π_ref/π − log π_ref/π − 1, ${sequences}`],
  ['redi', { alpha: -0.5, chosen: 0.7 }, '−0.7·mean logp(y_w) − 0.5·mean logp(y_l), mean over pairs'],
  ['redi', { alpha: 0 }, '−mean logp(y_w) + 0·mean logp(y_l), mean over pairs'],
  ['redi', { gamma: 2 }, '−mean logp(y_w) + 0.8·sg exp(2·mean logp(y_l))·mean logp(y_l), mean over pairs'],
  [
    'redi',
    { gamma: 2, attached: true },
    '−mean logp(y_w) + 0.8·exp(2·mean logp(y_l))·mean logp(y_l), mean over pairs',
  ],
  ['dpo', { smoothing: 0.25 }, `−0.75·log σ(m) − 0.25·log σ(−m), m = 0.1·(${dpoMargin}), mean over pairs`],
  ['dpo', { losses: { hinge: 1 } }, `max(0, 1 − 0.1·(${dpoMargin})), mean over pairs`],
  ['dpo', { losses: { ipo: 1 } }, `(${dpoMargin} − 1/(2·0.1))², mean over pairs`],
  [
    'dpo',
    { losses: { robust: 1 }, smoothing: 0.25 },
    `(−0.75·log σ(m) + 0.25·log σ(−m))/0.5, m = 0.1·(${dpoMargin}), mean over pairs`,
  ],
  [
    'dpo',
    { losses: { ipo: 0.5, sigmoid: 2, hinge: 0 }, length_normalised: true },
    `2·−log σ(0.1·(${meanMargin})) + 0.5·(${meanMargin} − 1/(2·0.1))², mean over pairs`,
  ],
  [
    'unlikelihood',
    { alpha: 0.5 },
    '−mean logp(y) of right responses, −0.5·mean log(1 − p(y)) of wrong ones, mean over responses',
  ],
  ['asymre', { baseline: 'none' }, '−(r − V)·logp(y) with V = 0 − 0.1, mean over responses'],
  ['asymre', { delta: 0 }, '−(r − V)·logp(y) with V = mean r of the row + 0, mean over responses'],
  [
    'iw-sft',
    { ratio: 'token' },
    '−sg clip(π(y_t)/π_ref(y_t), 0.2, 1.8)·logp(y_t), mean over response tokens',
  ],
  [
    'topr',
    { ratio: 'token', alpha: 0.5 },
    '−r·logp(y) where r ≥ 0, −0.5·sg min(1, π/μ of the token)·r·logp(y) else, mean over responses',
  ],
  [
    'nft',
    { weighting: 'grpo', negative: 0.5, floor: 0.25 },
    '−ω·log ρ of right responses, −0.5·ω·log max((1 − p̂ρ)/(1 − p̂), 0.25) of wrong ones, ρ = π/μ, ω = √((1 − p̂)/p̂), mean over response tokens',
  ],
  [
    'nft',
    { weighting: 'none' },
    '−ω·log ρ of right responses, −ω·log max((1 − p̂ρ)/(1 − p̂), 1) of wrong ones, ρ = π/μ, ω = 1, mean over response tokens',
  ],
  [
    'w-reinforce',
    { lambda: 1, negative: 'probability' },
    '−logp(y) of right responses, p(y) of wrong ones, mean over response tokens',
  ],
  [
    'w-reinforce',
    { negative: 'unlikelihood' },
    '−0.1·logp(y) of right responses, −log(1 − p(y)) of wrong ones, mean over response tokens',
  ],
  [
    'grpo',
    { ratio: 'sequence', mean: 'sequence', high: 0.25 },
    `−min(ρA, clip(ρ, 0.8, 1.25)·A), ρ = exp(mean log π/μ) of a response, ${sequences}`,
  ],
  ['opd', { clip: 5 }, '−sg clip(log ν(y) − logp(y), ±5)·logp(y), mean over response tokens'],
  ['hindsight', { mean: 'sequence' }, `−sg (log ν(y) − logp(y))·logp(y), ${sequences}`],
  [
    's2r',
    { detached: true },
    '−min(ρA, clip(ρ, 0.8, 1.2)·A), ρ = exp(M − M_ref) of a response, A = r − b − 0.15·sg (M − M_ref), mean over responses',
  ],
  [
    's2r',
    { level: 'process' },
    '−min(ρA, clip(ρ, 0.8, 1.2)·A), ρ = exp(M − M_ref) of a segment, A = r − b − 0.15·sg (M − M_ref), mean over a response’s segments, then over responses',
  ],
  [
    'shaped',
    { right: 'chord', wrong: 'log', alpha: 0.5 },
    '−sg p(1 − p)·logp of right responses, 0.5·logp of wrong ones, mean over response tokens',
  ],
  ['gkd', { beta: 1, mean: 'sequence' }, `KL(π ‖ ν) over the top k of ν and the rest, ${sequences}`],
  [
    'gkd',
    { beta: 0.3 },
    '[0.3·KL(ν ‖ m) + 0.7·KL(π ‖ m)] over the top k of ν and the rest, m = 0.3·ν + 0.7·π, mean over response tokens',
  ],
  ['epicar', { over: 'named' }, '−log π(v)/π(named tokens), v the verdict of the reward, mean over verdicts'],
])('%s with %j', (name, parameters, formula) => {
  expect(createObjective({ name, ...parameters }).formula).toBe(formula);
});

it.each([
  [{ roles: ['chosen', 'sample'] }, '1·[−logp(y), mean over response tokens; of chosen, sample]'],
  [{ segments: [1], weight: 0.5 }, '0.5·[−logp(y), mean over response tokens; of segment 1]'],
  [{ segments: [0, 2] }, '1·[−logp(y), mean over response tokens; of segments 0, 2]'],
  [{}, '1·[−logp(y), mean over response tokens]'],
])('a term with %j', (seen, formula) => {
  expect(createTerms([{ name: 'sft', ...seen }]).formula).toBe(formula);
});
