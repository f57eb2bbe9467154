import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { readRecipe } from '../recipe/recipe.js';
import { parsePipeline } from './pipeline.js';
import { fingerprintPath } from '../util/fingerprint.js';
import { withFolder } from '../util/folderLock.js';
import { recordOf } from '../util/ownFolder.js';
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

  it.each(['student', 'student.previous'])(
    'stays: the result of another run that %s links to',
    async (name) => {
      const out = join(root, `link-at-${name}`);
      const other = join(root, `other-run-${name}`);
      mkdirSync(out);
      mkdirSync(other);
      made(out, 'run');
      made(other, 'get');
      writeFileSync(join(other, 'model'), 'precious');
      symlinkSync(other, join(out, name));
      await expect(run(out, stages)).rejects.toThrow(`${name} is a link`);
      expect(readFileSync(join(other, 'model'), 'utf8')).toBe('precious');
    },
  );

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

it('a folder in which another command works is not taken away', async () => {
  const out = join(root, 'at-work');
  const folder = join(out, 'student');
  mkdirSync(folder, { recursive: true });
  made(out, 'run');
  made(folder, 'get');
  writeFileSync(join(folder, 'model'), 'days of work');
  let end: () => void = () => undefined;
  const working = withFolder(folder, () => new Promise<void>((resolve) => (end = resolve)));
  const stages = [{ name: 'student', stage: 'get', model: join(root, 'nowhere.gguf') }];
  await expect(run(out, stages)).rejects.toThrow(`Another process is writing into ${folder}`);
  expect(readFileSync(join(folder, 'model'), 'utf8')).toBe('days of work');
  end();
  await working;
  await expect(run(out, stages)).rejects.toThrow('nowhere.gguf');
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

describe('a pipeline that has been walked', () => {
  /** A pipeline of two curations of the same traces. */
  function line(name: string) {
    const dir = join(root, name);
    mkdirSync(dir);
    const out = join(dir, 'out');
    const traces = join(dir, 'traces.jsonl');
    const generations = ['It is 2.', 'It is 3.'];
    const row = { problem: '1+1?', answer: '2', generations, correct: [true, false] };
    writeFileSync(traces, `${JSON.stringify(row)}\n`);
    const recipe = join(dir, 'line.yaml');
    const stages = [
      { name: 'first', stage: 'curate', data: 'traces.jsonl', length_filter: false },
      { name: 'second', stage: 'curate', data: 'traces.jsonl', length_filter: false },
    ];
    writeFileSync(recipe, toYaml({ out, stages }));
    const walk = async (selection: { from?: string }, ...settings: string[]) => {
      const lines: string[] = [];
      const read = readRecipe(recipe, settings);
      const pipeline = parsePipeline(read.value, read.name, read);
      const log = (text: string) => lines.push(text.replace(/ in 0:\d\d/, ''));
      await runPipeline(pipeline, { signal: new AbortController().signal, log, ...selection });
      return lines;
    };
    return { out, traces, recipe, walk };
  }

  it('needs no file of a stage that does not run again, and those of the others before its first stage', async () => {
    const { out, traces, walk } = line('gone');
    await walk({});
    rmSync(traces);
    const skipped = (stage: string) => `${stage}: unchanged, skipped; there is no ${traces} any more`;
    expect(await walk({})).toEqual([skipped('[1/2] first'), skipped('[2/2] second')]);
    const missing = `Stage second needs ${traces}, which does not exist.`;
    await expect(walk({ from: 'second' })).rejects.toThrow(missing);
    await expect(walk({}, 'stages.second.seed=5')).rejects.toThrow(missing);
    await expect(walk({}, 'stages.second.data=traces2.jsonl')).rejects.toThrow('there is no traces2.jsonl');
    rmSync(join(out, 'stages.json'));
    await expect(walk({})).rejects.toThrow('there is no traces.jsonl');
  });

  it('takes a stage of another kind into the place of one that had its name', async () => {
    const { out, walk } = line('kinds');
    const first = join(out, 'first');
    mkdirSync(first, { recursive: true });
    made(out, 'run');
    made(first, 'doctor');
    writeFileSync(join(first, 'summary.json'), '{}');
    expect(await walk({})).toContain(
      `[1/2] first: begins anew, what it has goes to ${first}.previous until it is done: ${first}.previous was made by a stage \`doctor\``,
    );
    expect(recordOf(first)?.command).toBe('curate');
    expect(existsSync(`${first}.previous`)).toBe(false);
  });

  it('says of a result that another version has made it', async () => {
    const { out, walk } = line('versions');
    await walk({});
    const record = join(out, 'first', 'redistill.json');
    const recorded = JSON.parse(readFileSync(record, 'utf8')) as object;
    writeFileSync(record, JSON.stringify({ ...recorded, version: '0.0.1' }));
    const stages = join(out, 'stages.json');
    const known = JSON.parse(readFileSync(stages, 'utf8')) as {
      stages: Record<string, { outputs: Record<string, string> }>;
    };
    known.stages.first!.outputs[join(out, 'first')] = fingerprintPath(join(out, 'first'))!;
    writeFileSync(stages, JSON.stringify(known));
    expect(await walk({})).toEqual([
      '[1/2] first: unchanged, skipped (made by redistill 0.0.1; --from first makes it again)',
      '[2/2] second: unchanged, skipped',
    ]);
  });
});
