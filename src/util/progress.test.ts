import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createProgress, formatDuration } from './progress.js';

function open(tty: boolean, columns = 60) {
  const stream = Object.assign(new PassThrough(), { isTTY: tty, columns });
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
  it('writes a line each 10 s or 10 % after 2 s, with the time left', () => {
    const { progress, text, advance } = open(false);
    const lines: string[] = [];
    for (let step = 0; step <= 100; step++) {
      progress.update(step, 100, 'loss 2');
      lines.push(...text().split('\n').filter(Boolean));
      advance(0.5);
    }
    expect(lines[0]).toBe('train: 4 %, 0:48 left, loss 2');
    expect(lines[1]).toBe('train: 14 %, 0:43 left, loss 2');
    expect(lines.at(-1)).toBe('train: 94 %, 0:03 left, loss 2');
    expect(lines).toHaveLength(10);
    progress.finish();
    expect(text()).toBe('train: 100 %, loss 2\n');

    const slow = open(false);
    for (let second = 0; second < 60; second++) {
      slow.progress.update(second, 100_000);
      slow.advance(1);
    }
    expect(slow.text().split('\n').filter(Boolean)).toHaveLength(6);
  });

  it.each([1, 2, 3, 7, 40])('says nothing of %i steps that take less than 2 s together', (steps) => {
    const { progress, text, advance } = open(false);
    for (let step = 0; step <= steps; step++) {
      progress.update(step, steps, 'reading');
      advance(1.9 / steps / 2);
    }
    progress.finish();
    expect(text()).toBe('');
    progress.finish('a summary');
    expect(text()).toBe('a summary\n');
  });

  it.each([2.5, 9, 30, 1000])('ends work of %d s with its 100th percent, once', (seconds) => {
    const { progress, text, advance } = open(false);
    for (let step = 0; step <= 50; step++) {
      progress.update(step, 50);
      advance(seconds / 50);
    }
    progress.finish();
    const lines = text().split('\n').filter(Boolean);
    expect(lines.filter((line) => line.includes('100 %'))).toEqual([lines.at(-1)]);
  });

  it('ends work that was broken off with where it was', () => {
    const { progress, text, advance } = open(false);
    for (let step = 0; step < 30; step++) {
      progress.update(step, 50);
      advance(1);
    }
    progress.finish();
    expect(text().split('\n').filter(Boolean).at(-1)).toBe('train: 58 %, 0:21 left');
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
    expect(output).toContain('train ██░░ 50 %, 0:03 left, a note that is much too long fo');
    expect(output).toContain('a line\n');
    expect(output.endsWith('done\n')).toBe(true);
    for (const line of output.split(/\n|\x1b\[[\d;]*[A-Za-z]/)) expect(line.length).toBeLessThan(60);
  });
});

describe('the line on a terminal', () => {
  const note = '465 tokens/s, loss 0.9593, logps per token -4.777 / -12.345';
  const shown = (columns: number): string => {
    const { progress, text, advance } = open(true, columns);
    progress.update(0, 1000);
    advance(60);
    progress.update(12, 1000, note);
    progress.finish();
    return text()
      .split(/\r|\n|\x1b\[[\d;?]*[A-Za-z]/)
      .findLast((part) => part.startsWith('train '))!;
  };

  it('is whole where there is room', () => {
    expect(shown(120)).toBe(`train ${'░'.repeat(20)} 1 %, 1:22:20 left, ${note}`);
  });

  it('has curves in it where there is room for all of them, as long as fit', () => {
    const line = (tty: boolean, columns: number): string => {
      const { progress, text, advance } = open(tty, columns);
      progress.update(0, 1000);
      advance(60);
      progress.update(12, 1000, note, (width) => `${note} ${'▃'.repeat(width)}`);
      if (tty) progress.finish();
      return text()
        .split(/\r|\n|\x1b\[[\d;?]*[A-Za-z]/)
        .findLast((part) => part.startsWith('train'))!;
    };
    for (const [columns, width] of [
      [200, 24],
      [115, 24],
      [114, 16],
      [107, 16],
      [106, 10],
      [101, 10],
      [100, 0],
      [60, 0],
    ] as const) {
      expect([columns, line(true, columns).split('▃').length - 1]).toEqual([columns, width]);
      expect(line(true, columns).length).toBeLessThan(columns);
      if (width === 0) expect(line(true, columns)).toBe(shown(columns));
    }
    expect(line(false, 200)).toBe(`train: 1 %, 1:22:20 left, ${note}`);
  });

  it('shortens the bar first', () => {
    expect(shown(92)).toMatch(new RegExp(`^train ░{4,19} 1 %, 1:22:20 left, ${note}$`));
    expect(shown(92)).toHaveLength(91);
  });

  it('then leaves out what comes last, and never a part of a figure', () => {
    expect(shown(80)).toBe(`train ${'░'.repeat(20)} 1 %, 1:22:20 left, 465 tokens/s, loss 0.9593`);
    expect(shown(60)).toMatch(/^train ░{4,20} 1 %, 1:22:20 left, 465 tokens\/s, loss 0\.9593$/);
    expect(shown(50)).toMatch(/^train ░{4,20} 1 %, 1:22:20 left, 465 tokens\/s$/);
  });

  it('leaves the cursor and the wrapping of the terminal as they are', () => {
    const { progress, text, advance } = open(true);
    progress.update(0, 10);
    advance(3);
    progress.update(5, 10);
    expect(text()).not.toMatch(/\x1b\[\?/); // with no end, as where the process is killed
    progress.finish();
    expect(text()).not.toMatch(/\x1b\[\?/);
  });

  it('is not written over by the log of another work', () => {
    const whole = open(true);
    const part = open(true);
    part.progress.update(1, 10);
    whole.progress.log('stopping…');
    expect(whole.text()).toBe('');
    part.progress.finish();
    expect(part.text()).toContain('stopping…\n');
    whole.progress.log('stopped');
    expect(whole.text()).toBe('stopped\n');
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
