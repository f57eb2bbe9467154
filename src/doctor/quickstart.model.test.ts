import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { getModel } from '../hub/get.js';
import { openStudent } from '../train/preflight.js';
import { silentProgress } from '../util/progress.js';
import { writeJsonLines } from '../data/jsonl.js';
import { mapTraces, normalizeFinalAnswer, readLabelledTraces } from '../data/labelledTraces.js';
import { demonstrations, preferencePairs } from '../data/trainingRows.js';
import { examine } from './examine.js';
import { hasErrors } from './summary.js';

const solutions = fileURLToPath(
  new URL('../../examples/gsm8k-solutions/example_model_solutions.jsonl', import.meta.url),
);

it("the quickstart's rows have no errors with its own student", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'redistill-doctor-quickstart-'));
  const student = openStudent((await getModel('smollm2-135m')).path, { layout: 'template' });
  const problems = mapTraces(readLabelledTraces(solutions), normalizeFinalAnswer);
  for (const [name, rows] of [
    ['sft', demonstrations(problems, 'first')],
    ['pref', preferencePairs(problems, 'first')],
  ] as const) {
    const file = join(folder, `${name}.jsonl`);
    writeJsonLines(file, rows);
    const { summary } = await examine(file, { student }, silentProgress);
    expect(summary.rows).toBe(rows.length);
    expect(hasErrors(summary), JSON.stringify(summary.problems)).toBe(false);
    expect(summary.endTrained).toBe(rows.length);
  }
});
