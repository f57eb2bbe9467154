import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeRoom } from './room.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'redistill-room-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const journal = (answers: number) => ['{"journal": 1}', ...Array<string>(answers).fill('{}')].join('\n');

/** A folder that a stage has left, with these files. */
function folder(name: string, command: string, files: Record<string, string>): string {
  const dir = join(root, name);
  for (const [file, text] of Object.entries({
    ...files,
    'redistill.json': JSON.stringify({ made_by: 'redistill', command }),
  })) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), text);
  }
  return dir;
}

describe('a folder whose stage begins anew', () => {
  const [result, other] = [
    { isResult: true, mayBeWhole: true },
    { isResult: false, mayBeWhole: true },
  ];
  const done = { 'finished.json': '{}', 'model/config.json': 'hours of work' };

  it.each<[string, string, Record<string, string>, typeof result, string]>([
    ['its recorded result', 'train', done, result, 'previous'],
    ['a model that is not the recorded one', 'train', done, other, 'kept'],
    [
      'a run that was gone on with over its result',
      'train',
      { 'states/step-3/state.json': '{}' },
      result,
      'kept',
    ],
    ['a run with a state', 'train', { 'states/step-3/state.json': '{}' }, other, 'kept'],
    ['a run with a checkpoint', 'train', { 'checkpoints/step-3/config.json': '{}' }, other, 'kept'],
    ['a run with its best weights', 'train', { 'best/config.json': '{}' }, other, 'kept'],
    [
      'a run whose best step is the start',
      'train',
      { 'best/config.json': '{}', 'best.json': '{"metric": "eval_loss", "step": 0}' },
      other,
      'previous',
    ],
    ['a run that has saved nothing', 'train', { 'metrics.jsonl': '{}' }, other, 'previous'],
    ['answers', 'collect', { 'journal.jsonl': journal(1) }, other, 'kept'],
    ['no answer yet', 'evaluate', { 'journal.jsonl': journal(0) }, other, 'previous'],
  ])('leaves %s beside it', (_, command, files, left, place) => {
    const dir = folder('student', command, files);
    const moved = makeRoom(dir, left);
    expect(moved).toMatchObject({ to: `${dir}.${place}`, stays: place === 'kept' });
    expect(existsSync(dir)).toBe(false);
    const [file, text] = Object.entries(files)[0]!;
    expect(readFileSync(join(moved!.to, file), 'utf8')).toBe(text);
  });

  it('takes no place of what is kept, and of no result that is newer', () => {
    folder('student.previous', 'train', { 'metrics.jsonl': 'first' });
    for (const n of ['', '-2', '-3']) {
      const dir = folder('student', 'train', { 'states/step-3/state.json': n });
      expect(makeRoom(dir, other)!.to).toBe(`${dir}.kept${n}`);
    }
    for (const n of ['', '-2', '-3'])
      expect(readFileSync(join(root, `student.kept${n}`, 'states/step-3/state.json'), 'utf8')).toBe(n);
    expect(readFileSync(join(root, 'student.previous/metrics.jsonl'), 'utf8')).toBe('first');
    const dir = folder('student', 'train', done);
    expect(makeRoom(dir, result)!.to).toBe(`${dir}.previous`);
    expect(existsSync(join(root, 'student.previous/model/config.json'))).toBe(true);
  });
});
