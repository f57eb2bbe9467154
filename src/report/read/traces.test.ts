import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeTinyTokenizer } from '../../../test/support/tinyTokenizer.js';
import { contents } from '../../../test/support/tinyModel.js';
import { ChatTokenizer } from '../../text/tokenizer.js';
import type { TracedRow } from '../model.js';
import { USUAL } from './limits.js';
import { readReport, type ReportOptions } from './report.js';

const top = mkdtempSync(join(tmpdir(), 'redistill-traces-'));
const model = join(top, 'model');
let tokenizer: ChatTokenizer;
beforeAll(() => {
  mkdirSync(model);
  writeTinyTokenizer(model);
  tokenizer = ChatTokenizer.load(model);
});
beforeEach(() => {
  rmSync(join(top, 'runs'), { recursive: true, force: true });
});
afterAll(() => {
  rmSync(top, { recursive: true });
});

const path = (name: string) => join(top, 'runs', name);
function write(name: string, content: string | readonly object[] | object): void {
  mkdirSync(dirname(path(name)), { recursive: true });
  const text = Array.isArray(content)
    ? content.map((row) => `${JSON.stringify(row)}\n`).join('')
    : typeof content === 'string'
      ? content
      : JSON.stringify(content);
  writeFileSync(path(name), text);
}
const record = (dir: string, command: string, settings: object) => {
  write(`${dir}/redistill.json`, { made_by: 'redistill', command, version: '0.1.0', settings });
};

/** Three problems: a pair, a right response alone, and one that was dropped. */
const problems = ['How much is a and b?', 'What is c?', 'Who is d?'];
const responses = [['ab right', 'ab wrong'], ['c'], ['dx']];
const verdicts = [[true, false], [true], [false]];
const asked = (i: number) => [{ role: 'user', content: problems[i]! }];
const said = (content: string) => [{ role: 'assistant', content }];

function curated(): void {
  record('all', 'collect', { model });
  write(
    'all/traces.jsonl',
    problems.map((problem, i) => ({
      ...{ original_index: i, problem, answer: 'g', generations: responses[i] },
      correctness: {
        llama_verification: null,
        math_verify_answer: verdicts[i],
        math_verify_reparsed_answer: verdicts[i],
      },
      generation_details: responses[i]!.map((_, j) => ({ finish_reason: j === 1 ? 'length' : 'stop' })),
    })),
  );
  record('own', 'curate', { data: path('all/traces.jsonl'), model });
  write('own/pref.jsonl', [
    {
      ...{ prompt: asked(0), chosen: said('ab right'), rejected: said('ab wrong') },
      ...{ original_index: 0, chosen_gen_idx: 0, rejected_gen_idx: 1 },
    },
  ]);
  write('own/sft.jsonl', [
    { messages: [...asked(0), ...said('ab right')], original_index: 0, chosen_gen_idx: 0 },
    { messages: [...asked(1), ...said('c')], original_index: 1, chosen_gen_idx: 0, weight: 0.5 },
  ]);
  write('own/dropped.jsonl', [{ original_index: 2, reason: 'no_correct_trace' }]);
  write('own/duplicates.jsonl', [{ original_index: 1, duplicate_of: 0, kind: 'near', similarity: 0.9 }]);
  write('own/summary.json', { rows: 3, sft: 2, pref: 1, dropped_rows: 1, dropped: {} });
}

/** A row of `columns`: the response in ids, the end of the turn included, with numbers that are known beforehand. */
async function columnsRow(i: number, roles: Readonly<Record<string, string>>, of: (t: number) => number) {
  const sequences = [];
  for (const [role, text] of Object.entries(roles)) {
    const ids = [...(await tokenizer.encode(`${text}<|end|>`))];
    const prompt = { ids: [...(await tokenizer.encode(`<|user|>${problems[i]!}<|end|><|assistant|>`))] };
    sequences.push({ role, prompt, response: [{ ids }], columns: { teacher: ids.map((_, t) => of(t)) } });
  }
  return { original_index: i, chosen_gen_idx: 0, rejected_gen_idx: 1, sequences };
}
const pair = { chosen: 'ab right', rejected: 'ab wrong' };

async function read(options: ReportOptions = {}) {
  const { report, chunks } = await readReport([path('')], options);
  const rows: TracedRow[][] = report.traces!.map(() => []);
  for (const placed of chunks()) if ('rows' in placed) rows[placed.traces]!.push(...placed.rows);
  return { report, sets: report.traces!, rows };
}

describe('rows of a curation', () => {
  it('have all responses with verdicts, what was made of them, and their way', async () => {
    curated();
    const before = contents(path(''));
    const { sets, rows } = await read();
    expect(contents(path(''))).toEqual(before);
    expect(sets.map(({ id }) => id)).toEqual(['own']);
    expect(sets[0]!.rows).toMatchObject({
      ...{ ids: ['0', '1', '2'], traces: [2, 1, 1], tokens: [0, 0, 0], chunks: [3] },
      fates: ['pair', 'right alone', 'dropped: no correct trace'],
    });
    const [first, second, third] = rows[0]!;
    expect(first).toMatchObject({ problem: problems[0], gold: 'g', made: [{ right: 0, wrong: 1 }] });
    expect(first!.traces).toEqual([
      { name: '1', text: 'ab right', finishReason: 'stop', verdicts: [{ by: 'the rules', right: true }] },
      { name: '2', text: 'ab wrong', finishReason: 'length', verdicts: [{ by: 'the rules', right: false }] },
    ]);
    expect(first!.way.map(({ name, words }) => [name, words])).toEqual([
      ['all', `2 responses known, of ${top.split('/').at(-1)!}/model`],
      ['verdicts', '1 right and 1 wrong by the rules; 1 cut off'],
      ['own', 'kept: response 1 chosen, response 2 rejected'],
    ]);
    expect(second!.way.at(-1)!.words).toBe('kept: response 1 alone is right; near duplicate of row 0');
    expect(third).toMatchObject({ problem: problems[2], made: [], traces: [{ text: 'dx' }] });
    expect(third!.way.at(-1)!.words).toBe('dropped: no correct trace');
  });

  it('say by which command the log-probs of their tokens are made', async () => {
    curated();
    const [set] = (await read()).sets;
    const shownModel = model.split('/').slice(-2).join('/');
    expect(set!.notes.join()).toContain(`redistill columns runs/own/pref.jsonl --model ${shownModel}`);
    expect(set!.columns).toEqual([]);
  });

  it('stand without what was curated where it is gone', async () => {
    curated();
    rmSync(path('all'), { recursive: true });
    const { sets, rows } = await read();
    expect(sets[0]!.notes.join()).toContain('is not there any more');
    expect(rows[0]!.map(({ traces }) => traces.length)).toEqual([2, 1, 0]);
  });

  it('are as many as fit, and the report says what is left out and how to get it', async () => {
    curated();
    const { sets, rows } = await read({ limits: { ...USUAL, rows: 1, trace: 4 } });
    expect(sets[0]!.rows.ids).toEqual(['0']);
    expect(sets[0]!.notes.join()).toMatch(/1 of 3 rows .*`redistill report .* --all` has all/);
    expect(rows[0]![0]!.traces[0]!.text).toMatch(/^ab \n\[… 4 characters are not in this report …\]\nt$/);
    expect((await read({ all: true, limits: { ...USUAL, rows: 3 } })).sets[0]!.rows.ids).toHaveLength(3);
  });

  it('of a collection that nobody curated are shown too, with the tokens that it kept', async () => {
    record('all', 'collect', { model });
    const ids = [...(await tokenizer.encode('42'))];
    write('all/traces.jsonl', [
      {
        ...{ original_index: 5, problem: 'q', answer: '42', generations: ['42', 'no'] },
        correctness: {
          llama_verification: null,
          math_verify_answer: [true, false],
          math_verify_reparsed_answer: [true, false],
        },
        generation_details: [
          { finish_reason: 'stop', prompt_ids: [1], ids, logps: [-0.5, -1], forced: [0, 1] },
          { finish_reason: 'stop' },
        ],
      },
    ]);
    const { sets, rows } = await read();
    expect(sets[0]).toMatchObject({
      id: 'all',
      columns: [{ key: 'drawn', kind: 'logp' }],
      rows: { fates: ['collected'] },
    });
    expect(rows[0]![0]!.traces[0]!.tokens).toEqual({
      texts: ['4', '2'],
      weights: [1, 0],
      columns: { drawn: [-0.5, -1] },
    });
  });
});

describe('tokens', () => {
  it('of a stage columns and of score are those of the responses, each with its number', async () => {
    curated();
    record('hints', 'columns', {
      model,
      data: path('own/pref.jsonl'),
      as: 'teacher',
      read: 'logps',
      context: 'hindsight',
    });
    write('hints/rows.jsonl', [await columnsRow(0, pair, (t) => -t)]);
    record('scores', 'score', { model, data: path('own/pref.jsonl'), tokens: true });
    const [chosen, rejected] = await Promise.all(
      Object.values(pair).map(async (text) => [...(await tokenizer.encode(`${text}<|end|>`))]),
    );
    const score = (ids: number[]) => ({ tokens: ids.length, sum: 0, mean: 0, ids, logps: ids.map(() => -2) });
    write('scores/scores.jsonl', [{ chosen: score(chosen!), rejected: score(rejected!) }]);
    const { sets, rows } = await read();
    expect(sets[0]!.columns.map(({ key, kind }) => [key, kind])).toEqual([
      ['hints: teacher', 'logp'],
      ['scores', 'logp'],
    ]);
    expect(sets[0]!.columns[0]!.about).toContain('under the context hindsight');
    const [right, wrong] = rows[0]![0]!.traces;
    expect(right!.tokens!.texts).toEqual([...Array.from('ab right'), '<|end|>']);
    expect(wrong!.tokens!.texts.join('')).toBe('ab wrong<|end|>');
    expect(right!.tokens!.columns['hints: teacher']).toEqual(chosen!.map((_, t) => 0 - t));
    expect(right!.tokens!.columns.scores).toEqual(chosen!.map(() => -2));
    expect(sets[0]!.rows.tokens).toEqual([2, 0, 0]);
  });

  it('of a file that is named find their rows and their tokenizer by the texts', async () => {
    curated();
    write('named.jsonl', [
      await columnsRow(0, pair, (t) => -t / 3),
      await columnsRow(2, { chosen: 'other' }, () => 1),
    ]);
    const { sets, rows } = await read({ columns: [path('named.jsonl')] });
    expect(sets).toHaveLength(1);
    const tokens = rows[0]![0]!.traces[1]!.tokens!;
    expect(tokens.columns['named.jsonl: teacher']!.slice(0, 3)).toEqual([0, -0.3333, -0.6667]);
    expect(sets[0]!.notes.join()).toContain('1 response of named.jsonl are left out');
    await expect(read({ columns: [path('none.jsonl')] })).rejects.toThrow('there is no such file');
  });

  it('of a file of other rows are a set of their own', async () => {
    record('student', 'train', { model });
    write('student/metrics.jsonl', [{ step: 1, loss: 1, learning_rate: 1, num_tokens: 1, epoch: 1 }]);
    write('else/named.jsonl', [await columnsRow(0, pair, () => -1)]);
    const { sets, rows } = await read({ columns: [path('else/named.jsonl')] });
    expect(sets[0]).toMatchObject({ id: 'named.jsonl', rows: { fates: ['pair'], tokens: [2] } });
    expect(rows[0]![0]).toMatchObject({
      made: [{ right: 0, wrong: 1 }],
      traces: [{ name: 'chosen' }, { name: 'rejected' }],
    });
    expect(rows[0]![0]!.problem).toContain(problems[0]!);
  });

  it('beyond the limit are left out, which is said', async () => {
    curated();
    write('named.jsonl', [await columnsRow(0, pair, () => -1)]);
    const { sets, rows } = await read({ columns: [path('named.jsonl')], limits: { ...USUAL, tokens: 5 } });
    expect(rows[0]![0]!.traces.some(({ tokens }) => tokens)).toBe(false);
    expect(sets[0]!.notes.join()).toContain('Tokens of the last rows are left out');
  });

  it('that make up one character together have the sum of their numbers', async () => {
    const { tokenText } = await import('./rowTokens.js');
    const bytes = new Map([
      [1, 'a'],
      [2, '\uFFFD'],
      [3, 'é'],
    ]);
    const fake = {
      isSpecial: () => false,
      decode: (ids: ArrayLike<number>) =>
        Array.from(ids)
          .join(',')
          .replace('2,3', '3')
          .split(',')
          .map((id) => bytes.get(Number(id)) ?? '')
          .join(''),
    } as unknown as ChatTokenizer;
    const tokens = { ids: [1, 2, 3], columns: new Map([['x', [-1, -2, -4]]]) };
    expect(tokenText(fake, tokens)).toEqual({ texts: ['a', 'é'], columns: { x: [-1, -6] } });
  });
});

describe('the gradient', () => {
  const trained = (objective: object, data = 'pref') => {
    record('run', 'train', { objective, model, data: path(`own/${data}.jsonl`), seed: 1 });
    write('run/metrics.jsonl', [{ step: 1, loss: 1, learning_rate: 1, num_tokens: 1, epoch: 1 }]);
  };

  it('of REDI is 1/N on each chosen token and −α/N on each rejected one, and its shares add up to 1', async () => {
    curated();
    trained({ name: 'redi', alpha: 0.5 });
    write('named.jsonl', [await columnsRow(0, pair, () => -1)]);
    const { sets, rows } = await read({ columns: [path('named.jsonl')] });
    expect(sets[0]!.columns.at(-1)).toMatchObject({ key: 'gradient: run', kind: 'gradient' });
    const [right, wrong] = rows[0]![0]!.traces;
    expect(right!.tokens!.columns['gradient: run']).toEqual(Array(9).fill(0.1111));
    expect(wrong!.tokens!.columns['gradient: run']).toEqual(Array(9).fill(-0.05556));
    expect(rows[0]![0]!.way.at(-1)).toMatchObject({ name: 'run', link: 'runs/run' });
    expect(rows[0]![0]!.way.at(-1)!.words).toMatch(
      /^trained by redi, weight 1; 1\.0e\+2 %|^trained by redi, weight 1; 100 %/,
    );
    // The row that has no pair is not in the file that was trained on.
    expect(rows[0]![1]!.way.map(({ name }) => name)).not.toContain('run');
  });

  it('of an objective that depends on log-probs comes from those of the model that it began with', async () => {
    curated();
    trained({ name: 'simpo', beta: 2, gamma: 0 });
    record('scores', 'columns', { model, data: path('own/pref.jsonl'), as: 'start', read: 'logps' });
    write('scores/rows.jsonl', [await columnsRow(0, pair, () => -1)]);
    const { rows } = await read();
    // Both sides are equally likely: the slope of −log σ(β·margin) at 0 is −β/2, over 9 tokens.
    expect(rows[0]![0]!.traces[0]!.tokens!.columns['gradient: run']![0]).toBeCloseTo(1 / 9, 3);
    expect(rows[0]![0]!.traces[1]!.tokens!.columns['gradient: run']![0]).toBeCloseTo(-1 / 9, 3);
  });

  it('says why it is not known: no tokens, or an objective of somebody else, which is not run', async () => {
    curated();
    trained({ name: 'redi' });
    expect((await read()).rows[0]![0]!.way.at(-1)!.words).toContain(
      'its share of the gradient is not known: no row has',
    );
    write('evil.mjs', 'throw new Error("it was run");');
    trained({ module: path('evil.mjs') });
    write('named.jsonl', [await columnsRow(0, pair, () => -1)]);
    const { rows } = await read({ columns: [path('named.jsonl')] });
    expect(rows[0]![0]!.way.at(-1)!.words).toContain('a module of its own, which a report does not run');
  });
});

describe('the nearest problems of evaluations', () => {
  it('are those with the most words in common, and those that differ in numbers alone are marked', async () => {
    curated();
    write(
      'all/traces.jsonl',
      readFileSync(path('all/traces.jsonl'), 'utf8').replace(
        problems[0]!,
        'Tom has 3 red apples and eats 1 of them',
      ),
    );
    write(
      'own/pref.jsonl',
      readFileSync(path('own/pref.jsonl'), 'utf8').replace(
        problems[0]!,
        'Tom has 3 red apples and eats 1 of them',
      ),
    );
    record('after', 'evaluate', {});
    const texts = [
      'Something else that nobody asks',
      'Tom has 4 red apples and eats 2 of them',
      'Tom has 3 red apples',
    ];
    write(
      'after/samples.jsonl',
      texts.map((problem, i) => ({
        ...{ id: `e${i}`, problem, answer: '1', generations: ['x'] },
        generation_details: [
          {
            finish_reason: 'stop',
            completion_tokens: 1,
            grades: { verify: { correct: true, extracted: '1' } },
          },
        ],
      })),
    );
    write('after/summary.json', {});
    const [row] = (await read()).rows[0]!;
    const grams = (text: string) =>
      text
        .toLowerCase()
        .split(' ')
        .flatMap((_, i, all) => (i + 2 < all.length ? [all.slice(i, i + 3).join(' ')] : []));
    const jaccard = (a: string[], b: string[]) => {
      const both = a.filter((gram) => b.includes(gram)).length;
      return both / (a.length + b.length - both);
    };
    const expected = texts
      .map((text, place) => ({
        place,
        similarity: jaccard(grams('Tom has 3 red apples and eats 1 of them'), grams(text)),
      }))
      .filter(({ similarity }) => similarity > 0.1)
      .sort((a, b) => b.similarity - a.similarity);
    expect(row!.nearest.map(({ place }) => place)).toEqual(expected.map(({ place }) => place));
    for (const [i, { similarity }] of row!.nearest.entries())
      expect(similarity).toBeCloseTo(expected[i]!.similarity, 3);
    expect(row!.nearest.find(({ place }) => place === 1)!.isSameButNumbers).toBe(true);
    expect(row!.nearest.find(({ place }) => place === 2)!.isSameButNumbers).toBe(false);
  });
});
