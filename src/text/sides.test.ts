import { describe, expect, it } from 'vitest';
import { chatDirectory } from '../../test/support/chatDirectory.js';
import { UserError } from '../util/errors.js';
import { tokenRow } from './tokenRows.js';
import { sidesOf, tokenSide } from './sides.js';
import { ChatTokenizer } from './tokenizer.js';

const said = (content: string) => [{ role: 'assistant', content }];
const message = { kind: 'messages' as const, response: said('four') };
const pair = { kind: 'preference' as const, chosen: said('4'), rejected: said('5') };

describe('sidesOf', () => {
  it('takes one response of a message row, whatever the objective', () => {
    for (const data of ['messages', 'pairs'] as const)
      expect(sidesOf(message, data)).toEqual([{ role: 'demonstration', response: said('four') }]);
  });

  it('takes both sides of a pair, or the chosen one as a demonstration', () => {
    expect(sidesOf(pair, 'pairs')).toEqual([
      { role: 'chosen', response: said('4') },
      { role: 'rejected', response: said('5') },
    ]);
    expect(sidesOf(pair, 'messages')).toEqual([{ role: 'demonstration', response: said('4') }]);
  });
});

it('tokenSide lays demonstrations out as for fine-tuning, and sides of pairs not', async () => {
  const template =
    "{% for m in messages %}{{ '<|im_start|>' + m.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>' }}{% endif %}";
  const tokenizer = ChatTokenizer.load(chatDirectory(template, ['<|im_end|>', '<|im_start|>']));
  const prompt = [{ role: 'user', content: 'x' }];
  const refuse = (text: string) => new UserError(text);
  for (const [side, sft] of [
    [sidesOf(pair, 'messages')[0]!, true],
    [sidesOf(pair, 'pairs')[0]!, false],
  ] as const) {
    const row = await tokenSide(tokenizer, { prompt }, side, { layout: 'redi' }, refuse);
    const expected = await tokenRow(tokenizer, prompt, side.response, { layout: 'redi', sft }, refuse);
    expect(row).toEqual(expected);
  }
  const [demonstration, chosen] = await Promise.all(
    (['messages', 'pairs'] as const).map((data) =>
      tokenSide(tokenizer, { prompt }, sidesOf(pair, data)[0]!, { layout: 'redi' }, refuse),
    ),
  );
  expect(chosen!.ids.length).toBe(demonstration!.ids.length + 1); // the end-of-text token
});
