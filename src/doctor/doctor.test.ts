import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHATML, studentDirectory, type StudentFiles } from '../../test/support/studentDirectory.js';
import { openStudent } from '../train/preflight.js';
import { UserError } from '../util/errors.js';
import { silentProgress } from '../util/progress.js';
import { examine, type ExamineOptions } from './examine.js';
import { errorsOf, headline } from './print.js';
import type { Student } from './student.js';
import { hasErrors } from './summary.js';
import { boundaryMerges, promptIsPrefix } from './tokenChecks.js';
import type { RowVerdict } from './verdict.js';

type Row = Record<string, unknown>;

const fixtures = new URL('../../test/fixtures/text/templates.json', import.meta.url);
const { templates } = JSON.parse(readFileSync(fixtures, 'utf8')) as { templates: Record<string, string> };
const folder = mkdtempSync(join(tmpdir(), 'redistill-doctor-'));

const user = (content: string) => ({ role: 'user', content });
const said = (content: string) => ({ role: 'assistant', content });
const trace = (n: number) => `<think>\n${n} and ${n} make ${2 * n}.\n</think>\n\nThe answer is ${2 * n}.`;
const demonstration = (n: number, changes: Row = {}): Row => ({
  messages: [user(`How much is ${n} plus ${n}?`), said(trace(n))],
  ...changes,
});
const pair = (n: number, changes: Row = {}): Row => ({
  prompt: [user(`How much is ${n} plus ${n}?`)],
  chosen: [said(trace(n))],
  rejected: [said(`The answer is ${n}, since twice the same is the same.`)],
  ...changes,
});
/** A question of ours with this answer. */
const answering = (content: string, question = 'What then?'): Row => ({
  messages: [user(question), said(content)],
});

let files = 0;
function write(rows: readonly (Row | string)[]): string {
  const path = join(folder, `rows-${++files}.jsonl`);
  writeFileSync(path, rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
  return path;
}

type Options = Partial<ExamineOptions> & { files?: StudentFiles; rows?: Partial<Student> };

async function examined(rows: readonly (Row | string)[], { files, rows: how, ...options }: Options = {}) {
  const student = openStudent(studentDirectory(files), { layout: 'template', ...how });
  const verdicts: RowVerdict[] = [];
  const onVerdict = (verdict: RowVerdict) => verdicts.push(verdict);
  const examination = await examine(write(rows), { student, onVerdict, ...options }, silentProgress);
  return { ...examination, verdicts };
}

/** All that is found: line (0: the file), severity and code, and the side of a pair. */
async function found(rows: readonly (Row | string)[], options?: Options): Promise<string[]> {
  const { verdicts, summary } = await examined(rows, options);
  const inRows = verdicts.flatMap(({ line, problems }) =>
    problems.map(({ severity, code, side }) => [line, severity, code, ...(side ? [side] : [])].join(' ')),
  );
  const inFile = summary.problems.flatMap((problem) =>
    problem.rows === 0 ? [`0 ${problem.severity} ${problem.code}`] : [],
  );
  return [...inRows, ...inFile];
}

/** A tokenizer that forgets the spaces of what it decodes, as one does that puts them there itself. */
function spacedTokenizer(tokenizer: Student['tokenizer']): Student['tokenizer'] {
  return Object.assign(Object.create(tokenizer) as Student['tokenizer'], {
    decode: (ids: ArrayLike<number>) => String.fromCharCode(...Array.from(ids)).replaceAll(' ', ''),
    encodeAll: (texts: readonly string[]) =>
      Promise.resolve(texts.map((text) => Int32Array.from(Buffer.from(text)))),
  });
}

/** The row third of five, the others clean and of its kind. */
const among = (row: Row | string, kind: (n: number) => Row = demonstration) => [
  kind(1),
  kind(2),
  row,
  kind(4),
  kind(5),
];

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
    expect(summary).toMatchObject({ rows: 4, ok: 4, warnings: 0, errors: 0, problems: [], endTrained: 4 });
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

  it.each(['smollm2', 'qwen2.5', 'qwen3', 'qwen3-thinking'])(
    'passes with the template of %s',
    async (name) => {
      const files = { template: templates[name]!, addsBos: false };
      expect(await found([demonstration(1), demonstration(2)], { files })).toEqual([]);
      expect(await found([pair(1), pair(2)], { files, rows: { data: 'messages' } })).toEqual([]);
    },
  );
});

const evaluation = [
  {
    name: 'exam',
    problems: ['How MUCH is  3 plus 3?', 'A farmer has seven sheep and nine goats in his barn today.'],
  },
];
const headless =
  "{{ bos_token }}{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}";
const farmer = 'Tell me: a farmer has seven sheep and nine goats in his stable. How many legs?';

describe('a planted fault is found, and nothing else:', () => {
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

describe('the whole file', () => {
  it('has rows with texts that are not given to the tokenizer', async () => {
    const long = answering(`a${' '.repeat(1_100_000)}b`);
    const { summary, verdicts } = await examined([demonstration(1), long, demonstration(3)]);
    expect(summary).toMatchObject({ ok: 2, warnings: 1, limits: [{ fits: 2, dropped: 1 }] });
    expect(verdicts[1]).toMatchObject({ fate: 'dropped', problems: [{ code: 'too-long' }] });
    expect(await found([long])).toEqual(['1 warning too-long', '0 error nothing-fits']);
  });

  it('is told from its rows in the headline, and its errors are named', async () => {
    const { summary } = await examined([demonstration(1)], { limits: [20] });
    expect(headline(summary)).toBe(
      '1 row: 0 without a finding, 1 with warnings, 0 with errors; an error of the whole file: nothing-fits',
    );
    expect(errorsOf(summary)).toBe('nothing-fits (the whole file)');
    const twice = await examined([answering(''), answering(''), demonstration(1)]);
    expect(errorsOf(twice.summary)).toBe('empty-answer (2 rows)');
  });

  it('is examined with the system message that training would use', async () => {
    const { shown } = await examined([demonstration(1)], { rows: { system: 'Be brief.' }, show: 1 });
    expect(shown[0]!.responses[0]!.spans.map(({ text }) => text).join('')).toContain('system\nBe brief.');
  });

  it('has an error where nothing fits', async () => {
    const options = { limits: [20] };
    expect(await found([demonstration(1)], options)).toEqual(['1 warning too-long', '0 error nothing-fits']);
  });

  it('has one side longer in nearly all pairs', async () => {
    const pairs = Array.from({ length: 20 }, (_, n) => pair(n, { rejected: [said(`${n}?`)] }));
    expect(await found(pairs)).toEqual(['0 warning length-bias']);
    expect(await found(pairs.slice(1))).toEqual([]);
    const even = pairs.map((row, n) => (n < 3 ? pair(n, { chosen: [said(`${n}!`)] }) : row));
    expect(await found(even)).toEqual([]);
  });

  it('mixes pairs and single responses', async () => {
    expect(await found([pair(1), demonstration(2)])).toEqual(['0 warning mixed-kinds']);
    expect(await found([pair(1), demonstration(2)], { rows: { data: 'messages' } })).toEqual([]);
  });

  it('has hardly anything to train on', async () => {
    const row = (n: number) => answering(`${n}`, `${n}`.repeat(100));
    expect(await found([row(1), row(2)])).toEqual(['0 warning little-trained']);
  });

  it('without rows, or with limits beyond the model, is refused', async () => {
    await expect(examined([])).rejects.toThrow(UserError);
    await expect(examined(['', ''])).rejects.toThrow(/has no rows/);
    await expect(examined([pair(1)], { limits: [5000] })).rejects.toThrow(/more than the 2048 positions/);
  });
});

describe('the summary', () => {
  it('counts tokens, lengths, dropped rows and sides', async () => {
    const short = { prompt: '<s>abc', chosen: 'de', rejected: 'f' };
    const long = { prompt: '<s>abc', chosen: 'x'.repeat(6), rejected: 'y'.repeat(9) };
    const { summary, verdicts } = await examined([short, long], {
      limits: [12, 13, 14],
      against: evaluation,
    });
    // <s>, three letters, the answer, the end token
    expect(verdicts.map(({ tokens, fate }) => ({ tokens, fate }))).toEqual([
      {
        tokens: [
          { role: 'chosen', prompt: 4, trained: 3 },
          { role: 'rejected', prompt: 4, trained: 2 },
        ],
        fate: 'fits',
      },
      {
        tokens: [
          { role: 'chosen', prompt: 4, trained: 7 },
          { role: 'rejected', prompt: 4, trained: 10 },
        ],
        fate: 'fits',
      },
    ]);
    expect(summary).toMatchObject({
      rows: 2,
      preference: 2,
      tokens: { total: 38, trained: 22 },
      trainedShare: [0, 0, 0, 1, 1, 0, 1, 1, 0, 0],
      lengths: { shortest: 7, median: 14, p95: 14, longest: 14 },
      limits: [
        { limit: 12, fits: 1, dropped: 1 },
        { limit: 13, fits: 1, dropped: 1 },
        { limit: 14, fits: 2, dropped: 0 },
      ],
      pairs: { chosenLonger: 1, rejectedLonger: 1, chosenMean: 5, rejectedMean: 6 },
      evaluation: [{ set: 'exam', same: 0, overlapping: 0 }],
    });
    expect(summary.problems.map(({ code }) => code)).toEqual(['duplicate-prompt']);
  });

  it('counts labels that a fresh verification agrees with, or not', async () => {
    const [right, wrong] = [answering('\\boxed{6}', 'a'), answering('\\boxed{5}', 'b')];
    const pairs = pair(3, {
      chosen: right.messages,
      rejected: [user('a'), said('\\boxed{7}')],
      prompt: null,
    });
    const rows = [
      { ...right, answer: 6 },
      { ...wrong, gold: '6' },
      { ...pairs, answer: '6' },
      demonstration(1),
    ];
    const { summary } = await examined(rows);
    expect(summary.labels).toEqual({ agree: 3, disagree: 1, undecided: 0 });
  });

  it('shows what the template adds by itself', async () => {
    const template = (name: string) => ({ files: { template: templates[name] ?? CHATML, addsBos: false } });
    const traits = async (name: string) =>
      (await examined([demonstration(1)], template(name))).summary.template;
    expect(await traits('chatml')).toEqual({
      generationPrompt: '<|im_start|>assistant\n',
      injected: null,
      rowsWithSystem: 0,
    });
    expect((await traits('qwen2.5')).injected).toContain('You are Qwen, created by Alibaba Cloud.');
    expect((await traits('smollm2')).injected).toContain('You are a helpful AI assistant named SmolLM');
    expect(await traits('qwen3-thinking')).toMatchObject({
      generationPrompt: '<|im_start|>assistant\n<think>\n',
      injected: null,
    });
  });

  it('keeps the index that a row came with, and the first lines of a problem', async () => {
    const rows = Array.from({ length: 12 }, (_, n) => ({
      ...answering(`${n}\uFFFD`, `q${n}`),
      original_index: 7 * n,
    }));
    const { summary, verdicts } = await examined(rows);
    expect(verdicts[3]).toMatchObject({ line: 4, original_index: 21, verdict: 'warning' });
    expect(summary.problems).toMatchObject([
      { code: 'broken-text', rows: 12, lines: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
    ]);
  });

  it('goes through batches in order, bad lines among them', async () => {
    const rows: (Row | string)[] = Array.from({ length: 700 }, (_, n) => demonstration(n));
    rows[299] = '{';
    rows[599] = rows[9]!;
    const { verdicts } = await examined(rows);
    expect(verdicts.map(({ line }) => line)).toEqual(rows.map((_, i) => i + 1));
    expect(verdicts.filter(({ verdict }) => verdict !== 'ok')).toMatchObject([
      { line: 300, problems: [{ code: 'unreadable-row' }] },
      { line: 600, problems: [{ code: 'duplicate-row', detail: 'it repeats line 10' }] },
    ]);
  });

  it('of a sample has rows from the whole file', async () => {
    const rows = Array.from({ length: 1000 }, (_, n) => demonstration(n));
    const { summary, verdicts } = await examined(rows, { sample: 100 });
    expect(summary).toMatchObject({ rows: 100, every: 10 });
    expect(verdicts.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, n) => 10 * n + 1));
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
