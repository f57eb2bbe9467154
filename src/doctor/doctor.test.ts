import { describe, expect, it } from 'vitest';
import {
  among,
  answering,
  demonstration,
  evaluation,
  examined,
  found,
  pair,
  said,
  templates,
  trace,
  user,
  type Options,
  type Row,
} from '../../test/support/doctorRows.js';
import { CHATML } from '../../test/support/studentDirectory.js';
import { hasErrors } from './summary.js';

it('knows prompts of ids apart, and again', async () => {
  const row = (prompt: number[], response: number) => ({
    sequences: [{ role: 'sample', prompt: { ids: prompt }, response: [{ ids: [response] }] }],
  });
  const repeats = (await found([row([40, 41], 50), row([40, 42], 50), row([40, 42], 51)])).filter((one) =>
    one.includes('duplicate'),
  );
  expect(repeats).toEqual(['3 warning duplicate-prompt']);
});

describe('clean data', () => {
  it.each([
    ['demonstrations', demonstration, 'template'],
    ['pairs', pair, 'template'],
    ['demonstrations', demonstration, 'redi'],
    ['pairs', pair, 'redi'],
  ] as const)('of %s has nothing to find (layout of %o is %s)', async (_, kind, layout) => {
    const { summary, verdicts } = await examined(
      [1, 2, 3, 4].map((n) => kind(n)),
      { rows: { layout } },
    );
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(summary).toMatchObject({ rows: 4, ok: 4, warnings: 0, errors: 0, problems: [], end_trained: 4 });
    expect(hasErrors(summary)).toBe(false);
  });

  it('may be in any of the layouts, with system messages, several turns and accents', async () => {
    const turns = [
      { role: 'system', content: 'Be brief.' },
      user('Où est-il ?'),
      said('Là.'),
      user('Depuis quand ?'),
    ];
    const rows = [
      { messages: [...turns, said('Depuis 1990 — “déjà”. 👩‍🚀 ≤ ∞')] },
      { prompt: [user('a?')], completion: [said('b')] },
      { prompt: '<s>a plain text', completion: ' and how it ends' },
    ];
    expect(await found(rows)).toEqual([]);
    const pairs = [
      pair(1),
      { prompt: 'q', chosen: [user('q'), said('a')], rejected: [user('q'), said('b')] },
      { prompt: '<s>p', chosen: ' a', rejected: ' b' },
    ];
    expect(await found(pairs)).toEqual([]);
  });

  it('lets wrong rows be lowered', async () => {
    const lowered = { messages: [user('a?'), { ...said('b'), weight: -1 }], label: false };
    expect(await found([demonstration(1), lowered], { rows: { data: 'messages' } })).toEqual([]);
  });

  it.each(['smollm2', 'qwen2.5', 'qwen3', 'qwen3-thinking'])(
    'passes with the template of %s',
    async (name) => {
      const files = { template: templates[name]!, addsBos: false };
      expect(await found([demonstration(1), demonstration(2)], { files })).toEqual([]);
      expect(await found([pair(1), pair(2)], { files, rows: { data: 'messages' } })).toEqual([]);
    },
  );
});
const headless =
  "{{ bos_token }}{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}";
const farmer = 'Tell me: a farmer has seven sheep and nine goats in his stable. How many legs?';

describe('a planted fault is found, and nothing else:', () => {
  it('samples that fine-tuning would learn, right or wrong; none in samples that are the same', async () => {
    const sample = (text: string, reward: number) => {
      return { role: 'sample', prompt: [user('a?')], response: text, scalars: { reward } };
    };
    const rows = [{ sequences: [sample('it is b', 1), sample('it is c', -1)] }];
    expect(await found(rows, { rows: { data: 'messages' } })).toEqual(['1 error wrong-label']);
    expect(await found(rows, { rows: { data: 'groups' } })).toEqual([]);
    const same = [{ sequences: [sample('it is b', 1), sample('it is b', 1), sample('it is c', -1)] }];
    expect(await found(same, { rows: { data: 'groups' } })).toEqual([]);
  });

  it.each<[string, Row | string, string[], Options?]>([
    ['a line that is not JSON', '{"messages": [', ['3 error unreadable-row']],
    ['a row without an answer', { problem: 'x', answer: '4' }, ['3 error unreadable-row']],
    ['two questions in a row', { messages: [user('a'), user('b'), said('c')] }, ['3 error roles']],
    ['an answer before the question', { messages: [said('c'), user('b')] }, ['3 error roles']],
    [
      'a late system message',
      { messages: [user('a'), said('b'), { role: 'system', content: 's' }, user('c'), said('d')] },
      ['3 error roles'],
    ],
    ['an unknown role', { messages: [{ role: 'human', content: 'a' }, said('b')] }, ['3 error roles']],
    ['an empty answer', answering('  \n'), ['3 error empty-answer']],
    ['an end token in a trace', answering('First.<|im_end|> Then more.'), ['3 error control-token']],
    ['a header in a question', answering('yes', 'x<|im_start|>assistant'), ['3 error control-token']],
    ['a thought that is not closed', answering('<think>\nhm, so'), ['3 error thinking-unclosed']],
    [
      'a second thought that is not closed',
      answering('<think>a</think>b <think>c'),
      ['3 error thinking-unclosed'],
    ],
    ['a thought that nothing opens', answering('hm\n</think>\n\nyes'), ['3 warning thinking-unopened']],
    ['nothing after a thought', answering('<think>\nhm\n</think>\n'), ['3 error cut-off']],
    ['an open box', answering('So it is \\boxed{\\frac{1}{2'), ['3 error cut-off']],
    ['a teacher at its limit', { ...answering('So then'), finish_reason: 'length' }, ['3 error cut-off']],
    [
      'a generation at its limit',
      {
        ...answering('So'),
        chosen_gen_idx: 1,
        generation_details: [{ finish_reason: 'stop' }, { finish_reason: 'length' }],
      },
      ['3 error cut-off'],
    ],
    ...['max_tokens', 'content_filter', 'MAX_TOKENS', 'abort'].map(
      (finish_reason): [string, Row, string[]] => [
        `a teacher that ended with ${finish_reason}`,
        { ...answering('So then'), finish_reason },
        ['3 error cut-off'],
      ],
    ),
    ['a stop reason of a limit', { ...answering('So'), stop_reason: 'max_tokens' }, ['3 error cut-off']],
    [
      'one of the finish reasons of a row',
      { ...answering('So'), finish_reason: null, chosen_gen_idx: 1, finish_reasons: ['stop', 'length'] },
      ['3 error cut-off'],
    ],
    [
      'tools, of which the template writes nothing, beside a call of one',
      {
        messages: [
          user('a'),
          { role: 'assistant', content: null, tool_calls: [{ function: { name: 'f' } }] },
        ],
      },
      ['3 error template-rewrites'],
      { files: { template: CHATML.replace('m.content', "(m.content or '')") } },
    ],
    [
      'a picture',
      { messages: [{ role: 'user', content: [{ type: 'image' }] }, said('b')] },
      ['3 error unreadable-row'],
    ],
    ['tools of another shape', demonstration(3, { tools: 'f' }), ['3 error unreadable-row']],
    ['a character that could not be read', answering('caf\uFFFD'), ['3 warning broken-text']],
    ['half a character', answering('caf\uD83D'), ['3 warning broken-text']],
    ['letters of another encoding', answering('itâ€™s'), ['3 warning broken-text']],
    ['an accent of another encoding', answering('yes', 'cafÃ©?'), ['3 warning broken-text']],
    ['an invisible space', answering('a\u200Bb'), ['3 warning broken-text']],
    ['a control character', answering('a\u001B[31mb'), ['3 warning broken-text']],
    ['the same row again', demonstration(1), ['3 warning duplicate-row']],
    [
      'the same question again',
      demonstration(1, { messages: [user('how much is 1  PLUS 1?'), said('2')] }),
      ['3 warning duplicate-prompt'],
    ],
    ['an answer that merges with the prompt', answering('\n\nyes'), ['3 warning boundary-merge']],
    ['a question that dwarfs its answer', answering('y', 'x'.repeat(500)), ['3 warning mask-share']],
    ['a row that is too long', answering('x'.repeat(250)), ['3 warning too-long'], { limits: [200, 100] }],
    ['a row that is marked wrong', { ...answering('5'), label: false }, ['3 error wrong-label']],
    [
      'a row with the reward of a wrong one',
      { ...answering('5'), scalars: { reward: -1 } },
      ['3 error wrong-label'],
    ],
    [
      'a row with a verdict',
      { ...answering('5'), scalars: { correct: 0, reward: 1 } },
      ['3 error wrong-label'],
    ],
    [
      'an answer that is not the known one',
      { ...answering('\\boxed{5}'), answer: '6' },
      ['3 error label-disagrees'],
    ],
    ['an evaluation problem', demonstration(3), ['3 error evaluation-problem'], { against: evaluation }],
    [
      'words of an evaluation problem',
      answering('64', farmer),
      ['3 warning evaluation-overlap'],
      { against: evaluation },
    ],
    [
      'thinking in an earlier turn',
      { messages: [user('a'), said('<think>\nhm\n</think>\n\nb'), user('c'), said(trace(3))] },
      ['3 warning history-thinking-dropped'],
      { files: { template: templates.qwen3!, addsBos: false } },
    ],
    [
      'thinking in a field that the template does not read',
      { messages: [user('a'), { ...said('b'), reasoning_content: 'let me see' }] },
      ['3 error thinking-dropped'],
    ],
    [
      'an answer without the thought that the template wants',
      answering('yes'),
      ['3 warning empty-thought'],
      { files: { template: templates.qwen3!, addsBos: false } },
    ],
    [
      'what the template refuses',
      { messages: [{ role: 'tool', content: 'x' }, said('b')] },
      ['3 error roles'],
    ],
    [
      'an answer that the template changes',
      answering('<think>hm</think>yes'),
      ['3 error template-rewrites'],
      { files: { template: templates.qwen3!, addsBos: false } },
    ],
  ])('%s', async (_, row, expected, options) => {
    expect(await found(among(row), options)).toEqual(expected);
  });

  it.each<[string, Row, string[], Options?]>([
    [
      'halves that are the same',
      pair(3, { rejected: [said(`${trace(3)}\n`)] }),
      ['3 error identical-halves'],
    ],
    ['an empty half', pair(3, { rejected: [said(' ')] }), ['3 error empty-answer']],
    [
      'different prompts',
      { chosen: [user('a'), said('b')], rejected: [user('c'), said('d')] },
      ['3 error different-prompts'],
    ],
    [
      'different prompts after a system message',
      {
        chosen: [{ role: 'system', content: 's' }, user('a'), said('b')],
        rejected: [{ role: 'system', content: 's' }, user('c'), said('d')],
      },
      ['3 error different-prompts'],
    ],
    [
      'a chosen answer that is wrong',
      pair(3, { answer: 7, chosen: [said('\\boxed{8}')], rejected: [said('\\boxed{6}')] }),
      ['3 error label-disagrees chosen'],
    ],
    [
      'a rejected answer that is right',
      pair(3, { answer: '6', chosen: [said('\\boxed{6}')], rejected: [said('\\boxed{6} by luck')] }),
      ['3 error label-disagrees rejected'],
    ],
    [
      'a control token on one side',
      pair(3, { rejected: [said('a</s>b')] }),
      ['3 error control-token rejected'],
    ],
    [
      'a chosen trace that is cut off',
      pair(3, { chosen: [said('<think>hm')] }),
      ['3 error thinking-unclosed chosen'],
    ],
    [
      'a side that is too long',
      pair(3, { rejected: [said('x'.repeat(300))] }),
      ['3 warning too-long rejected'],
      { limits: [200] },
    ],
  ])('%s', async (_, row, expected, options) => {
    expect(await found(among(row, pair), options)).toEqual(expected);
  });

  it('nothing, where the rest of a row reaches the template', async () => {
    const template = CHATML.replace('{% for', "{{ tools[0].name if tools else '' }}{% for").replace(
      'm.content',
      "(m.content or '') + (m.tool_calls[0].function.name if m.tool_calls else '')",
    );
    const call = { role: 'assistant', content: null, tool_calls: [{ function: { name: 'f' } }] };
    const turns = [{ role: 'user', content: [{ type: 'text', text: 'what?' }] }, call];
    const rows = [
      { messages: turns, tools: [{ name: 'clock' }] },
      { messages: [...turns, { role: 'tool', content: '5' }, said('five')], tools: '[{"name": "clock"}]' },
    ];
    const { verdicts, shown } = await examined(rows, { files: { template }, show: 2 });
    expect(verdicts.map(({ problems }) => problems)).toEqual([[], []]);
    const texts = shown.map(({ responses }) => responses[0]!.spans.map(({ text }) => text).join(''));
    for (const text of texts) expect(text).toMatch(/^<s>clock<\|im_start\|>user\nwhat\?/);
    expect(texts[0]).toMatch(/assistant\nf<\|im_end\|>/);
  });

  it('nothing, where sides or rows differ in their thinking or their calls alone', async () => {
    const template = CHATML.replace('m.content', "(m.reasoning_content or '') + m.content");
    const thinking = (reasoning_content: string) => [{ ...said('4'), reasoning_content }];
    const pairs = [
      pair(3, { chosen: thinking('two and two'), rejected: thinking('a guess') }),
      pair(4, { chosen: thinking('twice two'), rejected: thinking('another guess') }),
    ];
    expect(await found(pairs, { files: { template } })).toEqual([]);
  });

  it('nothing, where it is a matter of taste whether an answer is right', async () => {
    const percent = { chosen: [said('\\boxed{25\\%}')], rejected: [said('So \\boxed{25\\%}')] };
    expect(await found(among(pair(3, { answer: '25', ...percent }), pair))).toEqual([]);
  });

  it('nothing, where a rejected trace is cut off: that is what it may be rejected for', async () => {
    expect(await found(among(pair(3, { rejected: [said('<think>\nI go on and \\boxed{')] }), pair))).toEqual(
      [],
    );
  });
});

describe('a fault of the model directory is found in every row:', () => {
  const rows = [demonstration(1), demonstration(2)];
  const each = (finding: string) => [`1 ${finding}`, `2 ${finding}`];

  it.each<[string, string, Options]>([
    ['two BOS tokens', 'error two-bos', { files: { template: `{{ bos_token }}${CHATML}` } }],
    ['no BOS token', 'error no-bos', { files: { template: CHATML.replace('{{ bos_token }}', '') } }],
    [
      'no end token',
      'error end-not-trained',
      { files: { template: CHATML.replaceAll('<|im_end|>', '[/END]') }, rows: { layout: 'redi' } },
    ],
    ['an end token that other tools do not know', 'warning end-not-a-stop', { files: { eos: '</s>' } }],
    ['no generation prompt', 'error generation-prompt-trained', { files: { template: headless } }],
    [
      'thinking that the template drops',
      'error thinking-dropped',
      { files: { template: CHATML.replace('m.content', "m.content.split('</think>')[-1]") } },
    ],
    [
      'thinking that the template drops, though it opens it',
      'error thinking-dropped',
      {
        files: {
          template: CHATML.replace('m.content', "m.content.split('</think>')[-1]").replace(
            'assistant\\n',
            'assistant\\n<think>\\n',
          ),
        },
      },
    ],
    [
      'a prompt that is written anew once the answer is there',
      'error template-rewrites',
      { files: { template: `{{ bos_token }}{{ messages|length }}${CHATML.replace('{{ bos_token }}', '')}` } },
    ],
    [
      'a template that refuses',
      'error template-refuses',
      {
        files: {
          template: `{% if messages|length > 1 and 'plus' in messages[0].content %}{{ raise_exception('no sums') }}{% endif %}${CHATML}`,
        },
      },
    ],
  ])('%s', async (_, finding, options) => {
    expect(await found(rows, options)).toEqual(each(finding));
  });

  it('ids that the model has no embeddings for', async () => {
    expect(await found(rows, { rows: { vocabSize: 258 } })).toEqual(each('error vocabulary'));
  });

  it('a template that is missing, for rows that need one', async () => {
    const { verdicts } = await examined(rows, { files: { template: '' } });
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['error', 'error']);
  });
});
