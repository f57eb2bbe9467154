import { describe, expect, it } from 'vitest';
import { chatDirectory } from '../../test/support/chatDirectory.js';
import { UserError } from '../util/errors.js';
import { tokenRow } from './tokenRows.js';
import { sidesOf, tokenSide } from './sides.js';
import { ChatTokenizer } from './tokenizer.js';

const said = (content: string) => [{ role: 'assistant', content }];
const prompt = [{ role: 'user', content: 'x' }];
const message = {
  prompt,
  kind: 'messages' as const,
  response: said('four'),
};
const pair = {
  prompt,
  kind: 'preference' as const,
  chosen: said('4'),
  rejected: said('5'),
};

describe('sidesOf', () => {
  it('takes one response of a message row, whatever the objective', () => {
    for (const data of ['messages', 'pairs'] as const)
      expect(sidesOf(message, data)).toEqual([{ prompt, role: 'demonstration', response: said('four') }]);
  });

  it('takes both sides of a pair, or the chosen one as a demonstration', () => {
    expect(sidesOf(pair, 'pairs')).toEqual([
      { prompt, role: 'chosen', response: said('4') },
      { prompt, role: 'rejected', response: said('5') },
    ]);
    expect(sidesOf(pair, 'messages')).toEqual([{ prompt, role: 'demonstration', response: said('4') }]);
  });
});

it('tokenSide multiplies the weight of a row by that of the message', async () => {
  const template = "{% for m in messages %}{{ m.content + '<|im_end|>' }}{% endfor %}";
  const tokenizer = ChatTokenizer.load(chatDirectory(template, ['<|im_end|>']));
  const weigh = async (weight: number | undefined, own: number | undefined) => {
    const response = [{ role: 'assistant', content: '4', ...(own !== undefined && { weight: own }) }];
    const row = { ...message, response, ...(weight !== undefined && { weight }) };
    const refuse = (text: string) => new UserError(text);
    const { weights } = await tokenSide(
      tokenizer,
      sidesOf(row, 'messages')[0]!,
      { layout: 'template' },
      refuse,
    );
    return weights && [...weights];
  };
  expect(await weigh(undefined, undefined)).toBeUndefined();
  expect(await weigh(undefined, -0.5)).toEqual([-0.5, -0.5]);
  expect(await weigh(3, undefined)).toEqual([3, 3]);
  expect(await weigh(3, -0.5)).toEqual([-1.5, -1.5]);
});

it('tokenSide lays demonstrations out as for fine-tuning, and sides of pairs not', async () => {
  const template =
    "{% for m in messages %}{{ '<|im_start|>' + m.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>' }}{% endif %}";
  const tokenizer = ChatTokenizer.load(chatDirectory(template, ['<|im_end|>', '<|im_start|>']));
  const refuse = (text: string) => new UserError(text);
  for (const [side, sft] of [
    [sidesOf(pair, 'messages')[0]!, true],
    [sidesOf(pair, 'pairs')[0]!, false],
  ] as const) {
    const row = await tokenSide(tokenizer, side, { layout: 'redi' }, refuse);
    const response = side.response as typeof message.response;
    const expected = await tokenRow(tokenizer, prompt, response, { layout: 'redi', sft }, refuse);
    expect(row).toEqual(expected);
  }
  const [demonstration, chosen] = await Promise.all(
    (['messages', 'pairs'] as const).map((data) =>
      tokenSide(tokenizer, sidesOf(pair, data)[0]!, { layout: 'redi' }, refuse),
    ),
  );
  expect(chosen!.ids.length).toBe(demonstration!.ids.length + 1); // the end-of-text token
});
