import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { EventFile, removeEvents } from './eventFile.js';

/** The bytes of tensorboard's own writer, and what its reader makes of them: test/oracles/tensorboard_events.py. */
const fixtures = fileURLToPath(new URL('../../test/fixtures/tensorboard', import.meta.url));
const oracle = JSON.parse(readFileSync(join(fixtures, 'events.json'), 'utf8')) as {
  runs: { after: number; clock: number[]; steps: [number, Record<string, number>][]; cut: number }[];
  read: Record<string, [step: number, value: number][]>;
};

const root = mkdtempSync(join(tmpdir(), 'redistill-events-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let folders = 0;
const newFolder = () => join(root, `run-${++folders}`);
const filesOf = (out: string) => readdirSync(join(out, 'tensorboard')).sort();

/** Writes the oracle's runs, one after another, into a folder. */
function writeRuns(out: string): void {
  for (const { after, clock, steps, cut } of oracle.runs) {
    const times = [...clock];
    const file = new EventFile(out, { after, clock: () => times.shift()! });
    for (const [step, scalars] of steps) file.append({ step, ...scalars });
    const { length } = readFileSync(file.path);
    truncateSync(file.path, length - cut);
  }
}

describe('event files', () => {
  it("have the bytes of tensorboard's own writer, of runs that go on too", () => {
    const out = newFolder();
    writeRuns(out);
    const expected = join(fixtures, 'files');
    expect(filesOf(out)).toEqual(readdirSync(expected).sort());
    for (const name of filesOf(out))
      expect(readFileSync(join(out, 'tensorboard', name))).toEqual(readFileSync(join(expected, name)));
  });

  it('of runs that went on are read by tensorboard without a gap and without a step twice', () => {
    // What counts of a step is what the last run that had it wrote.
    const last = new Map(oracle.runs.flatMap(({ steps }) => steps));
    const tags = new Set(Object.keys(oracle.runs[0]!.steps[0]![1]));
    expect(new Set(Object.keys(oracle.read))).toEqual(
      new Set([...tags].map((name) => (name === 'eval_loss' ? 'eval/loss' : `train/${name}`))),
    );
    for (const name of tags) {
      const found = oracle.read[name === 'eval_loss' ? 'eval/loss' : `train/${name}`]!;
      expect(found.map(([step]) => step)).toEqual([...last.keys()].sort((a, b) => a - b));
      for (const [step, value] of found) expect(value).toBe(Math.fround(last.get(step)![name]!));
    }
  });

  it('of an earlier run give way to those of a new one, and leave its hard links', () => {
    const out = newFolder();
    writeRuns(out);
    const first = join(out, 'tensorboard', filesOf(out)[0]!);
    const before = readFileSync(first);
    linkSync(first, join(root, 'kept'));
    removeEvents(out);
    const file = new EventFile(out);
    file.append({ step: 1, loss: 2 });
    expect(filesOf(out)).toEqual(['events.out.tfevents.00001']);
    expect(readFileSync(join(root, 'kept'))).toEqual(before);
    removeEvents(out);
    expect(existsSync(join(out, 'tensorboard'))).toBe(false);
    removeEvents(out);
  });

  it('never remove a file of somebody else’s', () => {
    const out = newFolder();
    mkdirSync(join(out, 'tensorboard'), { recursive: true });
    const notes = join(out, 'tensorboard', 'notes.txt');
    writeFileSync(notes, 'mine');
    expect(() => {
      removeEvents(out);
    }).toThrow(UserError);
    expect(() => {
      removeEvents(out);
    }).toThrow('notes.txt is in the way');
    expect(readFileSync(notes, 'utf8')).toBe('mine');
  });
});
