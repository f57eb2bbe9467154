import { describe, expect, it } from 'vitest';
import { studentDirectory } from '../../test/support/studentDirectory.js';
import { openStudent } from '../train/preflight.js';
import type { Student } from './student.js';
import { boundaryMerges, promptIsPrefix } from './tokenChecks.js';

/** A tokenizer that forgets the spaces of what it decodes, as one does that puts them there itself. */
function spacedTokenizer(tokenizer: Student['tokenizer']): Student['tokenizer'] {
  return Object.assign(Object.create(tokenizer) as Student['tokenizer'], {
    decode: (ids: ArrayLike<number>) => String.fromCharCode(...Array.from(ids)).replaceAll(' ', ''),
    encodeAll: (texts: readonly string[]) =>
      Promise.resolve(texts.map((text) => Int32Array.from(Buffer.from(text)))),
  });
}
describe('boundaryMerges sees', () => {
  it('a space that a tokenizer puts between prompt and response', async () => {
    const student = openStudent(studentDirectory(), { layout: 'template' });
    const { tokenizer } = student;
    const row = (response: number[]) => ({
      ids: Int32Array.from([65, 66, 10, ...response]),
      responseStart: 3,
    });
    const side = { role: 'demonstration' as const, content: '', reasoning: undefined, said: '' };
    const sides = [[53], [32, 53]].map((response) => ({
      ...side,
      row: row(response),
      trainedText: () => '',
    }));
    const spaced = { ...student, tokenizer: spacedTokenizer(tokenizer) };
    expect(await boundaryMerges(sides, student)).toEqual([false, false]); // the space is the text's own
    expect(await boundaryMerges(sides, spaced)).toEqual([false, true]);
  });
});

describe('checks that rows of tokenRow always pass', () => {
  it('see a prompt that is not what generation starts from', async () => {
    const student = openStudent(studentDirectory(), { layout: 'template' });
    const { tokenizer } = student;
    const prompt = await tokenizer.encode('<s>ab\n');
    const side = (ids: Int32Array, responseStart: number) => ({
      role: 'demonstration' as const,
      content: '',
      reasoning: undefined,
      said: '',
      row: { ids, responseStart },
      trainedText: () => '',
    });
    const found = (ids: Int32Array, start: number) =>
      promptIsPrefix(side(ids, start), { promptIds: prompt } as never, {} as never).map(({ code }) => code);
    const ids = await tokenizer.encode('<s>ab\nyes');
    expect(found(ids, 4)).toEqual([]);
    expect(found(ids, 3)).toEqual(['prompt-not-prefix']); // a token of the header would be trained
    expect(found(await tokenizer.encode('<s>ab\n\n'), 4)).toEqual(['prompt-not-prefix']); // merged
    const apart = Int32Array.from([...prompt, ...(await tokenizer.encode('\n\nyes'))]);
    expect(await boundaryMerges([side(ids, 4), side(apart, 4)], student)).toEqual([false, true]);
  });
});
