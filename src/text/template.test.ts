import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { tokenRow } from './rows.js';
import { ChatTemplate, type ChatMessage } from './template.js';
import { ChatTokenizer } from './tokenizer.js';

interface Fixture {
  special: Record<string, string>;
  templates: Record<string, string>;
  cases: { template: string; messages: ChatMessage[]; addGenerationPrompt: boolean; expected: string }[];
}

const path = new URL('../../test/fixtures/text/templates.json', import.meta.url);
const fixture = JSON.parse(readFileSync(path, 'utf8')) as Fixture;

describe.each(Object.entries(fixture.templates))('the template of %s', (name, source) => {
  const template = new ChatTemplate(source, name, fixture.special);
  const cases = fixture.cases.filter((entry) => entry.template === name);

  it.each(cases.map((entry, i) => [i, entry] as const))(
    'renders chat %i as transformers does',
    (_, entry) => {
      expect(template.render(entry.messages, entry.addGenerationPrompt)).toBe(entry.expected);
    },
  );
});

describe('a template', () => {
  it('may refuse messages with its own words', () => {
    const template = new ChatTemplate(fixture.templates.gemma3!, 'gemma3', fixture.special);
    const twice = [
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
    ];
    expect(() => template.render(twice, true)).toThrow(/gemma3: .*roles must alternate/);
  });

  it('that cannot be parsed is an error of its file', () => {
    expect(() => new ChatTemplate('{% if %}', 'x/chat_template.jinja', {})).toThrow(UserError);
  });

  it('has no way to what is outside it', () => {
    const template = new ChatTemplate('{{ process }}{{ messages.constructor }}', 'x', {});
    expect(template.render([{ role: 'user', content: 'a' }], false)).not.toMatch(/function|\[object/);
  });
});

/** A directory with a byte-level tokenizer whose chat template is `template`. */
function directory(template: string, tokens: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'redistill-text-'));
  const vocab: Record<string, number> = {};
  for (let byte = 33; byte < 127; byte++) vocab[String.fromCharCode(byte)] = byte - 33;
  vocab['Ġ'] = 94;
  vocab['Ċ'] = 95;
  const added_tokens = tokens.map((content, i) => ({ id: 96 + i, content, special: true }));
  const tokenizer = {
    version: '1.0',
    added_tokens: added_tokens.map((token) => ({
      ...token,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', vocab, merges: [], byte_fallback: false },
  };
  writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(tokenizer));
  writeFileSync(
    join(dir, 'tokenizer_config.json'),
    JSON.stringify({ eos_token: tokens[0], bos_token: tokens[1] }),
  );
  writeFileSync(join(dir, 'chat_template.jinja'), template);
  return dir;
}

const chatTokens = ['<|im_end|>', '<|im_start|>', '<|endoftext|>'];
const refuse = (problem: string) => new UserError(`rows.jsonl, line 3: ${problem}.`);
const user = { role: 'user', content: 'x' };
const thinking = { role: 'assistant', content: '<think>\nhm\n</think>\n\nyes' };

describe('rows by a template', () => {
  it('keep the thinking of the last answer where the template does', async () => {
    const tokenizer = ChatTokenizer.load(directory(fixture.templates.qwen3!, chatTokens));
    const row = await tokenRow(tokenizer, [user], [thinking], { layout: 'template' }, refuse);
    expect(tokenizer.decode(row.ids.subarray(row.responseStart))).toBe(`${thinking.content}<|im_end|>`);
  });

  it('are refused, with file and line, where the template drops thinking', async () => {
    const drops = fixture.templates.qwen3!.replace('loop.index0 > ns.last_query_index and', 'false and');
    const tokenizer = ChatTokenizer.load(directory(drops, chatTokens));
    await expect(tokenRow(tokenizer, [user], [thinking], { layout: 'template' }, refuse)).rejects.toThrow(
      /rows\.jsonl, line 3: the chat template changes or drops part of the answer/,
    );
  });

  it('are refused where the template writes the prompt anew', async () => {
    const tokenizer = ChatTokenizer.load(
      directory(
        '{{ messages|length }}{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}',
        chatTokens,
      ),
    );
    const answer = { role: 'assistant', content: 'y' };
    await expect(tokenRow(tokenizer, [user], [answer], { layout: 'template' }, refuse)).rejects.toThrow(
      /writes the prompt differently/,
    );
  });

  it('end with the end-of-text token where the template ends a turn with none', async () => {
    const tokenizer = ChatTokenizer.load(
      directory(
        '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}',
        chatTokens,
      ),
    );
    const answer = { role: 'assistant', content: 'y' };
    const row = await tokenRow(tokenizer, [user], [answer], { layout: 'template' }, refuse);
    expect(tokenizer.decode(row.ids.subarray(row.responseStart))).toBe('y\n<|im_end|>');
  });
});

describe('a tokenizer directory', () => {
  it('without tokenizer.json, or with a broken one, is an error that names the file', () => {
    const dir = directory('', chatTokens);
    const copy = mkdtempSync(join(tmpdir(), 'redistill-text-'));
    cpSync(join(dir, 'tokenizer_config.json'), join(copy, 'tokenizer_config.json'));
    expect(() => ChatTokenizer.load(copy)).toThrow(/tokenizer\.json is missing/);
    writeFileSync(join(copy, 'tokenizer.json'), '{"model": ');
    expect(() => ChatTokenizer.load(copy)).toThrow(/tokenizer\.json is not JSON/);
    writeFileSync(join(copy, 'tokenizer.json'), '{"model": {}}');
    expect(() => ChatTokenizer.load(copy)).toThrow(UserError);
  });

  it('without a template says so when a chat is rendered', () => {
    const dir = directory('', chatTokens);
    rmSync(join(dir, 'chat_template.jinja'));
    const tokenizer = ChatTokenizer.load(dir);
    expect(tokenizer.stopTokenIds).toEqual([96]);
    expect(() => tokenizer.renderChat([user])).toThrow(/has no chat template/);
  });
});
