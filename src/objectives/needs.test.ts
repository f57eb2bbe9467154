/** Which columns rows have to bring for each objective: what its equation reads besides log-probs. */
import { expect, it } from 'vitest';
import { createObjective, objectiveNames, type Objective } from './index.js';

const sequence = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 'sequence']));
const token = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 'token']));

/** By objective; those that are not listed need none. */
const needs: Record<string, Objective['needs'] | Record<string, string>> = {
  dpo: sequence('reference'),
  unlikelihood: sequence('reward'),
  asymre: sequence('reward'),
  'iw-sft': token('reference'),
  topr: { ...sequence('reward'), ...token('behaviour') },
  nft: { ...sequence('reward', 'pass_rate'), ...token('behaviour') },
  psr: { ...sequence('reward'), ...token('behaviour') },
  nsr: { ...sequence('reward'), ...token('behaviour') },
  'w-reinforce': sequence('reward'),
  grpo: { ...sequence('advantage'), ...token('behaviour') },
  opd: token('teacher'),
  hindsight: token('hindsight'),
  renio: token('teacher'),
  dro: { ...sequence('advantage'), ...token('behaviour') },
  a2po: sequence('reward', 'value', 'reference'),
  oreal: { ...sequence('advantage'), ...token('credit', 'reference') },
  s2r: { ...sequence('reward', 'baseline'), ...token('reference') },
  shaped: sequence('reward'),
  kto: sequence('reward', 'reference'),
  cdpo: token('reference', 'contrast'),
  qcrd: sequence('reward'),
  kl: token('reference'),
  gkd: { teacher_topk: 'top-k' },
  ssb: { teacher_topk: 'top-k' },
  epicar: { verdict: 'named', ...sequence('reward') },
  revise: { verdict: 'top-k', ...sequence('reward') },
};

it.each(objectiveNames)('%s', (name) => {
  expect(createObjective({ name }).needs).toEqual(needs[name] ?? {});
});

it.each([
  ['redi', { gamma: 1 }, {}],
  ['qcrd', { quality: true }, sequence('reward', 'quality')],
  ['s2r', { level: 'process' }, { ...{ reward: 'segment', baseline: 'segment' }, ...token('reference') }],
])('%s with %j', (name, parameters, expected) => {
  expect(createObjective({ name, ...parameters }).needs).toEqual(expected);
});
