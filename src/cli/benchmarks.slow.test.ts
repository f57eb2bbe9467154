import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readRows, redistill, writeTinyModel } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-benchmarks-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const model = writeTinyModel(join(root, 'model'), { max_position_embeddings: 1024 });

const folder = '../shared/data/benchmarks';
const isThere = existsSync(folder);
if (!isThere) console.warn(`skipped: evaluate on the paper's benchmark files (${folder} is absent)`);

// The counts are those of the folder's SOURCE.md. A letter is a token here, so that some prompts do not fit the model.
it.skipIf(!isThere).each([
  ['math', 500],
  ['aime', 30],
  ['amc', 83],
  ['minerva', 272],
  ['olympiad_bench', 675],
  ['gsm8k', 1319],
])('evaluate goes through all of %s, and both graders are reported', async (name, count) => {
  const out = join(root, name);
  const data = `${folder}/${name}.json`;
  const flags = ['--model', model, '--max-tokens', '2', '--grader', 'verify,rllm', '--out', out, '--json'];
  const { code, stdout, stderr } = await redistill(['evaluate', data, ...flags]);
  expect(code, stderr).toBe(0);
  const summary = JSON.parse(stdout) as { graders: object };
  expect(summary).toMatchObject({ problems: count, responses: count, set_aside: 0 });
  expect(Object.keys(summary.graders)).toEqual(['verify', 'rllm']);
  const problems = JSON.parse(readFileSync(data, 'utf8')) as { problem: string }[];
  expect(readRows(join(out, 'samples.jsonl')).map(({ problem }) => problem)).toEqual(
    problems.map(({ problem }) => problem),
  );
});
