import { describe, expect, it } from 'vitest';
import { answerCases, caseOptions, reportCases } from '../../test/support/answerCases.js';
import { verify } from './verify.js';

/** Cases whose verdict differs, each with its reason in docs/verifier.md. */
const EXCEPTIONS = new Set(['math-verify/commented-out#4']);

const cases = answerCases();
if (!cases) console.warn('skipped: the answer cases of ../shared/data are not there');

describe('the test suites of other graders', () => {
  it.skipIf(!cases)('get their verdict in every undisputed case', () => {
    const gate = cases!.filter((given) => !given.opts?.disputed);
    expect(gate).toHaveLength(457);
    const wrong = gate.filter((given) => {
      const verdict = verify({ gold: given.gold, pred: given.pred, ...caseOptions(given) });
      return verdict.correct !== given.expected;
    });
    expect(wrong.map((given) => given.id)).toEqual([...EXCEPTIONS]);
  });
});

/** Arguable cases that are decided otherwise; docs/verifier.md has the reasons. */
const DECIDED_OTHERWISE = ['vr-297', 'vr-310'];

const reports = reportCases();
if (!reports) console.warn('skipped: the cases after reports of ../shared/data are not there');

describe('the cases after public reports', () => {
  it.skipIf(!reports)('get their verdict', () => {
    expect(reports).toHaveLength(219);
    const wrong = reports!.filter(
      ({ gold, pred, preset, expected }) =>
        verify({ gold, pred, ...(preset && { preset }) }).correct !== expected,
    );
    expect(wrong.map(({ id }) => id).sort()).toEqual(DECIDED_OTHERWISE);
  });
});
