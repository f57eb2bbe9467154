/** What a report of a study says first: the study's own tests against its control, adjusted over arms, and no others. */
import { describe, expect, it } from 'vitest';
import { disagreementsIn } from '../../../test/support/grammar.js';
import { ResultFolders } from '../../../test/support/resultFolders.js';
import type { Report } from '../model.js';
import { reportAsText } from '../text.js';
import { readReport } from './report.js';

const results = new ResultFolders();
const read = async (dir = 's') => (await readReport([results.path(dir)])).report;
const said = ({ answers }: Report, question: string) =>
  answers.find((one) => one.question === question)!.sentences.join(' ');

type Against = Partial<Record<'difference' | 'pValue' | 'adjusted', number>> & {
  interval?: (number | null)[];
};
const against = ({ difference = 0.1, interval = [0.02, 0.18], pValue = 0.01, adjusted = 0.02 }: Against) => ({
  ...{ difference, interval, pValue, adjusted, by: 'problems', problems: 50 },
  seeds: [{ difference, better: 9, worse: 4 }],
});
const row = (arm: string, passAt1: number, more: Against | undefined, standardError = 0.03) => ({
  ...{ arm, passAt1, standardError, seeds: [passAt1, passAt1], tokens: 90, cutOff: 0.02, operations: [] },
  ...(more && { against: against(more) }),
});

/** Arms `zero` (the control), `redi` and `sft`, with evaluations that disagree with the study's own tests about which is first. */
function study(rows: object[], { seeds = [1, 2], finished = true } = {}): void {
  results.record('s', 'study', {});
  results.training('s/runs/redi-s1-student', { model: 'smollm2-135m' });
  const names = ['redi', 'sft', 'zero'];
  const stages = names.flatMap((arm) =>
    seeds.map((seed) => ({ name: `${arm}-s${seed}-far`, kind: 'evaluate', config: {} })),
  );
  results.record('s/runs', 'run', { recipe: { stages } });
  results.write('s/runs/stages.json', {
    stages: Object.fromEntries(stages.slice(finished ? 0 : 1).map(({ name }) => [name, {}])),
  });
  for (const [i, { name }] of stages.entries())
    results.evaluation(`s/runs/${name}`, {
      ...{ grades: { v: Array.from({ length: 8 }, (_, p) => [p < i]) }, settings: { model: name } },
    });
  const arm = { steps: 10, tokens: 1000, compute: 1, setting: 1, development: [] };
  if (finished)
    results.write('s/study.json', {
      ...{ control: 'zero', seeds, arms: names.map((name) => ({ name, ...arm })) },
      tests: [{ name: 'far', grader: 'v', problems: 50, seen: 1, rows }],
    });
}

describe('a report of a study', () => {
  it('says how each arm did against the control, by the study’s adjusted tests alone', async () => {
    study([
      row('redi', 0.5, {}),
      row('sft', 0.42, { difference: 0.02, interval: [-0.06, 0.1], pValue: 0.03, adjusted: 0.6 }),
      row('zero', 0.4, undefined),
    ]);
    const report = await read();
    expect(report.comparisons.map(({ name, study: of, finding }) => [name, of, finding])).toEqual([
      ['redi against zero', 's', 'better'],
      ['sft against zero', 's', 'unclear'],
    ]);
    expect(said(report, 'How sure is that?')).toBe(
      'redi is better than zero on far: +10.0 points over 2 seeds, 95 % interval +2.0 to +18.0, p = .020 by Holm over 2 arms. ' +
        'Cannot tell whether sft differs from zero on far: +2.0 points over 2 seeds, 95 % interval −6.0 to +10.0, p = .600 by Holm over 2 arms.',
    );
    expect(said(report, 'What was done?')).toMatch(
      /^s compared 3 arms over 2 seeds: redi, sft, zero; zero is the control\. The base model of s is SmolLM2-135M-Instruct\.$/,
    );
    expect(said(report, 'On what?')).toContain(
      'far: 50 problems; 1 more had been seen before and does not count.',
    );
    // Each arm once, over its seeds, and none of the evaluations of single runs.
    expect(said(report, 'What did it gain?')).toBe(
      'pass@1 on 50 problems of far, graded by v, over 2 seeds: redi 50.0 % ± 3.0 %; sft 42.0 % ± 3.0 %; zero (control) 40.0 % ± 3.0 %.',
    );
    const text = reportAsText(report);
    expect(text).toContain('p = .600 by Holm over 2 arms');
    expect(JSON.stringify(report.answers)).not.toContain('-s1-');
    expect(disagreementsIn(JSON.stringify(report))).toEqual([]);
  });

  it('leads from a comparison to the answers of its arms', async () => {
    study([row('redi', 0.5, {}), row('zero', 0.4, undefined)]);
    const { comparisons, evaluations } = await read();
    expect(comparisons[0]!.rows[0]!.columns).toEqual({
      ...{ set: evaluations[0]!.id, before: ['runs/zero-s1-far', 'runs/zero-s2-far'] },
      after: ['runs/redi-s1-far', 'runs/redi-s2-far'],
    });
    expect(JSON.stringify(evaluations)).not.toContain(results.top);
  });

  it('claims no interval where problems all differ alike, and no certainty where all are wrong', async () => {
    study(
      [
        row('redi', 1, { difference: 1, interval: [1, 1], pValue: 0.5, adjusted: 0.5 }, 0),
        row('sft', 0, { difference: 0, interval: [null, null], pValue: 1, adjusted: 1 }, 0),
        row('zero', 0, undefined, 0),
      ],
      { seeds: [1] },
    );
    const report = await read();
    expect(report.comparisons.map(({ finding, rows }) => [finding, rows[0]!.interval])).toEqual([
      ['unclear', null],
      ['unclear', null],
    ]);
    expect(report.comparisons[0]!.rows[0]).toMatchObject({ gained: 9, lost: 4 });
    expect(said(report, 'How sure is that?')).toContain('+100.0 points over 1 seed, no interval, since');
    expect(said(report, 'What did it gain?')).toContain(
      'zero (control) 0.0 % (95 % interval 0.0 % to 7.1 %)',
    );
    const table = report.tables!.find(({ id }) => id === 's/far')!;
    expect(table.rows[2]!.slice(0, 4)).toEqual(['zero', 0, null, 0]);
    expect(reportAsText(report)).not.toContain('± 0.0');
  });

  it('compares nothing by itself while the study goes on', async () => {
    study([], { finished: false });
    const report = await read();
    expect(report.evaluations[0]!.columns).toHaveLength(6);
    expect(report.comparisons).toEqual([]);
    expect(said(report, 'How sure is that?')).toMatch(/a study compares its arms when it is finished/);
    expect(said(report, 'What next?')).toBe('The same “redistill study” goes on where it stopped.');
  });

  it('leaves what is not of the study as it is', async () => {
    study([row('redi', 0.5, {}), row('zero', 0.4, undefined)]);
    const grades = (right: number) => ({ v: Array.from({ length: 8 }, (_, p) => [p < right]) });
    results.evaluation('own/a', { grades: grades(1), of: 'other', time: 1 });
    results.evaluation('own/b', { grades: grades(7), of: 'other', time: 2 });
    const { report } = await readReport([results.path('s'), results.path('own')]);
    expect(report.comparisons.map(({ name, study: of }) => [name, of])).toEqual([
      ['redi against zero', 's'],
      ['own/b against own/a', undefined],
    ]);
  });
});
