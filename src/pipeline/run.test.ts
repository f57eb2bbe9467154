import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parsePipeline } from './pipeline.js';
import { runPipeline } from './run.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-run-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

it.each<[string, string | undefined]>([
  ['absent', undefined],
  ['damaged', '{"version": 1, "sta'],
])(
  'keeps what stands in a folder until there is something new, where the record is %s',
  async (name, record) => {
    const out = join(root, name);
    const folder = join(out, 'student');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'result.txt'), 'days of work');
    if (record !== undefined) writeFileSync(join(out, 'stages.json'), record);
    const stages = [{ name: 'student', stage: 'get', model: join(root, 'nowhere.gguf') }];
    const pipeline = parsePipeline({ out, stages }, 'line.yaml');
    const { signal } = new AbortController();
    for (let tries = 0; tries < 2; tries++) {
      await expect(runPipeline(pipeline, { signal, log: () => undefined })).rejects.toThrow('nowhere.gguf');
      expect(readFileSync(join(out, 'student.previous/result.txt'), 'utf8')).toBe('days of work');
      expect(existsSync(join(folder, 'result.txt'))).toBe(false);
    }
  },
);
