import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chatDirectory } from '../../test/support/chatDirectory.js';
import { UserError } from '../util/errors.js';
import { ChatTokenizer, TextTooLong } from './tokenizer.js';

const chatTokens = ['<|im_end|>', '<|im_start|>', '<|endoftext|>'];
const user = { role: 'user', content: 'x' };

describe('a tokenizer directory', () => {
  it('without tokenizer.json, or with a broken one, is an error that names the file', () => {
    const dir = chatDirectory('', chatTokens);
    const copy = mkdtempSync(join(tmpdir(), 'redistill-text-'));
    cpSync(join(dir, 'tokenizer_config.json'), join(copy, 'tokenizer_config.json'));
    expect(() => ChatTokenizer.load(copy)).toThrow(/tokenizer\.json is missing/);
    writeFileSync(join(copy, 'tokenizer.json'), '{"model": ');
    expect(() => ChatTokenizer.load(copy)).toThrow(/tokenizer\.json is not JSON/);
    writeFileSync(join(copy, 'tokenizer.json'), '{"model": {}}');
    expect(() => ChatTokenizer.load(copy)).toThrow(UserError);
  });

  it('is not cut or filled by what its last user had set', async () => {
    const dir = chatDirectory('', chatTokens);
    const path = join(dir, 'tokenizer.json');
    const plain = await ChatTokenizer.load(dir).encodeAll(['hello world', 'a']);
    const json = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    json.truncation = { direction: 'Right', max_length: 3, strategy: 'LongestFirst', stride: 0 };
    json.padding = {
      strategy: { Fixed: 8 },
      direction: 'Right',
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: '!',
    };
    writeFileSync(path, JSON.stringify(json));
    const tokenizer = ChatTokenizer.load(dir);
    expect(await tokenizer.encodeAll(['hello world', 'a'])).toEqual(plain);
    expect(await tokenizer.encode('hello world')).toEqual(plain[0]);
  });

  it('may name its tokens as objects, and in special_tokens_map.json', () => {
    const dir = chatDirectory('{{ bos_token }}|{{ eos_token }}', chatTokens);
    writeFileSync(
      join(dir, 'tokenizer_config.json'),
      '{"bos_token": {"content": "<|im_start|>", "lstrip": false}}',
    );
    writeFileSync(
      join(dir, 'special_tokens_map.json'),
      '{"eos_token": {"content": "<|endoftext|>"}, "bos_token": "!"}',
    );
    const tokenizer = ChatTokenizer.load(dir);
    expect(tokenizer.renderChat([user])).toBe('<|im_start|>|<|endoftext|>');
    expect(tokenizer.eosTokenId).toBe(99);
  });

  it('whose eos_token the tokenizer does not have is an error', () => {
    const dir = chatDirectory('', chatTokens);
    writeFileSync(join(dir, 'tokenizer_config.json'), '{"eos_token": "</s>"}');
    expect(() => ChatTokenizer.load(dir)).toThrow(
      /tokenizer_config\.json: the eos_token "<\/s>" is not a token/,
    );
  });

  it('stops at the tokens of every file, and where the template ends a turn', () => {
    const template = '{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}';
    const dir = chatDirectory(template, chatTokens);
    writeFileSync(join(dir, 'tokenizer_config.json'), '{"eos_token": "<|endoftext|>"}');
    writeFileSync(join(dir, 'generation_config.json'), '{"eos_token_id": [3, 4]}');
    writeFileSync(join(dir, 'config.json'), '{"eos_token_id": 4}');
    expect(ChatTokenizer.load(dir).stopTokenIds).toEqual([3, 4, 99, 97]);
    writeFileSync(join(dir, 'config.json'), '{"eos_token_id": "</s>"}');
    expect(() => ChatTokenizer.load(dir)).toThrow(/config\.json: field "eos_token_id"/);
  });

  it('takes the default of several templates, and chat_template.jinja before them', () => {
    const dir = chatDirectory('file', chatTokens);
    const chat_template = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'default' },
    ];
    writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify({ chat_template }));
    expect(ChatTokenizer.load(dir).renderChat([user])).toBe('file');
    rmSync(join(dir, 'chat_template.jinja'));
    expect(ChatTokenizer.load(dir).renderChat([user])).toBe('default');
  });

  it('does not give a text to the tokenizer that is longer than any that the model takes', async () => {
    const dir = chatDirectory('', chatTokens);
    const open = (config: object) => {
      writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
      return ChatTokenizer.load(dir);
    };
    expect(open({}).maxCharacters).toBe(1_000_000);
    expect(open({ max_position_embeddings: 262_144 }).maxCharacters).toBe(8 * 262_144);
    expect(open({ text_config: { max_position_embeddings: 1e9 } }).maxCharacters).toBe(8_000_000);
    const tokenizer = open({ max_position_embeddings: 'many' });
    const long = ' '.repeat(1_000_001);
    await expect(tokenizer.encode(long)).rejects.toThrow(TextTooLong);
    await expect(tokenizer.encodeAll(['a', long])).rejects.toThrow(/1000001 characters/);
    expect(await tokenizer.countAll([long, 'ab', long, ''])).toEqual([Infinity, 2, Infinity, 0]);
  });

  it('whose normalizer multiplies texts is an error of its file', () => {
    const dir = chatDirectory('', chatTokens);
    const path = join(dir, 'tokenizer.json');
    const json = JSON.parse(readFileSync(path, 'utf8')) as object;
    const normalizer = { type: 'Replace', pattern: { String: 'a' }, content: 'a'.repeat(1000) };
    writeFileSync(path, JSON.stringify({ ...json, normalizer }));
    expect(() => ChatTokenizer.load(dir)).toThrow(
      /tokenizer\.json: its normalizer would make texts many times/,
    );
  });

  it('takes the template for tools where there are any, as transformers does', () => {
    const dir = chatDirectory('file', chatTokens);
    const chat_template = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'default' },
    ];
    const written = () =>
      [[], null, undefined].map((tools) => ChatTokenizer.load(dir).renderChat([user], { tools }));
    writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify({ chat_template }));
    expect(written()).toEqual(['file', 'file', 'file']);
    mkdirSync(join(dir, 'additional_chat_templates'));
    writeFileSync(join(dir, 'additional_chat_templates', 'tool_use.jinja'), 'more');
    expect(written()).toEqual(['more', 'file', 'file']);
    rmSync(join(dir, 'chat_template.jinja'));
    expect(written()).toEqual(['tools', 'default', 'default']);
  });

  const parts = [
    { type: 'text', text: 'a ' },
    { type: 'text', text: 'b' },
  ];
  const inParts =
    '{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for part in m.content %}{{ part.text | trim }}{% endfor %}{% endif %}{% endfor %}';
  it.each([
    ['takes parts', inParts, 'ab'],
    ['takes texts only', "{% for m in messages %}{{ m.role + ': ' + m.content }}{% endfor %}", 'user: a b'],
    ['writes whatever it gets', '{% for m in messages %}{{ m.content }}{% endfor %}', 'a b'],
    ['writes the first part only', inParts.replace('in m.content', 'in m.content[:1]'), 'a b'],
  ])('gives contents in parts to a template that %s', (_, template, expected) => {
    const tokenizer = ChatTokenizer.load(chatDirectory(template, chatTokens));
    expect(tokenizer.renderChat([{ role: 'user', content: parts }])).toBe(expected);
    // An image is never left out in silence, wherever it stands.
    const image = { type: 'image_url', image_url: { url: 'x' } };
    for (const content of [[image], [image, ...parts], [...parts, image]])
      for (const messages of [
        [{ role: 'user', content }],
        [
          { role: 'user', content },
          { role: 'assistant', content: 'a' },
        ],
      ])
        expect(() => tokenizer.renderChat(messages)).toThrow(
          'a content part of the type "image_url" is not a text, and the model reads texts alone',
        );
  });

  it('whose template refuses a plain question can still be loaded', async () => {
    const tokenizer = ChatTokenizer.load(chatDirectory("{{ raise_exception('no chats') }}", chatTokens));
    expect(tokenizer.stopTokenIds).toEqual([97]);
    expect(tokenizer.decode(await tokenizer.encode('a b'))).toBe('a b');
    expect(() => tokenizer.turnEnd).toThrow(/no chats/);
  });

  const content = ['<think>', '</think>', '<tool_call>', '</tool_call>', '<answer>', '<|begin_of_thought|>'];
  const frames = ['<|im_end|>', '<|im_start|>', '</s>', '<|fim_prefix|>', '<|reserved_3|>', '<|turn|>'];

  it.each([
    ['a template', '{{ bos_token }}{% for m in messages %}<|turn|>{{ m.content }}<|im_end|>{% endfor %}'],
    [
      'a template that opens thoughts',
      '{% for m in messages %}<|turn|>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>{% endif %}',
    ],
    [
      'a template without a place for system messages',
      "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}{% for m in messages %}<|turn|>{{ m.content }}{% endfor %}",
    ],
  ])('keeps what a model says and drops what frames its turn (%s)', async (_, template) => {
    const tokenizer = ChatTokenizer.load(chatDirectory(template, [...frames, ...content]));
    expect([...tokenizer.framingTokens.values()].sort()).toEqual([...frames].sort());
    const ids = await tokenizer.encode([...frames, ...content].join('a'));
    expect(tokenizer.decode(ids, { contentOnly: true })).toBe(
      `${'a'.repeat(frames.length)}${content.join('a')}`,
    );
    expect(tokenizer.decode(ids)).toBe([...frames, ...content].join('a'));
  });

  it('drops an added token that it stops at, whether it is special or not', async () => {
    const dir = chatDirectory('', chatTokens);
    const path = join(dir, 'tokenizer.json');
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"special":true', '"special":false'));
    writeFileSync(join(dir, 'generation_config.json'), '{"eos_token_id": [98, 0]}'); // 0 is "!"
    const tokenizer = ChatTokenizer.load(dir);
    expect([...tokenizer.framingTokens.keys()].sort()).toEqual([97, 98]);
    expect(tokenizer.decode(await tokenizer.encode('a!<|im_start|>b'), { contentOnly: true })).toBe('a!b');
  });

  it('without a template says so when a chat is rendered', () => {
    const dir = chatDirectory('', chatTokens);
    rmSync(join(dir, 'chat_template.jinja'));
    const tokenizer = ChatTokenizer.load(dir);
    expect(tokenizer.stopTokenIds).toEqual([97]);
    expect(() => tokenizer.renderChat([user])).toThrow(/has no chat template/);
  });
});
