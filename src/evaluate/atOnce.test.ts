/** What graders say of responses as they come is what they say of them in the end. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { scripted } from '../../test/support/scriptedModel.js';
import { writeRows } from '../../test/support/tinyModel.js';
import type { JournalEntry } from '../teacher/states.js';
import { silentProgress } from '../util/progress.js';
import { graderNames } from '../verify/graders/index.js';
import { evaluate, evaluateSettings } from './evaluate.js';
import { readSamples } from './samples.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-at-once-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const golds = ['7', '\\frac{1}{2}', 'B', '1,234'];
const data = writeRows(
  join(root, 'problems.jsonl'),
  golds.map((answer, i) => ({ id: `p${i}`, problem: `What is it, ${i}?`, answer, own: 'gsm8k' })),
);
const responses = [
  ...['So \\boxed{7}.', '\\boxed{0.5}', 'The answer is B', '#### 1234', '', 'so it is 7 or 8', '<think>'],
  'answer: \\boxed{\\frac12} and no more',
];

/** Every third response is cut off. */
const { model } = scripted(({ problem, sample }) => ({
  text: responses[sample]!,
  finishReason: (problem * responses.length + sample) % 3 === 0 ? 'length' : 'stop',
}));

async function journalOf(given: object): Promise<{ entries: JournalEntry[]; out: string }> {
  const out = mkdtempSync(join(root, 'out-'));
  const settings = evaluateSettings.parse({ model: 'rote', data, samples: responses.length, ...given });
  await evaluate({ out, settings, model, progress: silentProgress, signal: new AbortController().signal });
  const lines = readFileSync(join(out, 'journal.jsonl'), 'utf8').trim().split('\n').slice(1);
  return { out, entries: lines.map((line) => JSON.parse(line) as JournalEntry) };
}

it.each(graderNames)('%s', async (grader) => {
  const { out, entries } = await journalOf({ grader: [grader, 'verify'] });
  const final = [...readSamples(out)].flatMap((row) =>
    row.generation_details.map(({ grades }) => grades[grader]),
  );
  const byPlace = entries.toSorted((a, b) => a.id.problem - b.id.problem || a.id.sample - b.id.sample);
  expect(byPlace).toHaveLength(golds.length * responses.length);
  expect(byPlace.map(({ grade }) => grade)).toEqual(
    final.map((grade) => {
      const { correct, extracted, reason } = grade!;
      return { by: grader, correct, extracted, ...(reason !== undefined && { reason }) };
    }),
  );
});

it('a grader of a module, and those that rows name, are asked in the end alone', async () => {
  const module = join(root, 'grader.mjs');
  writeFileSync(
    module,
    `let asked = 0;
export const grader = () => ({ correct: false, extracted: String(++asked) });
`,
  );
  for (const given of [{ grader: [{ module }, 'verify'] }, { grader: ['verify'], grader_field: 'own' }]) {
    const { entries, out } = await journalOf(given);
    expect(entries.flatMap(({ grade }) => grade ?? [])).toEqual([]);
    const [first] = readSamples(out);
    const [grades] = first!.generation_details.map((one) => one.grades);
    expect(Object.keys(grades!)).toHaveLength('grader_field' in given ? 1 : 2);
    if (!('grader_field' in given)) expect(grades!['grader.mjs']!.extracted).toBe('1');
  }
});
