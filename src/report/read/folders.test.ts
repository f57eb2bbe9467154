import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LiveRun } from '../../../test/support/liveRuns.js';
import { recordOf } from '../../util/ownFolder.js';
import { readReport } from '../index.js';
import { reportAsText } from '../text.js';
import { namesOf, resultsBelow } from './folders.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-folders-'));
const path = (...names: string[]) => join(root, ...names);
afterAll(() => {
  rmSync(root, { recursive: true });
});

const run = (dir: string, settings: object, steps = 2) => {
  const made = new LiveRun(dir, settings);
  made.run(steps);
  made.finish();
  return made;
};

describe('names', () => {
  it('have as many parts as tell folders from each other', () => {
    expect([...namesOf(['/a/b/redi', '/a/c/redi', '/a/sft', '/a/sft']).entries()]).toEqual([
      ['/a/b/redi', 'b/redi'],
      ['/a/c/redi', 'c/redi'],
      ['/a/sft', 'sft'],
    ]);
    expect([...namesOf(['/x', '/y/x', '/z/y/x']).values()]).toEqual(['x', 'y/x', 'z/y/x']);
    expect([...namesOf(['/']).values()]).toEqual(['']);
  });

  it('of two results that are called alike are two', async () => {
    run(path('one', 'redi'), { batch_size: 1 });
    run(path('two', 'redi'), { batch_size: 2 });
    const { report } = await readReport([path('one', 'redi'), path('two', 'redi')]);
    expect(report.runs.map(({ id }) => id)).toEqual(['one/redi', 'two/redi']);
    expect(report.title).toBe('one/redi, two/redi');
  });
});

describe('runs', () => {
  it('of several seeds are one group, wherever each was written, and no other run is in it', async () => {
    for (const seed of [1, 2, 3]) {
      const name = seed === 1 ? 'redi' : `redi-s${seed}`;
      run(path('seeds', name), { seed, out: `runs/${name}`, stage: 'train' });
    }
    run(path('seeds', 'sft-s1'), { seed: 1, batch_size: 4 });
    run(path('seeds', 'sft-s2'), { seed: 2, batch_size: 4 });
    run(path('seeds', 'sft'), { seed: 1, batch_size: 8 });
    const { report } = await readReport([path('seeds')]);
    const groups = new Map<string, string[]>();
    for (const { name, group } of report.runs) groups.set(group, [...(groups.get(group) ?? []), name].sort());
    expect([...groups.values()].sort()).toEqual([
      ['redi', 'redi-s2', 'redi-s3'],
      ['sft'],
      ['sft-s1', 'sft-s2'],
    ]);
  });

  it('say their last numbers to the last digit, and their highest memory, however long they are', async () => {
    const made = run(path('long', 'redi'), {}, 0);
    for (let step = 1; step <= 4_001; step++) made.run(1, { num_tokens: 1_237 * step });
    const speed = path('long', 'redi', 'speed.jsonl');
    const peak = (line: string) =>
      line.replace('"peak_memory_bytes":1000000000', '"peak_memory_bytes":2000000000');
    const lines = readFileSync(speed, 'utf8').split('\n');
    writeFileSync(speed, lines.map((line, i) => (i === 3_999 ? peak(line) : line)).join('\n'));
    const { report } = await readReport([path('long')]);
    expect(report.runs[0]!.curves.bucket).toBeGreaterThan(1);
    expect(report.runs[0]!.last).toMatchObject({ num_tokens: 4_949_237, learning_rate: 1e-5 });
    expect(report.sentences[0]).toContain('(4,949,237 tokens)');
    const cost = report.answers.find(({ question }) => question.startsWith('What did it cost'))!;
    expect(cost.sentences[0]).toContain('4,949,237 tokens');
    expect(cost.sentences[0]).toContain('at most 2 GB');
  });
});

it('a folder that cannot be read is left out and told of', () => {
  run(path('some', 'kept'), {});
  mkdirSync(path('some', 'gone'));
  const recordIn = (dir: string) => {
    // Somebody takes it away while it is looked at.
    if (dir.endsWith('gone')) rmSync(dir, { recursive: true });
    return recordOf(dir);
  };
  const notes: string[] = [];
  const found = [...resultsBelow(path('some'), { recordIn, notes })];
  expect(found.map(({ name }) => name)).toEqual(['kept']);
  expect(notes).toEqual([expect.stringMatching(/left out: .*gone cannot be used/)]);
});

describe('stages', () => {
  const pipeline = (dir: string, names: string[]) => {
    mkdirSync(dir, { recursive: true });
    const stages = names.map((name) => ({ name, kind: 'collect', config: {} }));
    const record = { made_by: 'redistill', command: 'run', recipe: { stages } };
    writeFileSync(join(dir, 'redistill.json'), JSON.stringify(record));
  };

  it('of several pipelines say of which they are', async () => {
    pipeline(path('many', 'a'), ['asked']);
    pipeline(path('many', 'b'), ['asked', 'more']);
    const { report } = await readReport([path('many')]);
    expect(report.stages.map(({ of, name }) => [of, name])).toEqual([
      ['a', 'asked'],
      ['b', 'asked'],
      ['b', 'more'],
    ]);
    expect(reportAsText(report)).toMatch(/^b\/asked {2}/m);
    const one = await readReport([path('many', 'b')]);
    expect(one.report.stages.map(({ of }) => of)).toEqual([undefined, undefined]);
  });

  it('lead nowhere out of their pipeline', async () => {
    mkdirSync(path('secret'));
    writeFileSync(path('secret', 'summary.json'), JSON.stringify({ problems: 77 }));
    pipeline(path('led'), ['../secret', '..', '', 'asked']);
    const { report } = await readReport([path('led')]);
    expect(report.stages.map(({ name }) => name)).toEqual(['asked']);
    expect(JSON.stringify(report)).not.toContain('77');
  });
});
