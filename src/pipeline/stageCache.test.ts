import {
  appendFileSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { fingerprintPath, fingerprintValue } from '../util/fingerprint.js';
import { StageCache, type RunSelection, type Stage } from './stageCache.js';

let directory: string;
const at = (...names: string[]): string => join(directory, ...names);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'redistill-stages-'));
  writeFileSync(at('problems.jsonl'), '{"a":1}\n');
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Three stages in a row; each copies its input and adds its name. */
function stages(config: Record<string, unknown> = { lr: 1e-5, seed: 1 }): Stage[] {
  return ['curate', 'train', 'evaluate'].map((name, i) => ({
    name,
    inputs: [i === 0 ? at('problems.jsonl') : at(['curate', 'train'][i - 1]!)],
    config: name === 'train' ? config : {},
    outputs: [at(name)],
  }));
}

function work(stage: Stage): void {
  writeFileSync(stage.outputs[0]!, `${readFileSync(stage.inputs[0]!, 'utf8')}${stage.name}`);
}

/** Walks the line as a pipeline does and returns the stages that ran. */
function walk(line: Stage[], selection: RunSelection = {}): string[] {
  const names = line.map((stage) => stage.name);
  const cache = new StageCache(directory, names, selection);
  const ran: string[] = [];
  for (const stage of line) {
    if (cache.staleReason(stage) === undefined) continue;
    cache.begin(stage);
    work(stage);
    cache.record(stage);
    ran.push(stage.name);
  }
  return ran;
}

const all = ['curate', 'train', 'evaluate'];

describe('StageCache', () => {
  it('runs everything once and then nothing', () => {
    expect(walk(stages())).toEqual(all);
    expect(walk(stages())).toEqual([]);
  });

  it('runs what a changed setting touches', () => {
    walk(stages());
    // The training output here does not depend on its settings, so the evaluation's input is the same again.
    expect(walk(stages({ lr: 2e-5, seed: 1 }))).toEqual(['train']);
    expect(walk(stages({ seed: 1, lr: 2e-5 }))).toEqual([]);
  });

  it('runs what a changed input touches, and goes by content, not by time', () => {
    walk(stages());
    utimesSync(at('problems.jsonl'), 1, 1);
    expect(walk(stages())).toEqual([]);
    appendFileSync(at('problems.jsonl'), '{"a":2}\n');
    expect(walk(stages())).toEqual(all);
  });

  it('runs a stage whose output is gone or was changed', () => {
    walk(stages());
    rmSync(at('train'));
    expect(walk(stages())).toEqual(['train']);
    truncateSync(at('evaluate'), 3);
    expect(walk(stages())).toEqual(['evaluate']);
  });

  it('--force runs all, --from the rest of the line', () => {
    walk(stages());
    expect(walk(stages(), { force: true })).toEqual(all);
    expect(walk(stages(), { from: 'train' })).toEqual(['train', 'evaluate']);
    rmSync(at('curate'));
    expect(walk(stages(), { from: 'evaluate' })).toEqual(['curate', 'evaluate']);
    expect(() => walk(stages(), { from: 'trian' })).toThrow('the stages are curate, train, evaluate');
  });

  it('never takes a stage that was killed midway for done, not even when it was done before', () => {
    walk(stages());
    // What a killed process leaves: the disk as `begin` made it, and nothing in memory.
    new StageCache(directory, all, { force: true }).begin(stages()[1]!);
    expect(walk(stages())).toEqual(['train']);
  });

  it('says whether there is a record of earlier runs', () => {
    expect(new StageCache(directory, all).hasRecord).toBe(false);
    new StageCache(directory, all).begin(stages()[0]!);
    expect(new StageCache(directory, all).hasRecord).toBe(true);
    writeFileSync(at('stages.json'), '{"version": 1, "sta');
    expect(new StageCache(directory, all).hasRecord).toBe(false);
  });

  it('says why a stage is to run, and whether it has ended before', () => {
    const [curate, train] = stages();
    const asked = new StageCache(directory, all, { force: true });
    expect(asked.staleReason(curate!)).toBe('it was asked for');
    expect(asked.isDone('curate')).toBe(false);
    const cache = new StageCache(directory, all);
    expect(cache.staleReason(curate!)).toBe('it has not finished before');
    walk(stages());
    expect(asked.isDone('curate')).toBe(true);
    expect(asked.staleReason(curate!)).toBe('it was asked for');
    expect(cache.staleReason(curate!)).toBeUndefined();
    expect(cache.staleReason({ ...train!, config: { lr: 1 } })).toBe('its settings or inputs changed');
    rmSync(at('train'));
    expect(cache.staleReason(train!)).toBe('its outputs are missing or changed');
    // It has ended, whatever became of what it left; and no longer once it begins again.
    expect(cache.isDone('train')).toBe(true);
    cache.begin(train!);
    expect(cache.isDone('train')).toBe(false);
    expect(cache.isDone('toString')).toBe(false);
  });

  it('a stage that was asked for is fresh once it has run', () => {
    const [curate] = stages();
    const cache = new StageCache(directory, all, { force: true });
    cache.begin(curate!);
    work(curate!);
    cache.record(curate!);
    expect(cache.staleReason(curate!)).toBeUndefined();
  });

  it('takes the inputs as they were when the stage began', () => {
    const [curate] = stages();
    const cache = new StageCache(directory, all);
    cache.begin(curate!);
    work(curate!);
    appendFileSync(at('problems.jsonl'), 'later\n');
    cache.record(curate!);
    expect(cache.staleReason(curate!)).toBe('its settings or inputs changed');
  });

  it('says which input is missing and which output was not written', () => {
    const line = stages();
    const cache = new StageCache(directory, all);
    expect(() => {
      cache.begin(line[1]!);
    }).toThrow(UserError);
    cache.begin(line[0]!);
    expect(() => {
      cache.record(line[0]!);
    }).toThrow(/ended without writing/);
  });

  it('starts over where stages.json is broken', () => {
    walk(stages());
    for (const broken of [
      '',
      '{"version":1',
      '[]',
      '{"version":2,"stages":{}}',
      '{"version":1,"stages":{"train":3}}',
    ]) {
      writeFileSync(at('stages.json'), broken);
      expect(walk(stages())).toEqual(all);
    }
  });
});

describe('fingerprintPath', () => {
  it('sees content, names and depth of a directory, through links', () => {
    mkdirSync(at('model'));
    writeFileSync(at('model', 'a'), 'x');
    const first = fingerprintPath(at('model'));
    writeFileSync(at('model', 'b'), '');
    const second = fingerprintPath(at('model'));
    symlinkSync(at('problems.jsonl'), at('model', 'link'));
    const third = fingerprintPath(at('model'));
    writeFileSync(at('problems.jsonl'), 'changed');
    const fourth = fingerprintPath(at('model'));
    expect(new Set([first, second, third, fourth]).size).toBe(4);
    expect(fingerprintPath(at('nothing'))).toBeUndefined();
  });

  it('sees the content of large files, whatever their times and places', () => {
    const weights = Buffer.alloc(60 * 2 ** 20, 'weights ');
    writeFileSync(at('weights'), weights);
    const mtime = new Date('2026-01-01');
    utimesSync(at('weights'), mtime, mtime);
    const first = fingerprintPath(at('weights'));
    utimesSync(at('weights'), 5, 5);
    expect(fingerprintPath(at('weights'))).toBe(first);
    copyFileSync(at('weights'), at('copy'));
    expect(fingerprintPath(at('copy'))).toBe(first);
    weights[30 * 2 ** 20]! ^= 1;
    writeFileSync(at('weights'), weights);
    utimesSync(at('weights'), mtime, mtime);
    expect(fingerprintPath(at('weights'))).not.toBe(first);
  });

  it('reads a large file once, and again after any write', async () => {
    writeFileSync(at('weights'), '');
    truncateSync(at('weights'), 2 ** 28); // sparse
    await sleep(2100); // nothing is kept of a file that may change in the same instant
    const timed = () => {
      const start = performance.now();
      return { digest: fingerprintPath(at('weights')), took: performance.now() - start };
    };
    const [first, second] = [timed(), timed()];
    expect(second.digest).toBe(first.digest);
    expect(second.took).toBeLessThan(first.took / 10);
    const { atime, mtime } = statSync(at('weights'));
    const fd = openSync(at('weights'), 'r+');
    writeSync(fd, 'x', 2 ** 27);
    closeSync(fd);
    utimesSync(at('weights'), atime, mtime);
    expect(timed().digest).not.toBe(first.digest);
  });

  it('ends in a loop of links', () => {
    mkdirSync(at('loop'));
    symlinkSync(at('loop'), at('loop', 'again'));
    expect(() => fingerprintPath(at('loop'))).toThrow(UserError);
  });
});

describe('fingerprintValue', () => {
  it('ignores the order of keys and nothing else', () => {
    expect(fingerprintValue({ a: 1, b: { c: [1, 2], d: null } })).toBe(
      fingerprintValue({ b: { d: null, c: [1, 2] }, a: 1 }),
    );
    const different = [{ a: 1 }, { a: '1' }, { a: [1] }, { a: 1, b: undefined }, { a: 1, b: null }, { b: 1 }];
    expect(new Set(different.map(fingerprintValue)).size).toBe(different.length - 1);
  });
});
