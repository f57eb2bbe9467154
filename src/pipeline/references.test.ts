import { expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { parsePipeline } from './pipeline.js';

const message = (...stages: object[]): string[] => {
  try {
    parsePipeline({ out: 'runs/x', stages }, 'line.yaml');
  } catch (error) {
    if (error instanceof UserError) return error.message.split('\n');
    throw error;
  }
  return [];
};
const before = [
  { name: 'student', stage: 'get', model: 'm' },
  { name: 'traces', stage: 'collect', model: '@student', data: 'd' },
  { name: 'pairs', stage: 'curate', data: '@traces', model: '@student' },
  { name: 'first', stage: 'evaluate', model: '@student', data: 'd' },
  {
    name: 'second',
    stage: 'evaluate',
    model: '@student',
    data: 'd',
    grader: ['rllm', { module: 'a/mine.mjs' }],
  },
];
const score = (keys: object) => ({ name: 's', stage: 'score', model: '@student', data: 'd', ...keys });
const table = (keys: object) => ({
  name: 't',
  stage: 'table',
  rows: [
    { name: 'A', label: 'a', evaluation: '@first' },
    { name: 'B', label: 'b', evaluation: '@second' },
  ],
  ...keys,
});

it('takes what earlier stages leave for what it is', () => {
  expect(
    message(...before, score({ data: '@pairs/pref.jsonl' }), score({ name: 'x', data: '@traces' })),
  ).toEqual([]);
  expect(message(...before, score({ data: '@first/samples.jsonl', model: '@student' }))).toEqual([]);
});

it.each<[string, object, string]>([
  [
    'a folder for a file',
    { data: '@pairs' },
    '"@pairs": the stage "pairs" leaves a folder: name a file in it, such as "@pairs/pref.jsonl"',
  ],
  [
    'an evaluation for a file',
    { data: '@first' },
    '"@first": the stage "first" leaves an evaluation: name a file in it, such as "@first/samples.jsonl"',
  ],
  ['a model for a file', { data: '@student' }, '"@student": the stage "student" leaves a model, not a file'],
  ['a folder for a model', { model: '@pairs' }, '"@pairs": the stage "pairs" leaves a folder, not a model'],
  [
    'a file that the stage does not write',
    { data: '@first/sample.jsonl' },
    '"@first/sample.jsonl": the stage "first" writes no sample.jsonl (the nearest is "samples.jsonl"), only journal.jsonl, samples.jsonl, failed.jsonl, quarantine.jsonl, disagreements.jsonl, summary.json',
  ],
  [
    'a file in a file',
    { data: '@traces/a.jsonl' },
    '"@traces/a.jsonl": the stage "traces" leaves a file, so "@traces" is all of it',
  ],
])('refuses %s', (_, keys, expected) => {
  expect(message(...before, score(keys))).toEqual([`line.yaml, stage s: ${expected}`]);
});

it.each<[string, object, string]>([
  [
    'by default',
    {},
    'row "B": "@second" is graded by rllm, mine.mjs, not by "verify", which the table goes by',
  ],
  [
    'that is named',
    { grader: 'mine.mjs' },
    'row "A": "@first" is graded by verify, not by "mine.mjs", which the table goes by',
  ],
])('refuses a table whose grader %s has not graded every row', (_, keys, expected) => {
  expect(message(...before, table(keys))).toEqual([`line.yaml, stage t: ${expected}`]);
});

it('continues a stage that keeps its state, and says of one that keeps none how it would', () => {
  const train = (name: string, keys: object) => ({
    ...{ name, stage: 'train', model: '@student', data: 'd', objective: 'sft', optimizer: { lr: 1e-5 } },
    ...keys,
  });
  const next = train('next', { continue: '@sft' });
  expect(message(...before, train('sft', { save: { states: 1 } }), next)).toEqual([]);
  expect(message(...before, train('sft', {}), next)).toEqual([
    'line.yaml, stage next: "@sft": the stage "sft" keeps no state: give it save: { states: 1 }',
  ]);
  expect(message(...before, train('next', { continue: '@student' }))).toEqual([
    'line.yaml, stage next: "@student": the stage "student" leaves a model, not a training state',
  ]);
});

it('says of a table’s own rows what is wrong', () => {
  const rows = [
    { name: 'A', label: 'a', evaluation: '@first' },
    { name: 'A', label: 'b', evaluation: '@first' },
  ];
  expect(message(...before, table({ rows, against: ['A', 'Z'] }))).toEqual([
    'line.yaml: 2 errors:',
    '  stage t: field "rows": there are two rows named "A"',
    '  stage t: field "against.1": the table has no row named "Z" to compare with',
  ]);
});

it('does not complain of stages whose own faults are said', () => {
  const broken = { name: 'broken', stage: 'get', modle: 'm' };
  expect(message(broken, score({ model: '@broken' }))).toEqual([
    'line.yaml, stage broken: unknown key "modle" (the nearest is "model"); docs/recipes.md, section "get", has all keys',
  ]);
});
