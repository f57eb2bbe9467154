import { describe, expect, it } from 'vitest';
import { servers } from '../../test/support/served.js';
import { printable } from '../util/printable.js';
import { Columns, widthOf, wrap } from './columns.js';
import { Conversation } from './conversation.js';
import { Session } from './session.js';

const { saying } = servers();

/** A chat with models that say these tokens one after another, and what it has shown. */
async function chat(chains: readonly (readonly string[])[], width?: number) {
  const conversations = [];
  for (const [i, chain] of chains.entries()) {
    const { served, generator, tokenizer } = await saying(chain);
    conversations.push(new Conversation(`model ${i + 1}`, generator, tokenizer, served.loop));
  }
  let shown = '';
  const print = (text: string) => {
    shown += text;
  };
  const manner = { sampling: { temperature: 0, topP: 1 }, maxTokens: 2000, seed: 0 };
  const session = new Session(conversations, { print, width: () => width }, manner);
  const takes = async (line: string) => {
    shown = '';
    const goesOn = await session.take(line);
    return goesOn ? shown : undefined;
  };
  return { session, conversations, takes, shown: () => shown };
}

const abc = ['<|assistant|>', 'a', 'b', 'c', '<|end|>'];
const xyz = ['<|assistant|>', 'x', 'y', '\n', 'z', '<|end|>'];

describe('a chat', () => {
  it('answers each question with all that was said before', async () => {
    const { takes, conversations } = await chat([abc]);
    expect(await takes('one')).toBe('abc\n');
    expect(await takes('two')).toBe('abc\n');
    const [conversation] = conversations;
    expect(conversation!.messages.map(({ role, content }) => `${role}: ${content}`)).toEqual([
      ...['user: one', 'assistant: abc', 'user: two', 'assistant: abc'],
    ]);
    expect(await takes('  ')).toBe('');
    expect(await takes('/system Be brief.')).toBe('');
    expect(conversation!.messages).toEqual([{ role: 'system', content: 'Be brief.' }]);
    await takes('three');
    await takes('/clear');
    expect(conversation!.messages).toEqual([{ role: 'system', content: 'Be brief.' }]);
    await takes('/system');
    expect(conversation!.messages).toEqual([]);
    expect(await takes('/nothing')).toContain('There is no /nothing');
    expect(await takes('/help')).toContain('/temperature');
    expect(await takes('/temperature hot')).toContain('A temperature is');
    expect(await takes('/temperature 0.5')).toBe('');
    expect(await takes('/exit')).toBeUndefined();
  });

  it('stops an answer, which stays as far as it came', async () => {
    const { takes, session, shown, conversations } = await chat([['<|assistant|>', 'a', 'b', 'a']]);
    expect(session.stop()).toBe(false);
    const taken = takes('go on for ever');
    while (shown() === '') await new Promise((resolve) => setTimeout(resolve, 1));
    expect(session.stop()).toBe(true);
    expect(session.stop()).toBe(false);
    const text = (await taken)!;
    expect(text).toMatch(/^(ab)*a?\n\(stopped\)\n$/);
    expect(conversations[0]!.messages.at(-1)!.content).toBe(text.split('\n')[0]);
  });

  it('says why a question is not answered, and forgets it', async () => {
    const { takes, conversations } = await chat([abc]);
    expect(await takes('x'.repeat(5000))).toMatch(
      /^\[the conversation has \d+ tokens.*\/clear begins anew\]\n$/,
    );
    expect(conversations[0]!.messages).toEqual([]);
  });

  it('shows two models in columns, or one below the other', async () => {
    const wide = await chat([abc, xyz], 80);
    const pad = (text: string) => text.padEnd(38);
    expect(await wide.takes('hello')).toBe(
      [`${pad('model 1')} │ model 2`, `${pad('abc')} │ xy`, `${pad('')} │ z`, ''].join('\n'),
    );
    for (const width of [60, undefined]) {
      const narrow = await chat([abc, xyz], width);
      expect(await narrow.takes('hello')).toBe('model 1:\nabc\nmodel 2:\nxy\nz\n');
    }
  });
});

describe('an answer', () => {
  /** What is shown of answers that models of our own give. */
  async function shown(answers: readonly string[], width: number | undefined, reason: 'stop' | 'length') {
    let text = '';
    const conversations = answers.map((answer, i) => ({
      name: `model ${i + 1}`,
      ask: (_question: string, _manner: unknown, show: (piece: string) => void) => {
        for (const character of answer) show(character);
        return Promise.resolve(reason);
      },
      begin: () => undefined,
      clear: () => undefined,
    }));
    const screen = { print: (more: string) => (text += printable(more)), width: () => width };
    const manner = { sampling: { temperature: 0, topP: 1 }, maxTokens: 5, seed: 0 };
    await new Session(conversations, screen, manner).take('hello');
    return text;
  }

  it('that is cut off says so to a person, and not to a pipe', async () => {
    expect(await shown(['abc'], 80, 'length')).toBe('abc\n(cut off)\n');
    expect(await shown(['abc'], 80, 'stop')).toBe('abc\n');
    expect(await shown(['abc'], undefined, 'length')).toBe('abc\n');
    expect((await shown(['abc', 'd'], 80, 'length')).match(/\(cut off\)/g)).toHaveLength(2);
  });

  it('that would steer the terminal stays in its column', async () => {
    const lines = (await shown(['\u001B[2Ja\u0007'.repeat(9), '\u202Exyz '.repeat(20)], 80, 'stop')).split(
      '\n',
    );
    expect(lines.length).toBeGreaterThan(4);
    for (const line of lines.slice(0, -1)) {
      expect(line.indexOf('│')).toBe(39);
      expect(line.length).toBeLessThanOrEqual(80);
    }
  });
});

describe('lines', () => {
  it.each<[string, number, string[]]>([
    ['one two three', 7, ['one two', 'three']],
    ['one two three', 3, ['one', 'two', 'thr', 'ee']],
    ['a\n\nb', 5, ['a', '', 'b']],
    ['漢字漢字', 5, ['漢字', '漢字']],
    ['', 5, ['']],
  ])('of %j have at most %d cells', (text, width, lines) => {
    expect(wrap(text, width).map((line) => line.trimEnd())).toEqual(lines);
  });

  it('of growing columns are those of whole ones, however they grow', () => {
    const texts = ['one two three four five\nsix', 'a 漢字 b\n\nc and something longer than a line'];
    const expected = texts.map((text) => wrap(text, 12));
    const columns = new Columns(2, 12);
    const lines: string[] = [];
    const characters = texts.map((text) => Array.from(text));
    for (let at = 0; at < 60; at++)
      characters.forEach((own, i) => {
        if (own[at] !== undefined) lines.push(...columns.push(i, own[at]!));
        if (at === own.length) lines.push(...columns.end(i));
      });
    expect(lines).toHaveLength(Math.max(...expected.map(({ length }) => length)));
    lines.forEach((line, i) => {
      const [left, right] = expected.map((own) => (own[i] ?? '').trimEnd());
      expect(line.split(' │')[0]!.trimEnd()).toBe(left);
      expect(line.split(' │')[1]?.trim() ?? '').toBe(right);
      expect(widthOf(line)).toBeLessThanOrEqual(12 + 3 + 12);
    });
  });
});
