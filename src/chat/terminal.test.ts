import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { converse } from './terminal.js';

/** A terminal that a test types at, and a session that answers when it is told to. */
function typing() {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { columns: 20 });
  const waiting: (() => void)[] = [];
  const taken: string[] = [];
  let shown = '';
  const print = (text: string) => {
    shown += text;
  };
  output.on('data', (chunk: Buffer) => {
    print(chunk.toString());
  });
  const session = {
    stop: () => waiting.length > 0,
    take: async (line: string) => {
      taken.push(line);
      print('[ans');
      await new Promise<void>((resolve) => waiting.push(resolve));
      print('wer]\n');
      return true;
    },
  };
  const left = converse(session, { input, output, isTerminal: true, print });
  return {
    ...{ input, output, taken, left },
    shown: () => shown,
    /** Types, and lets readline see it. */
    type: async (text: string) => {
      input.write(text);
      await sleep(20);
    },
    answer: async () => {
      waiting.shift()!();
      await sleep(20);
    },
  };
}

describe('a terminal', () => {
  it('shows nothing of itself in an answer, whatever is typed and however wide it becomes', async () => {
    const { shown, type, answer, output, input, taken, left } = typing();
    await type('one\r');
    await type('a second question, longer than a line\r');
    await type('and th');
    for (const columns of [10, 40]) {
      output.columns = columns;
      output.emit('resize');
      await type('\u001B[D\u001B[C');
    }
    await answer();
    expect(shown()).toContain('[answer]\n> a second question, longer than a line\n[ans');
    await answer();
    expect(shown().match(/\[ans(?!wer\])/g)).toBeNull();
    // What was begun stands at the prompt, and nothing of the answers is taken away above it.
    const end = shown().slice(shown().lastIndexOf('[answer]'));
    expect(end).toContain('> and th');
    expect(end).not.toMatch(/\u001B\[\d*A/);
    await type('ird\r');
    await answer();
    expect(taken).toEqual(['one', 'a second question, longer than a line', 'and third']);
    input.end();
    expect(await left).toBe(false);
  });

  it.each([
    ['Ctrl-D in the midst of an answer', '\u0004', true, ['one']],
    ['Ctrl-D at the prompt', '\u0004', false, ['one']],
    ['the end of the input in the midst of an answer', undefined, true, ['one']],
    ['Ctrl-D after another question', 'two\r\u0004', true, ['one', 'two']],
  ] as const)('ends at %s, and takes no more of the input', async (_, keys, inAnswer, lines) => {
    const { type, answer, input, taken, left } = typing();
    await type('one\r');
    if (!inAnswer) await answer();
    if (keys === undefined) input.end();
    else await type(keys);
    for (let i = inAnswer ? 0 : 1; i < lines.length; i++) await answer();
    expect(await left).toBe(false);
    expect(taken).toEqual(lines);
    expect(input.isPaused() || input.readableEnded).toBe(true);
  });

  it('is left by Ctrl-C where no answer is under way', async () => {
    const { type, answer, left, input } = typing();
    await type('one\r');
    await type('\u0003');
    await answer();
    await type('\u0003');
    expect(await left).toBe(true);
    expect(input.isPaused()).toBe(true);
  });
});
