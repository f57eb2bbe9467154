import { expect, it } from 'vitest';
import { evaluateSettings } from '../../evaluate/evaluate.js';
import { silentProgress } from '../../util/progress.js';
import { askedModel } from './model.js';

it('says of several greedy samples of an endpoint that they are one', async () => {
  const said = async (samples: number, temperature: number) => {
    const lines: string[] = [];
    const keys = { data: 'none.jsonl', model: 'm', base_url: 'http://127.0.0.1:8000/v1' };
    const settings = evaluateSettings.parse({ ...keys, samples, sampling: { temperature } });
    await askedModel(settings, { ...silentProgress, log: (line) => lines.push(line) });
    return lines.join();
  };
  expect(await said(4, 0)).toContain('4 samples at temperature 0 are one response 4 times');
  expect(await said(1, 0)).toBe('');
  expect(await said(4, 0.6)).toBe('');
});
