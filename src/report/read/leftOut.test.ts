/** One damaged result is left out of a report, which says so; all others are in it. */
import { expect, it } from 'vitest';
import { ResultFolders } from '../../../test/support/resultFolders.js';
import { UserError } from '../../util/errors.js';
import { reportAsText } from '../text.js';
import { readReport } from './report.js';

const results = new ResultFolders();
const grades = (right: number) => ({ verify: Array.from({ length: 8 }, (_, p) => [p < right]) });

/** A folder with results of each kind that has rows, of which each may be damaged. */
function folder(): void {
  results.evaluation('runs/a', { grades: grades(1), time: 1 });
  results.evaluation('runs/b', { grades: grades(7), time: 2 });
  results.evaluation('runs/c', { grades: grades(4), time: 3 });
  results.training('runs/redi', { model: 'smollm2-135m' });
  results.record('runs/asked', 'collect', { settings: { model: 'smollm2-135m', data: 'p.jsonl' } });
  const row = { problem: 'q', answer: '1', generations: ['x'], correct: [true] };
  results.write('runs/asked/traces.jsonl', [row]);
  results.record('runs/own', 'curate', { settings: { data: 'none.jsonl' } });
  results.write('runs/own/dropped.jsonl', [{ original_index: 0, reason: 'length' }]);
}

it.each(['{"id":"p0","prob', '', '[1,2]\n', '{"id":"p"}\n', '\u0000\u0001\n'])(
  'an evaluation of damaged samples (%j) takes no other with it, down to the texts',
  async (text) => {
    folder();
    results.write('runs/b/samples.jsonl', text);
    const { report, chunks, damaged } = await readReport([results.path('runs')]);
    expect(report.evaluations.flatMap(({ columns }) => columns.map(({ name }) => name))).toEqual(['a', 'c']);
    expect(report.comparisons).toHaveLength(1);
    expect(report.runs).toHaveLength(1);
    expect([...chunks()].length).toBeGreaterThan(0);
    expect(report.notes!.filter((note) => note.startsWith('b is left out: '))).toEqual(damaged);
    expect(JSON.stringify(damaged)).not.toContain(results.top);
    if (text !== '') {
      expect(damaged).toEqual([expect.stringMatching(/^b is left out: .*samples\.jsonl/)]);
      expect(reportAsText(report)).toContain('b is left out: ');
    }
  },
);

it('a damaged collection likewise', async () => {
  folder();
  results.write('runs/asked/traces.jsonl', '{"problem": 7}\n{"prob');
  const { report, damaged } = await readReport([results.path('runs')]);
  expect(report.evaluations[0]!.columns).toHaveLength(3);
  expect(damaged.length).toBeLessThan(2);
  expect(report.answers[0]!.sentences.join(' ')).toContain('asked samples traces of SmolLM2-135M-Instruct');
});

it('where nothing is left the report is refused, with what was wrong', async () => {
  results.evaluation('runs/a');
  results.write('runs/a/samples.jsonl', '{"id":"p0","prob');
  const refused = readReport([results.path('runs')]);
  await expect(refused).rejects.toThrow(UserError);
  await expect(refused).rejects.toThrow(/samples\.jsonl/);
});

it('a data file without a name is told of by a word', async () => {
  for (const [i, file] of ['', ' ', '/', '.'].entries()) {
    results.evaluation('runs/a', { file, of: String(i) });
    const { report } = await readReport([results.path('runs')]);
    const [set] = report.evaluations;
    expect([set!.id, set!.name].every((name) => name.trim() !== '')).toBe(true);
    expect(JSON.stringify(report.answers)).not.toMatch(/ of\s*[,;:]| of \./);
  }
  results.training('runs/redi', { model: '', data: '' });
  const { report } = await readReport([results.path('runs')]);
  expect(report.answers[0]!.sentences[0]).toBe(
    'redi trained what is not known on what is not known by sft for 1 step (5 tokens).',
  );
});
