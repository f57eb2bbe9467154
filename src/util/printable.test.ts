import { describe, expect, it } from 'vitest';
import { inLine, jsonLine, printable, printablePainted } from './printable.js';

/** Everything that steers a terminal or hides on it, by what it does. */
const HOSTILE = {
  escape: '\u001B[31m',
  title: '\u001B]0;pwned\u0007',
  'a line written anew': '\r\u001B[2Kpass@1 100 %',
  backspace: 'a\b',
  delete: 'a\u007F',
  'C1 control': '\u009B31m',
  NUL: 'a\0b',
  'right to left': 'a\u202Eb',
  'an isolated direction': 'a\u2066b\u2069',
  mark: 'a\u200Fb',
  'nothing visible': 'a\u200Bb\uFEFF\u00AD\u2060',
  'a tag': 'a\u{E0041}b',
  'a line separator': 'a\u2028b',
};
const OBEYED =
  // The expected set is spelt out again, by numbers.
  (text: string) =>
    Array.from(text).filter((character) => {
      const code = character.codePointAt(0)!;
      return (
        (code < 32 && code !== 9 && code !== 10) ||
        (code >= 127 && code < 160) ||
        [0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0xfeff].includes(code) ||
        (code >= 0x2028 && code <= 0x202e) ||
        (code >= 0x2060 && code <= 0x206f) ||
        (code >= 0xe0000 && code <= 0xe007f)
      );
    });

describe.each(Object.entries(HOSTILE))('%s', (_, text) => {
  it('is written out', () => {
    expect(OBEYED(text)).not.toEqual([]);
    expect(OBEYED(printable(text))).toEqual([]);
    expect(OBEYED(inLine(`${text}\n${text}`))).toEqual([]);
    expect(inLine(`${text}\n${text}`)).not.toContain('\n');
  });

  it('is the same value in JSON', () => {
    const line = jsonLine({ [text]: [text] });
    expect(OBEYED(line)).toEqual([]);
    expect(JSON.parse(line)).toEqual({ [text]: [text] });
  });
});

it('shows which character it was', () => {
  expect(printable('\u001B[1m \u{E0041}')).toBe('‹U+001B›[1m ‹U+E0041›');
});

it('leaves text as it is', () => {
  const text = 'Ein Satz,\n\tmit π ≈ 3 und 👩‍👧 und می‌خواهم\n';
  expect(printable(text)).toBe(text);
  expect(jsonLine({ text })).toBe(JSON.stringify({ text }));
});

it('lets colours pass where they are our own, and nothing else', () => {
  expect(printablePainted('\u001B[1;32mgood\u001B[0m \u001B[2K \u001B]0;x\u0007 \u001B')).toBe(
    '\u001B[1;32mgood\u001B[0m ‹U+001B›[2K ‹U+001B›]0;x‹U+0007› ‹U+001B›',
  );
});

it('makes a line of a text, and a short one', () => {
  expect(inLine('  a\r\n\n b  ')).toBe('a ⏎ b');
  expect(inLine('abcdef', 3)).toBe('abc…');
});
