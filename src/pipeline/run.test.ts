import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parsePipeline } from './pipeline.js';
import { runPipeline } from './run.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-run-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** Says that a command made the folder. */
function made(folder: string, command: string): void {
  writeFileSync(join(folder, 'redistill.json'), JSON.stringify({ made_by: 'redistill', command }));
}

const run = (out: string, stages: object[], recipe?: string) =>
  runPipeline(parsePipeline({ out, stages }, 'line.yaml'), {
    ...{ signal: new AbortController().signal, log: () => undefined },
    ...(recipe !== undefined && { recipe }),
  });

describe('what is not ours', () => {
  const stages = [{ name: 'student', stage: 'get', model: join(root, 'nowhere.gguf') }];

  it('stays: a folder with a stage’s name', async () => {
    const out = join(root, 'named');
    mkdirSync(join(out, 'student'), { recursive: true });
    made(out, 'run');
    writeFileSync(join(out, 'student/notes.txt'), 'precious');
    await expect(run(out, stages)).rejects.toThrow('student was not made by redistill and is not empty');
    expect(readFileSync(join(out, 'student/notes.txt'), 'utf8')).toBe('precious');
  });

  it.each(['student', 'student.previous'])('stays: a note in %s, which a stage made', async (name) => {
    const out = join(root, `note-in-${name}`);
    mkdirSync(join(out, name), { recursive: true });
    made(out, 'run');
    made(join(out, name), 'get');
    writeFileSync(join(out, name, 'notes.txt'), 'precious');
    await expect(run(out, stages)).rejects.toThrow(
      `${name}/notes.txt is in the way: redistill has not written it`,
    );
    expect(readFileSync(join(out, name, 'notes.txt'), 'utf8')).toBe('precious');
  });

  it('stays: the folder of something else, and the recipe', async () => {
    const out = join(root, 'taken');
    mkdirSync(out);
    const recipe = join(out, 'recipe.yaml');
    writeFileSync(recipe, '# my notes');
    await expect(run(out, stages, recipe)).rejects.toThrow(/recipe.yaml is read by this command/);
    await expect(run(out, stages)).rejects.toThrow(
      'taken was not made by redistill and is not empty (it holds recipe.yaml)',
    );
    expect(readFileSync(recipe, 'utf8')).toBe('# my notes');
  });
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
    made(out, 'run');
    made(folder, 'get');
    writeFileSync(join(folder, 'model'), 'days of work');
    if (record !== undefined) writeFileSync(join(out, 'stages.json'), record);
    const stages = [{ name: 'student', stage: 'get', model: join(root, 'nowhere.gguf') }];
    const pipeline = parsePipeline({ out, stages }, 'line.yaml');
    const { signal } = new AbortController();
    for (let tries = 0; tries < 2; tries++) {
      await expect(runPipeline(pipeline, { signal, log: () => undefined })).rejects.toThrow('nowhere.gguf');
      expect(readFileSync(join(out, 'student.previous/model'), 'utf8')).toBe('days of work');
      expect(existsSync(join(folder, 'model'))).toBe(false);
    }
  },
);
