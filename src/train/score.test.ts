import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';
import { turns, writeRows } from '../../test/support/tinyModel.js';
import { resolveModel } from '../hub/resolve.js';
import { silentProgress } from '../util/progress.js';
import { scoreFile } from './score.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-score-'));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

it('takes a model by whatever name it has, and tells of texts that are not read as they are written', async () => {
  vi.stubEnv('XDG_CACHE_HOME', root);
  const gguf = fileURLToPath(new URL('../../test/fixtures/gguf/llama-smollm.gguf', import.meta.url));
  const data = writeRows(join(root, 'rows.jsonl'), [{ messages: turns('2+2?', '4') }]);
  const settings = { data, dtype: 'f32', device: 'cpu', layout: 'template' } as const;
  const score = (model: string) =>
    scoreFile({ ...settings, model, tokens: true, tokenBudget: 100 }, silentProgress);
  const scores = await score(gguf);
  expect(scores).toHaveLength(1);
  expect(await score(await resolveModel(gguf))).toEqual(scores);

  const lines: string[] = [];
  const broken = writeRows(join(root, 'broken.jsonl'), [{ messages: turns('2+2?', '\ud83d') }]);
  await scoreFile(
    { ...settings, data: broken, model: await resolveModel(gguf), tokens: false, tokenBudget: 100 },
    { ...silentProgress, log: (line) => lines.push(line) },
  );
  expect(lines.join()).toContain(`${broken}, line 1: "messages" has half a surrogate pair`);
});
