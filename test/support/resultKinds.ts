/** @file A finished result of every kind, as commands leave it. */
import { resultOf } from '../../src/report/read/results.js';
import type { ResultFolders } from './resultFolders.js';

export const model = 'smollm2-135m';
export const counts = {
  problems: 8,
  solved: 1,
  generations: 24,
  right: 1,
  cut_off: 20,
  failed: 1,
  set_aside: 2,
};

/** What each kind leaves when it is finished, in folders of the kind's name. */
export const KINDS: Readonly<Record<string, (results: ResultFolders) => void>> = {
  get: (results) => {
    results.record('get', 'get', { settings: { model } });
    results.write('get/model/config.json', {});
  },
  collect: (results) => {
    results.record('collect', 'collect', { settings: { model, data: 'x/problems.jsonl' } });
    const tokens = { prompt_tokens: 2820, completion_tokens: 1177, cost: 0.5 };
    results.write('collect/summary.json', { ...counts, ...tokens });
  },
  verify: (results) => {
    results.record('verify', 'verify', { settings: { data: 'x/traces.jsonl', preset: 'mathVerify' } });
    results.write('verify/verified.jsonl', [
      { answer: '1', correctness: { math_verify_answer: [true, false] } },
      { gold: '1', pred: '1', correct: true },
    ]);
  },
  curate: (results) => {
    results.record('curate', 'curate', { settings: { data: ['x/traces.jsonl'] } });
    results.write('curate/summary.json', {
      ...{ rule: 'redi', verdicts: 'mv', rows: 30, sft: 24, pref: 20, generations: { total: 60 } },
      ...{ dropped: { no_correct_trace: 6, length: 0 }, contamination: { rows: 1 }, hints: ['look here'] },
    });
  },
  rewards: (results) => {
    results.record('rewards', 'rewards', { settings: { data: 'x/traces.jsonl' } });
    results.write(`rewards/${resultOf('rewards')!}`, '');
  },
  doctor: (results) => {
    results.record('doctor', 'doctor', { settings: { model, data: 'x/pref.jsonl' } });
    const problem = { code: 'cut-off', severity: 'error', rows: 2, detail: 'd', meaning: 'm', lines: [] };
    results.write('doctor/summary.json', {
      ...{ file: 'x/pref.jsonl', rows: 9, ok: 6, warnings: 1, errors: 2, every: 1 },
      ...{ problems: [{ ...problem, advice: 'Drop them.' }], tokens: { total: 900, trained: 400 } },
    });
  },
  score: (results) => {
    results.record('score', 'score', { settings: { model, data: 'x/pref.jsonl' } });
    results.write(`score/${resultOf('score')!}`, '');
  },
  columns: (results) => {
    results.record('columns', 'columns', { settings: { model, data: 'x/pref.jsonl', as: 'before' } });
    results.write(`columns/${resultOf('columns')!}`, '');
  },
  train: (results) => {
    results.training('train', { model });
  },
  evaluate: (results) => {
    results.evaluation('evaluate', { settings: { model } });
  },
  choose: (results) => {
    results.record('choose', 'choose', {
      settings: { among: [{ name: 'A', label: 'a', model, evaluation: 'e' }] },
    });
    results.write('choose/choice.json', { chosen: 'A', candidates: [{ name: 'A', pass_at_1: 0.25 }] });
  },
  table: (results) => {
    results.record('table', 'table', {
      settings: { rows: [{ name: 'A', label: 'before', evaluation: 'e' }] },
    });
    results.write(`table/${resultOf('table')!}`, '');
  },
  compare: (results) => {
    results.record('compare', 'compare', { settings: { before: 'x/before', after: 'x/after' } });
    const row = { name: 'set', grader: 'v', problems: 40, before: 0.5, after: 0.75, difference: 0.25 };
    const numbers = { p_value: 0.01, adjusted: 0.01, gained: 12, lost: 2, detectable_effect: 0.2 };
    results.write('compare/compare.json', {
      ...{ verdict: 'B is better than A: +25.0 points.', finding: 'better', warnings: [] },
      ...{ alpha: 0.05, power: 0.8, rows: [{ ...row, interval: [0.1, 0.4], ...numbers }] },
    });
  },
  benchmark: (results) => {
    results.record('benchmark', 'benchmark', { model: './student', protocol: 'greedy' });
    const grade = { pass_at_1: 0, standard_error: 0, unreadable: 0 };
    const task = {
      grader: 'v',
      samples: 1,
      cut_off: 0,
      mean_tokens: 9,
      disagreements: 2,
      graders: { v: grade },
    };
    results.write('benchmark/benchmarks.json', {
      tasks: [
        { task: 'aime', problems: 3, ...task },
        { task: 'amc', problems: 4, ...task },
      ],
      average: { pass_at_1: 0, standard_error: 0, problems: 6.8, tasks: 2 },
    });
  },
};
