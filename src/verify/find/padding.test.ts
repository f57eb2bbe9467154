import { expect, it } from 'vitest';
import { Random } from '../../util/random.js';
import { withoutPadding } from './padding.js';

/** The same rule as a regular expression. */
const PADDING =
  /[\u0000-\u0020\u0085\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufeff]{5,}/g;

const plain = (text: string) => text.replace(PADDING, (run) => (run.includes('\n') ? '\n\n' : '    '));

it('runs of padding are found as a regular expression finds them, wherever they begin', () => {
  const random = new Random(1);
  const signs = [' ', '\n', '\t', '\u200b', '\u00a0', '\u3000', 'a'];
  for (let round = 0; round < 20_000; round++) {
    const kinds = 1 + random.nextInt(signs.length);
    const text = Array.from({ length: random.nextInt(40) }, () =>
      random.nextInt(4) === 0 ? 'a' : signs[random.nextInt(kinds)]!,
    ).join('');
    expect(withoutPadding(text), JSON.stringify(text)).toBe(plain(text));
  }
});

it('every character is padding or not as in the regular expression', () => {
  for (let code = 0; code < 0x10000; code++) {
    const text = `a${String.fromCharCode(code).repeat(5)}a`;
    expect(withoutPadding(text), code.toString(16)).toBe(plain(text));
  }
});
