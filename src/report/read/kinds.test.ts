/** A report of results of any kind alone answers the six questions as far as the kind can, and says what does not apply. */
import { describe, expect, it } from 'vitest';
import { ResultFolders } from '../../../test/support/resultFolders.js';
import { disagreementsIn } from '../../../test/support/grammar.js';
import { stageKinds } from '../../pipeline/stages/index.js';
import { reportAsText } from '../text.js';
import { readReport } from './report.js';

const results = new ResultFolders();
const model = 'smollm2-135m';
const counts = { problems: 8, solved: 1, generations: 24, right: 1, cut_off: 20, failed: 1, set_aside: 2 };

/** What each kind leaves, in folders of the kind's name. */
const KINDS: Readonly<Record<string, () => void>> = {
  get: () => {
    results.record('get', 'get', { settings: { model } });
  },
  collect: () => {
    results.record('collect', 'collect', { settings: { model, data: 'x/problems.jsonl' } });
    const tokens = { prompt_tokens: 2820, completion_tokens: 1177, cost: 0.5 };
    results.write('collect/summary.json', { ...counts, ...tokens });
  },
  verify: () => {
    results.record('verify', 'verify', { settings: { data: 'x/traces.jsonl', preset: 'mathVerify' } });
    results.write('verify/verified.jsonl', [
      { answer: '1', correctness: { math_verify_answer: [true, false] } },
      { gold: '1', pred: '1', correct: true },
    ]);
  },
  curate: () => {
    results.record('curate', 'curate', { settings: { data: ['x/traces.jsonl'] } });
    results.write('curate/summary.json', {
      ...{ rule: 'redi', verdicts: 'mv', rows: 30, sft: 24, pref: 20, generations: { total: 60 } },
      ...{ dropped: { no_correct_trace: 6, length: 0 }, contamination: { rows: 1 }, hints: ['look here'] },
    });
  },
  rewards: () => {
    results.record('rewards', 'rewards', { settings: { data: 'x/traces.jsonl' } });
  },
  doctor: () => {
    results.record('doctor', 'doctor', { settings: { model, data: 'x/pref.jsonl' } });
    const problem = { code: 'cut-off', severity: 'error', rows: 2, detail: 'd', meaning: 'm', lines: [] };
    results.write('doctor/summary.json', {
      ...{ file: 'x/pref.jsonl', rows: 9, ok: 6, warnings: 1, errors: 2, every: 1 },
      ...{ problems: [{ ...problem, advice: 'Drop them.' }], tokens: { total: 900, trained: 400 } },
    });
  },
  score: () => {
    results.record('score', 'score', { settings: { model, data: 'x/pref.jsonl' } });
  },
  columns: () => {
    results.record('columns', 'columns', { settings: { model, data: 'x/pref.jsonl', as: 'before' } });
  },
  train: () => {
    results.training('train', { model });
  },
  evaluate: () => {
    results.evaluation('evaluate', { settings: { model } });
  },
  choose: () => {
    results.record('choose', 'choose', {
      settings: { among: [{ name: 'A', label: 'a', model, evaluation: 'e' }] },
    });
    results.write('choose/choice.json', { chosen: 'A', candidates: [{ name: 'A', pass_at_1: 0.25 }] });
  },
  table: () => {
    results.record('table', 'table', {
      settings: { rows: [{ name: 'A', label: 'before', evaluation: 'e' }] },
    });
  },
  compare: () => {
    results.record('compare', 'compare', { settings: { before: 'x/before', after: 'x/after' } });
    const row = { name: 'set', grader: 'v', problems: 40, before: 0.5, after: 0.75, difference: 0.25 };
    const numbers = { p_value: 0.01, adjusted: 0.01, gained: 12, lost: 2, detectable_effect: 0.2 };
    results.write('compare/compare.json', {
      ...{ verdict: 'B is better than A: +25.0 points.', finding: 'better', warnings: [] },
      ...{ alpha: 0.05, power: 0.8, rows: [{ ...row, interval: [0.1, 0.4], ...numbers }] },
    });
  },
  benchmark: () => {
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

const answersOf = async (kind: string) => {
  const { report } = await readReport([results.path(kind)]);
  return {
    report,
    said: Object.fromEntries(report.answers.map((one) => [one.question, one.sentences.join(' ')])),
  };
};
const QUESTIONS = [
  ...['What was done?', 'On what?', 'What did it gain?', 'How sure is that?'],
  ...['What did it cost, and what went wrong?', 'What next?'],
];

describe('a report of one kind of result alone', () => {
  it('knows every kind that there is', () => {
    expect(Object.keys(KINDS).sort()).toEqual([...Object.keys(stageKinds), 'benchmark'].sort());
  });

  it.each(Object.keys(KINDS))('answers each question of %s, on the page and as text', async (kind) => {
    KINDS[kind]!();
    const { report, said } = await answersOf(kind);
    expect(Object.keys(said)).toEqual(QUESTIONS);
    const text = reportAsText(report);
    for (const { question, sentences } of report.answers) {
      expect(sentences.length, question).toBeGreaterThan(0);
      for (const sentence of sentences) {
        expect(sentence, question).toMatch(/^.{8,}[.”]$/s);
        expect(text).toContain(sentence);
      }
      expect(text).toContain(question);
    }
    expect(said['What was done?']).toContain(kind);
    expect(said['What was done?']).not.toContain('has come to a result yet');
    if (kind !== 'table' && kind !== 'choose') expect(said['On what?']).not.toBe('The files do not say.');
    expect(text).not.toMatch(/undefined|NaN|null|\[object/);
    expect(disagreementsIn(JSON.stringify(report.answers))).toEqual([]);
  });

  it('has the numbers of the files', async () => {
    for (const make of Object.values(KINDS)) make();
    const said = async (kind: string) => JSON.stringify((await answersOf(kind)).said);
    expect(await said('collect')).toMatch(
      /24 traces of SmolLM2-135M-Instruct.*8 problems of x\/problems\.jsonl.*1 right trace and 23 wrong ones; 1 of 8 problems is solved.*1,177 tokens.*2,820 of prompts, at a cost of 0\.50.*20 of 24 traces of collect were cut off.*1 problem of collect failed.*2 rows/,
    );
    expect(await said('curate')).toMatch(
      /24 rows for SFT and 20 pairs.*by the rule redi.*30 rows of x\/traces\.jsonl with 60 traces.*keeps 24 of 30 rows.*dropped 6 rows: no correct trace 6\..*1 row of curate shares.*look here\./,
    );
    expect(await said('verify')).toMatch(/verified 3 answers.*2 rows.*2 of 3 answers right/);
    expect(await said('doctor')).toMatch(
      /9 rows of x\/pref\.jsonl, with 900 tokens of which 400 are trained.*6 of 9 rows are.*2 rows with errors, 1 with warnings.*error cut-off in 2 rows.*Drop them\./,
    );
    expect(await said('compare')).toMatch(
      /x\/before 50\.0 %; x\/after 75\.0 %.*x\/after is better than x\/before: \+25\.0 points/,
    );
    expect(await said('benchmark')).toMatch(/0\.0 % \(95 % interval 0\.0 % to 36\.1 %\)/);
    expect(await said('benchmark')).not.toContain('± 0.0');
    expect(await said('choose')).toContain('A 25.0 %');
  });

  it('counts one of each as one', async () => {
    for (const make of Object.values(KINDS)) make();
    const one = { problems: 1, solved: 1, generations: 1, right: 1, cut_off: 1, failed: 1, set_aside: 1 };
    results.write('collect/summary.json', { ...one, completion_tokens: 1, prompt_tokens: 1 });
    results.write('curate/summary.json', {
      ...{ rows: 1, sft: 0, pref: 1, generations: { total: 1 }, dropped: { length: 1 } },
      contamination: { rows: 1 },
    });
    const problem = { code: 'cut-off', severity: 'error', rows: 1, advice: 'Drop it.' };
    results.write('doctor/summary.json', {
      ...{ file: 'f.jsonl', rows: 1, ok: 1, warnings: 1, errors: 1, every: 1, problems: [problem] },
    });
    results.write('verify/verified.jsonl', [{ correct: true }]);
    for (const kind of Object.keys(KINDS))
      expect(disagreementsIn(JSON.stringify((await answersOf(kind)).report)), kind).toEqual([]);
  });

  it('says of a result that is not finished that it is not, and what goes on', async () => {
    for (const kind of ['collect', 'curate', 'verify', 'doctor', 'compare', 'choose']) {
      results.record(kind, kind, { settings: { model, data: 'x/problems.jsonl', before: 'a', after: 'b' } });
      const { said } = await answersOf(kind);
      expect(said['What was done?'], kind).toContain('it is not finished');
      expect(said['What next?'], kind).toContain('goes on where');
    }
  });
});

it('a pipeline that has come no further than its data tells of that', async () => {
  const stage = (name: string, kind: string) => ({ name, kind, config: {} });
  results.record('p', 'run', { recipe: { stages: [stage('collect', 'collect'), stage('redi', 'train')] } });
  results.record('p/collect', 'collect', { settings: { model, data: 'x/problems.jsonl' } });
  results.write('p/collect/summary.json', counts);
  expect((await answersOf('p')).said['What was done?']).toBe(
    'collect sampled 24 traces of SmolLM2-135M-Instruct.',
  );
});
