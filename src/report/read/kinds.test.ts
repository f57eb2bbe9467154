/** A report of results of any kind alone answers the six questions as far as the kind can, and says what does not apply. */
import { describe, expect, it } from 'vitest';
import { ResultFolders } from '../../../test/support/resultFolders.js';
import { counts, KINDS, model } from '../../../test/support/resultKinds.js';
import { disagreementsIn } from '../../../test/support/grammar.js';
import { stageKinds } from '../../pipeline/stages/index.js';
import { reportAsText } from '../text.js';
import { TELLING } from './told.js';
import { readReport } from './report.js';

const results = new ResultFolders();
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
    KINDS[kind]!(results);
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
    for (const make of Object.values(KINDS)) make(results);
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
    for (const make of Object.values(KINDS)) make(results);
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
    for (const kind of TELLING) {
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
