import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chatDirectory } from '../../test/support/chatDirectory.js';
import { UserError } from '../util/errors.js';
import { encodePrompt, tokenRow, type RowOptions } from './tokenRows.js';
import type { ChatMessage, RowMessage } from './template.js';
import { ChatTokenizer } from './tokenizer.js';

const path = new URL('../../test/fixtures/text/templates.json', import.meta.url);
const fixture = JSON.parse(readFileSync(path, 'utf8')) as { templates: Record<string, string> };

// Of the four families of templates in the fixture; the first ends a text, the second begins one.
const chatTokens = ['<|im_end|>', '<|im_start|>', '<|eot_id|>', '<end_of_turn>'];
const refuse = (problem: string) => new UserError(`rows.jsonl, line 3: ${problem}.`);
const user = { role: 'user', content: 'x' };
const said = (content: string): ChatMessage => ({ role: 'assistant', content });
const thought = '<think>\nhm\n</think>\n\nyes';

/** Every message in a line of its own; nothing special ends it. */
const LINES =
  '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}';

function load(template: string): ChatTokenizer {
  return ChatTokenizer.load(chatDirectory(fixture.templates[template] ?? template, chatTokens));
}

/** Prompt and response of the row, as texts. */
async function row(
  template: string,
  answer: RowMessage,
  options: Partial<RowOptions> = {},
  prompt: RowMessage[] = [user],
) {
  const tokenizer = load(template);
  const settings = { layout: 'template' as const, ...options };
  const { ids, responseStart } = await tokenRow(tokenizer, prompt, [answer], settings, refuse);
  return [
    tokenizer.decode(ids.subarray(0, responseStart)),
    tokenizer.decode(ids.subarray(responseStart)),
  ] as const;
}

describe('rows by a template', () => {
  it.each([
    ['qwen2.5', thought, 'assistant\n', `${thought}<|im_end|>`],
    ['qwen3', thought, 'assistant\n', `${thought}<|im_end|>`],
    // The model that Qwen3 is writes the empty thought itself.
    ['qwen3', 'yes', 'assistant\n', '<think>\n\n</think>\n\nyes<|im_end|>'],
    ['qwen3', '    indented', 'assistant\n', '<think>\n\n</think>\n\n    indented<|im_end|>'],
    ['qwen3-thinking', thought, 'assistant\n<think>\n', 'hm\n</think>\n\nyes<|im_end|>'],
    ['llama3', 'yes', '<|end_header_id|>\n\n', 'yes<|eot_id|>'],
    // Llama 3 and Gemma trim every message.
    ['llama3', '\n yes \n', '<|end_header_id|>\n\n', 'yes<|eot_id|>'],
    ['gemma3', ' yes\n', '<start_of_turn>model\n', 'yes<end_of_turn>'],
    ['qwen2.5', 'a <|im_end|>\n{{ b }} ', 'assistant\n', 'a <|im_end|>\n{{ b }} <|im_end|>'],
    ['qwen2.5', '<|im_end|>', 'assistant\n', '<|im_end|><|im_end|>'],
    // No special token ends the turn.
    [LINES, 'y', 'assistant: ', 'y\n<|im_end|>'],
    // One does, after something else.
    [LINES.replace('}\n{%', '} [/A] <|im_end|>\n{%'), 'y', 'assistant: ', 'y [/A] <|im_end|>'],
  ])('of %.20s end where the turn ends: %j', async (template, answer, promptEnd, response) => {
    const [prompt, trained] = await row(template, said(answer));
    expect(prompt.endsWith(promptEnd)).toBe(true);
    expect(trained).toBe(response);
  });

  it('begin a text once where the template does', async () => {
    const [prompt] = await row('llama3', said('y'));
    expect(prompt).toMatch(/^<\|im_start\|><\|start_header_id\|>user/);
    const ids = await encodePrompt(load('llama3'), [user]);
    expect(load('llama3').decode(ids)).toBe(prompt);
  });

  it('hold fields of a message that the template reads', async () => {
    const template = LINES.replace('m.role }}', 'm.role }}{{ m.name }}');
    const asked = { ...user, name: ' Ada' };
    expect(await row(template, said('yes'), {}, [asked])).toEqual([
      'user Ada: x\nassistant: ',
      'yes\n<|im_end|>',
    ]);
  });

  it('train the last answer of many, and see the others as the template shows them', async () => {
    const [prompt, trained] = await row('qwen3', said(thought), {}, [user, said(thought), user]);
    expect(prompt).toContain('assistant\nyes<|im_end|>');
    expect(trained).toBe(`${thought}<|im_end|>`);
  });

  it('are tokenised apart where a token reaches over the boundary', async () => {
    const tokenizer = load('qwen2.5');
    const prompt = await encodePrompt(tokenizer, [user]);
    const answer = said('\n\ny');
    for (const options of [
      { layout: 'template' },
      { layout: 'redi', sft: true },
      { layout: 'redi' },
    ] as const) {
      const { ids, responseStart } = await tokenRow(tokenizer, [user], [answer], options, refuse);
      expect(ids.subarray(0, responseStart)).toEqual(prompt);
      expect(tokenizer.decode(ids.subarray(responseStart))).toMatch(/^\n\ny<\|im_end\|>/);
    }
  });

  it.each([
    [
      'drops thinking',
      fixture.templates.qwen3!.replace('loop.index0 > ns.last_query_index and', 'false and'),
      thought,
      /changes or drops part of the response/,
    ],
    ['rewrites thinking', 'qwen3', '<think>hm</think>yes', /changes or drops part of the response/],
    [
      'writes responses in capitals',
      LINES.replace('m.content', 'm.content | upper'),
      'y',
      /capitals|leaves responses out/,
    ],
    [
      'writes the prompt anew',
      '{{ messages|length }}{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}',
      'y',
      /writes the prompt differently/,
    ],
    ['gets nothing', 'qwen3-thinking', ' \n', /the response is empty/],
    [
      'ends a turn by its content',
      `${LINES}{{ messages[-1].content[0] }}`,
      'y',
      /end of a turn depends on its content/,
    ],
    ['refuses the roles', 'gemma3', 'y', /roles must alternate/, [user, user]],
  ])(
    'are refused, with file and line, where the template %s',
    async (_, template, answer, message, prompt = [user]) => {
      const refused = row(template, said(answer), {}, prompt);
      await expect(refused).rejects.toThrow(UserError);
      await expect(refused).rejects.toThrow(/^rows\.jsonl, line 3: /);
      await expect(refused).rejects.toThrow(message);
    },
  );

  it('are refused where the answer is not one message', async () => {
    const options = { layout: 'template' as const };
    for (const answer of [[], [said('a'), user, said('b')]]) {
      await expect(tokenRow(load('qwen2.5'), [user], answer, options, refuse)).rejects.toThrow(/one message/);
    }
    await expect(tokenRow(load('qwen2.5'), 'x', [said('a')], options, refuse)).rejects.toThrow(
      /both be texts/,
    );
  });
});

describe("rows in the REDI paper's layout", () => {
  it('end with what the template writes after the response and the end-of-text token', async () => {
    expect(await row('qwen2.5', said('y'), { layout: 'redi' })).toEqual([
      expect.stringMatching(/assistant\n$/),
      'y<|im_end|>\n<|im_end|>',
    ]);
  });

  it('leave that token out in fine-tuning', async () => {
    expect((await row('qwen2.5', said('y'), { layout: 'redi', sft: true }))[1]).toBe('y<|im_end|>\n');
  });
});

/** Writes tools, separate thinking and tool calls, and says whether thinking is wanted. */
const AGENT =
  "{% if tools %}tools: {{ tools[0].name }}\n{% endif %}{% for m in messages %}{{ m.role }}: {% if m.reasoning_content %}<{{ m.reasoning_content }}>{% endif %}{{ m.content or '' }}" +
  '{% for call in m.tool_calls or [] %}[{{ call.function.name }}]{% endfor %}{{ "\\n" }}{% endfor %}' +
  '{% if add_generation_prompt %}assistant: {% if enable_thinking is defined and not enable_thinking %}<>{% endif %}{% endif %}';
const inputs = { tools: [{ name: 'clock' }], kwargs: { enable_thinking: true } };
const calling = { role: 'assistant', content: null, tool_calls: [{ function: { name: 'clock' } }] };

describe('what a row says besides its texts', () => {
  it('reaches the template, in prompts as in rows', async () => {
    const [prompt] = await row(AGENT, said('y'), { inputs });
    expect(prompt).toBe('tools: clock\nuser: x\nassistant: ');
    const tokenizer = load(AGENT);
    expect(tokenizer.decode(await encodePrompt(tokenizer, [user], { inputs }))).toBe(prompt);
  });

  it('is trained where it is thinking in a field of its own or a tool call', async () => {
    const thinking = { ...said('y'), reasoning_content: 'hm' };
    expect((await row(AGENT, thinking))[1]).toBe('<hm>y\n<|im_end|>');
    expect((await row(AGENT, calling))[1]).toBe('[clock]\n<|im_end|>');
    expect((await row(AGENT, { ...calling, content: 'Look:' }))[1]).toBe('Look:[clock]\n<|im_end|>');
    const turns = [user, calling, { role: 'tool', content: '12:00' }];
    expect(await row(AGENT, said('Noon.'), {}, turns)).toEqual([
      'user: x\nassistant: [clock]\ntool: 12:00\nassistant: ',
      'Noon.\n<|im_end|>',
    ]);
  });

  it('is refused where the template drops it', async () => {
    const silent = AGENT.replace('[{{ call.function.name }}]', '').replace('<{{ m.reasoning_content }}>', '');
    for (const answer of [
      { ...said('y'), thinking: 'hm' },
      { ...calling, content: 'Look:' },
    ])
      await expect(row(silent, answer)).rejects.toThrow(/changes or drops part of the response/);
    await expect(row(silent, { role: 'assistant', content: null })).rejects.toThrow(/the response is empty/);
  });
});

describe('rows of texts', () => {
  /** SentencePiece puts a space before every text: "▁" before what it encodes first. */
  const sentencePiece = () => {
    const dir = chatDirectory(LINES, chatTokens);
    const pieces = ['<unk>', '▁', '▁a', '▁b', 'a', 'b', '?', ...Array.from('0123456789'), '<0x0A>'];
    const json = JSON.parse(readFileSync(join(dir, 'tokenizer.json'), 'utf8')) as Record<string, unknown>;
    Object.assign(json, {
      pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false },
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          { type: 'Strip', content: ' ', start: 1, stop: 0 },
        ],
      },
      model: {
        type: 'BPE',
        vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
        merges: ['▁ a', '▁ b'],
        unk_token: '<unk>',
        byte_fallback: true,
      },
    });
    writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(json));
    return ChatTokenizer.load(dir);
  };

  it.each([
    ['a?\n', '5'],
    ['a', ' b'],
    ['a?', 'b5'],
    ['a ', 'b'], // "▁b" would reach over the boundary
    ['a?\n', '\n\n5'],
  ])('have no space of the tokenizer between %j and %j', async (prompt, response) => {
    for (const tokenizer of [sentencePiece(), load('qwen2.5')]) {
      const options = { layout: 'template' as const };
      const { ids, responseStart } = await tokenRow(tokenizer, prompt, response, options, refuse);
      expect(tokenizer.decode(ids)).toBe(`${prompt}${response}<|im_end|>`);
      expect(ids.subarray(0, responseStart)).toEqual(await encodePrompt(tokenizer, prompt));
    }
  });

  it('have the tokens of the whole text where none of them reaches over the boundary', async () => {
    const tokenizer = sentencePiece();
    const { ids } = await tokenRow(tokenizer, 'a?', ' b5', { layout: 'template' }, refuse);
    expect([...ids.slice(0, -1)]).toEqual([...(await tokenizer.encode('a? b5'))]);
  });
});
