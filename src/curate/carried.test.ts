import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CurationRuns, readOutput, settingsFor, type Row } from '../../test/support/curationRuns.js';
import { silentProgress } from '../util/progress.js';
import { curate } from './curate.js';

const runs = new CurationRuns();
afterAll(() => {
  runs.remove();
});
const run = (rows: readonly unknown[], given = {}) => runs.run([runs.write(rows)], given);

const user = { role: 'user', content: '2+2?' };
const thinking = ['reasoning_content', 'reasoning', 'thinking'] as const;
const said = (content: string | null, more: Row = {}) => ({ role: 'assistant', content, ...more });
const call = { type: 'function', function: { name: 'f', arguments: { x: 1 } } };

describe('what a message holds besides its text', () => {
  describe.each(thinking)('%s', (name) => {
    const right = said('It is 4.', { [name]: 'Two and two make four.' });
    const wrong = said('It is 5.', { [name]: 'Two and two make five.' });
    it.each<[string, Row[]]>([
      ['pairs', [{ prompt: [user], chosen: [right], rejected: [wrong] }]],
      ['pairs that share the prompt', [{ chosen: [user, right], rejected: [user, wrong] }]],
      [
        'unpaired rows',
        [
          { prompt: [user], completion: [right], label: true },
          { prompt: [user], completion: [wrong], label: false },
        ],
      ],
      [
        'labelled generations',
        [{ problem: user.content, answer: '4', generations: [right, wrong], correct: [true, false] }],
      ],
      [
        'OpenR1 generations',
        [{ problem: user.content, generations: [right, wrong], correctness_math_verify: [true, false] }],
      ],
      [
        'one trace a row, thinking beside it',
        [
          { problem: user.content, trace: right.content, [name]: 'Two and two make four.', correct: true },
          { problem: user.content, trace: wrong.content, [name]: 'Two and two make five.', correct: false },
        ],
      ],
      [
        'generations, thinking beside them',
        [
          {
            problem: user.content,
            generations: [right.content, wrong.content],
            [name]: ['Two and two make four.', 'Two and two make five.'],
            correct: [true, false],
          },
        ],
      ],
    ])('survives in %s', async (_, rows) => {
      for (const given of [{}, { model: runs.model }, { rule: 'matched' }]) {
        const { sft, pref } = await run(rows, { verdicts: 'mv', ...given });
        expect(sft).toMatchObject([{ messages: [user, right] }]);
        expect(pref).toMatchObject([{ prompt: [user], chosen: [right], rejected: [wrong] }]);
        expect(Object.keys((sft[0]!.messages as object[])[1]!)).toEqual(['role', 'content', name]);
      }
    });
  });

  it('such as tool calls survives, and every other field, digit by digit', async () => {
    const right = said('I look.', { tool_calls: [call], name: 'bob', score: 'N' });
    const row = {
      prompt: [{ ...user, name: 'ann' }],
      chosen: [right],
      rejected: [said('No.', { audio: 'a' })],
    };
    const { out } = await run([JSON.stringify(row).replace('"N"', '12345678901234567890')]);
    const [written] = readOutput(out, 'pref');
    expect(written).toMatchObject({
      prompt: [{ ...user, name: 'ann' }],
      chosen: [{ ...right, score: 12345678901234567890 }],
      rejected: [{ audio: 'a' }],
    });
    expect(readFileSync(join(out, 'pref.jsonl'), 'utf8')).toContain('"score":12345678901234567890}');
  });

  it('is normalized with the text, and found blank with it', async () => {
    const right = said('So.\nA: 4', { reasoning: 'r' });
    const { sft } = await run([{ problem: 'p', generations: [right, said(' ')], correct: [true, true] }], {
      normalize_answers: true,
    });
    expect(sft).toMatchObject([{ messages: [{}, { content: 'So.\nThe answer is 4', reasoning: 'r' }] }]);
  });

  it('is measured with it', async () => {
    const row = (thought: string) => ({
      prompt: [user],
      chosen: [said('4', { reasoning: thought })],
      rejected: [said('5')],
    });
    const given = { model: runs.model, length_count: 'content', max_response_tokens: 100 } as const;
    expect((await run([row('x')], given)).pref).toHaveLength(1);
    expect((await run([row('x'.repeat(200))], given)).pref).toHaveLength(0);
  });
});

describe('what the chat template is given', () => {
  const tools = [{ type: 'function', function: { name: 'weather' } }];
  const kwargs = { enable_thinking: false };

  it.each<[string, Row]>([
    ['a pair', { prompt: [user], chosen: [said('4')], rejected: [said('5')] }],
    ['labelled generations', { problem: '2+2?', generations: ['4', '5'], correct: [true, false] }],
  ])('goes along with %s', async (_, row) => {
    const { sft, pref } = await run([{ ...row, tools, chat_template_kwargs: kwargs }]);
    for (const written of [...sft, ...pref])
      expect(written).toMatchObject({ tools, chat_template_kwargs: kwargs });
    expect(pref).toHaveLength(1);
  });

  it('keeps unpaired rows of other tools apart', async () => {
    const row = (label: boolean, more: Row = {}) => ({
      prompt: [user],
      completion: [said('4')],
      label,
      ...more,
    });
    const { sft, pref } = await run([row(true, { tools }), row(false), row(false, { tools })]);
    expect(sft).toMatchObject([{ tools }]);
    expect(pref).toMatchObject([{ tools, rejected: [said('4')] }]);
  });

  it.each(['system', 'system_prompt'])('a column %s becomes the system message', async (name) => {
    const system = { role: 'system', content: 'Be brief.' };
    const rows = [
      { problem: 'a', generations: ['4', '5'], correct: [true, false], [name]: system.content },
      { prompt: [system, user], chosen: [said('4')], rejected: [said('5')], [name]: 'other' },
    ];
    const { sft, pref } = await run(rows);
    for (const { messages } of sft) expect((messages as object[])[0]).toEqual(system);
    for (const { prompt } of pref) expect(prompt).toMatchObject([system, { role: 'user' }]);
    expect(pref).toHaveLength(2);
  });
});

describe('OpenR1-Math-220k, whose verdicts stand in flat columns', () => {
  const row = (problem: string, more: Row) => ({
    problem,
    answer: '5',
    generations: ['\\boxed{5}', '\\boxed{6}'],
    correctness_math_verify: null,
    correctness_llama: null,
    finish_reasons: null,
    is_reasoning_complete: [true, true],
    messages: [user, said('\\boxed{5}')],
    ...more,
  });
  const rows = [
    row('a', { correctness_math_verify: [true, false] }),
    row('b', { correctness_llama: [false, true] }),
    row('c', { correctness_math_verify: [true, true], correctness_llama: [false, true] }),
    row('d', { correctness_math_verify: [true, true], finish_reasons: ['length', 'stop'] }),
    row('e', {}),
  ];

  it.each([
    ['mv', ['a0', 'c0', 'd1']],
    ['llm', ['b1', 'c1']],
    ['LorMV', ['a0', 'b1', 'c0', 'd1']],
    ['LandMV', ['c1']],
  ] as const)('is read (%s)', async (verdicts, expected) => {
    const { sft, summary } = await run(rows, { verdicts });
    const found = sft.map(
      ({ original_index: i, chosen_gen_idx: k }) => `${'abcde'[i as number]!}${String(k)}`,
    );
    expect(found.sort()).toEqual(expected);
    expect(summary.dropped.invalid_problem).toBe(1); // e, of which nobody says that its problem is valid
    if (verdicts === 'LandMV') expect(summary.hints.join()).toMatch(/2 of the dropped rows .*--verdicts mv/);
  });
});

describe('a run that would write nothing', () => {
  const wrong = { problem: 'p', problem_is_valid: 'Yes', generations: ['1'] };
  it.each<[string, unknown[], RegExp]>([
    ['no rows', [], /has no rows\.$/],
    [
      'no row that can be read',
      ['{"a":', '[1]'],
      /2 rows = 2 set aside \(the first: .*, line 1: not valid JSON/,
    ],
    ['no right trace', [{ ...wrong, correct: [false] }], /1 row = 1 no_correct_trace; ask the teacher/],
    [
      'no verdict of the judge',
      [{ ...wrong, correctness: { math_verify_reparsed_answer: [true] } }],
      /1 row = 1 verdicts_missing; .*--verdicts mv/,
    ],
    [
      'no source that is taken',
      [{ ...wrong, source: 'cn_k12', correctness: { math_verify_reparsed_answer: [true] } }],
      /1 row = 1 cn_k12; rows of this source are left out/,
    ],
    ['no verdicts', [wrong, wrong], /2 rows = 2 verdicts_missing; redistill verify/],
    [
      'no problem known to be valid',
      [{ ...wrong, problem_is_valid: undefined, correctness: {} }],
      /1 row = 1 invalid_problem; .*"problem_is_valid"/,
    ],
  ])('leaves everything as it is: %s', async (_, rows, message) => {
    const { out } = await run([{ ...wrong, correct: [true] }]);
    const names = [
      'sft.jsonl',
      'pref.jsonl',
      'summary.json',
      'quarantine.jsonl',
      'dropped.jsonl',
      'duplicates.jsonl',
    ];
    const setAside = { file: 'precious', line: 1, problem: 'x', text: '' };
    const precious = `${JSON.stringify(setAside)}\n`; // a quarantine of an earlier run, which may be replaced
    for (const name of names) writeFileSync(join(out, name), precious);
    const again = curate(settingsFor([runs.write(rows)]), out, silentProgress, new AbortController().signal);
    await expect(again).rejects.toThrow(message);
    for (const name of names) expect(readFileSync(join(out, name), 'utf8')).toBe(precious);
  });
});
