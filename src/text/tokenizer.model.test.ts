import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { getModel } from '../hub/get.js';
import { tokenRow, encodePrompt } from './tokenRows.js';
import { ChatTokenizer } from './tokenizer.js';

interface Case {
  text: string;
  ids: number[];
  decoded: string;
}

const fixture = new URL('../../test/fixtures/text/tokens.jsonl.gz', import.meta.url);
const cases = gunzipSync(readFileSync(fixture))
  .toString('utf8')
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

let tokenizer: ChatTokenizer;
beforeAll(async () => {
  tokenizer = ChatTokenizer.load((await getModel('smollm2-135m')).path);
});

const refuse = (problem: string) => new Error(problem);
const user = { role: 'user', content: 'What is 5 + 7?' };
const answer = { role: 'assistant', content: 'The answer is 12' };

describe('the tokenizer of SmolLM2', () => {
  it('gives the token ids of transformers on 2,000 texts', async () => {
    expect(cases).toHaveLength(2000);
    const ids = await tokenizer.encodeAll(cases.map(({ text }) => text));
    const wrong = cases.filter((entry, i) => entry.ids.join() !== ids[i]!.join());
    expect(wrong.map(({ text }) => text)).toEqual([]);
  });

  it('decodes them to the same texts', () => {
    const wrong = cases.filter(
      ({ ids, decoded }) => tokenizer.decode(ids, { contentOnly: true }) !== decoded,
    );
    expect(wrong.map(({ text }) => text)).toEqual([]);
  });

  it('stops at the end of a turn', () => {
    expect(tokenizer.turnEnd).toEqual({ text: '<|im_end|>\n', trained: '<|im_end|>', tokenId: 2 });
    expect(tokenizer.stopTokenIds).toEqual([2]);
  });
});

describe('rows of SmolLM2', () => {
  it('end with the token that ends the turn and begin their response at the answer', async () => {
    const row = await tokenRow(tokenizer, [user], [answer], { layout: 'template' }, refuse);
    const prompt = await encodePrompt(tokenizer, [user]);
    expect(row.ids.subarray(0, row.responseStart)).toEqual(prompt);
    expect(tokenizer.decode(row.ids.subarray(row.responseStart))).toBe('The answer is 12<|im_end|>');
  });

  it('keep an answer that holds the end token itself', async () => {
    const odd = { role: 'assistant', content: 'a <|im_end|>\n b' };
    const row = await tokenRow(tokenizer, [user], [odd], { layout: 'template' }, refuse);
    expect(tokenizer.decode(row.ids.subarray(row.responseStart))).toBe('a <|im_end|>\n b<|im_end|>');
  });

  it("count content + 3 in the REDI paper's layout, and leave the last out in fine-tuning", async () => {
    const content = (await tokenizer.encode(answer.content)).length;
    const pair = await tokenRow(tokenizer, [user], [answer], { layout: 'redi' }, refuse);
    expect(pair.ids.length - pair.responseStart).toBe(content + 3);
    const sft = await tokenRow(tokenizer, [user], [answer], { layout: 'redi', sft: true }, refuse);
    expect(sft.ids).toEqual(pair.ids.slice(0, -1));
    expect(tokenizer.decode(sft.ids.subarray(sft.responseStart))).toBe('The answer is 12<|im_end|>\n');
  });

  it('of a fine-tuning file are tokenised in one go, as those of the template are', async () => {
    const [end] = await tokenizer.encode('<|im_end|>');
    for (const [i, { text }] of cases.entries()) {
      // Rendered chats hold the marker that the paper's code searches; an answer that is blank is refused earlier.
      if (i % 7 !== 0 || text.trim() === '' || text.includes('<|im_')) continue;
      const said = { role: 'assistant', content: text };
      const whole = await tokenizer.encode(tokenizer.renderChat([user, said]));
      const sft = await tokenRow(tokenizer, [user], [said], { layout: 'redi', sft: true }, refuse);
      const row = await tokenRow(tokenizer, [user], [said], { layout: 'template' }, refuse);
      expect(row.ids.at(-1)).toBe(end);
      const prompt = await encodePrompt(tokenizer, [user]);
      for (const { ids, responseStart } of [sft, row]) {
        expect(ids.subarray(0, responseStart)).toEqual(prompt);
        expect(
          tokenizer
            .decode(ids.subarray(responseStart))
            .startsWith(tokenizer.decode(await tokenizer.encode(text))),
        ).toBe(true);
      }
      // A text that begins with white space may share a token with the prompt's last newline.
      if (/^\S/.test(text)) expect(sft.ids).toEqual(whole);
    }
  });

  it('take a system message where the conversation has none', async () => {
    const system = 'Be brief.';
    const row = await tokenRow(tokenizer, [user], [answer], { layout: 'template', system }, refuse);
    expect(tokenizer.decode(row.ids)).toContain('system\nBe brief.<|im_end|>');
    const own = [{ role: 'system', content: 'Mine.' }, user];
    const kept = await tokenRow(tokenizer, own, [answer], { layout: 'template', system }, refuse);
    expect(tokenizer.decode(kept.ids)).toContain('system\nMine.<|im_end|>');
    expect(tokenizer.decode(kept.ids)).not.toContain('Be brief.');
  });

  it('of plain texts have no template and end with the end token', async () => {
    const row = await tokenRow(tokenizer, 'Q: 5 + 7?\nA:', ' 12', { layout: 'template' }, refuse);
    expect(tokenizer.decode(row.ids)).toBe('Q: 5 + 7?\nA: 12<|im_end|>');
    expect(tokenizer.decode(row.ids.subarray(row.responseStart))).toBe(' 12<|im_end|>');
  });

  it('begin a forced prefix after the prompt', async () => {
    const ids = await encodePrompt(tokenizer, [user], { forcedPrefix: '<think>\n' });
    expect(tokenizer.decode(ids)).toMatch(/<\|im_start\|>assistant\n<think>\n$/);
  });
});
