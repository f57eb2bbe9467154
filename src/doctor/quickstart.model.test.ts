import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { getModel } from '../hub/get.js';
import { openStudent } from '../train/preflight.js';
import { silentProgress } from '../util/progress.js';
import { curate } from '../curate/curate.js';
import { curateSettings } from '../curate/settings.js';
import { examine } from './examine.js';
import { hasErrors } from './summary.js';

const solutions = fileURLToPath(
  new URL('../../examples/gsm8k-solutions/example_model_solutions.jsonl', import.meta.url),
);

it("the quickstart's rows have no errors with its own student", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'redistill-doctor-quickstart-'));
  const { path: model } = await getModel('smollm2-135m');
  const student = openStudent(model, { layout: 'template' });
  const settings = curateSettings.parse({ data: solutions, normalize_answers: true, length_filter: false });
  const made = await curate(settings, folder, silentProgress, new AbortController().signal);
  for (const name of ['sft', 'pref'] as const) {
    const { summary } = await examine(join(folder, `${name}.jsonl`), { student }, silentProgress);
    expect(summary.rows).toBe(made[name]);
    expect(summary.rows).toBeGreaterThan(500);
    expect(hasErrors(summary), JSON.stringify(summary.problems)).toBe(false);
    expect(summary.end_trained).toBe(summary.rows);
  }
});
