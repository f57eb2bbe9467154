import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createProgress, formatDuration } from './progress.js';

function open(tty: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY: tty, columns: 60 });
  let time = 0;
  const progress = createProgress('train', {
    stream: stream as unknown as NodeJS.WriteStream,
    now: () => time,
  });
  return {
    progress,
    text: () => String(stream.read() ?? ''),
    advance: (seconds: number) => {
      time += seconds * 1000;
    },
  };
}

describe('createProgress without a terminal', () => {
  it('writes a line each 10 s or 10 %, with the time left', () => {
    const { progress, text, advance } = open(false);
    const lines: string[] = [];
    for (let step = 0; step <= 100; step++) {
      progress.update(step, 100, 'loss 2');
      lines.push(...text().split('\n').filter(Boolean));
      advance(0.5);
    }
    expect(lines[0]).toBe('train: 0 %, loss 2');
    expect(lines[1]).toBe('train: 10 %, 0:45 left, loss 2');
    expect(lines.at(-1)).toBe('train: 100 %, loss 2');
    expect(lines).toHaveLength(11);

    const slow = open(false);
    for (let second = 0; second < 60; second++) {
      slow.progress.update(second, 100_000);
      slow.advance(1);
    }
    expect(slow.text().split('\n').filter(Boolean)).toHaveLength(6);
  });

  it('starts a new estimate for a new phase', () => {
    const { progress, text, advance } = open(false);
    progress.update(0, 10, 'download');
    advance(100);
    progress.update(10, 10, 'download');
    advance(1);
    progress.update(0, 4, 'compile');
    advance(20);
    progress.update(1, 4, 'compile');
    expect(text().split('\n').filter(Boolean).at(-1)).toBe('train: 25 %, 1:00 left, compile');
  });
});

describe('createProgress on a terminal', () => {
  it('draws one line no wider than the terminal, keeps log lines above it and removes it at the end', () => {
    const { progress, text, advance } = open(true);
    progress.update(0, 10);
    advance(3);
    progress.update(5, 10, 'a note that is much too long for such a narrow terminal as this');
    progress.log('a line');
    progress.finish('done');
    const output = text();
    expect(output).toContain('train ██████████░░░░░░░░░░ 50 %, 0:03 left, a note');
    expect(output).toContain('a line\n');
    expect(output.endsWith('done\n')).toBe(true);
    for (const line of output.split(/\n|\x1b\[[\d;]*[A-Za-z]/)) expect(line.length).toBeLessThan(60);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0:00'],
    [59.6, '1:00'],
    [3599, '59:59'],
    [7265, '2:01:05'],
  ])('%s s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});
