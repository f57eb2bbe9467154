import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeTinyTokenizer } from '../../../test/support/tinyTokenizer.js';
import { ChatTokenizer } from '../../text/tokenizer.js';
import { readReport } from './report.js';
import { rowsOf, Unfit } from './rowTokens.js';

const top = mkdtempSync(join(tmpdir(), 'redistill-unfit-'));
const model = join(top, 'model');
let ids: number[];
beforeAll(async () => {
  mkdirSync(model);
  writeTinyTokenizer(model);
  ids = [...(await ChatTokenizer.load(model).encode('ab right<|end|>'))];
});
afterAll(() => {
  rmSync(top, { recursive: true });
});

const write = (name: string, rows: readonly object[]) => {
  const path = join(top, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
};
const ones = (n: number, of = ids.length) => Array.from({ length: of + n }, () => 1);
const sequence = (more: object, response: object[] = [{ ids, ...more }]) => ({
  ...{ role: 'chosen', prompt: { ids: [1] }, response, columns: { teacher: ones(0, 0) } },
});
const half = () => [ids.slice(0, 4), ids.slice(4)] as const;

it('weights and numbers that are not those of the tokens are left out, and said', async () => {
  const column = (values: unknown) => ({ ...sequence({}), columns: { teacher: values } });
  const unfit: [object, string][] = [
    [sequence({ weights: ones(-1) }), 'not one weight'],
    [sequence({ weights: ones(1) }), 'not one weight'],
    [sequence({ weights: [] }), 'not one weight'],
    // As many in all, and none of them at its token.
    [
      sequence({}, [
        { ids: half()[0], weights: ones(1, 4) },
        { ids: half()[1], weights: ones(-1, half()[1].length) },
      ]),
      'not one weight',
    ],
    [column(ones(-1)), 'not one number of teacher'],
    [column(ones(1)), 'not one number of teacher'],
    [column('none'), 'not one number of teacher'],
    [sequence({ weights: ['1'] }), 'its sequences of tokens'],
    [{ role: 'chosen' }, 'its sequences of tokens'],
  ];
  for (const [i, [one, words]] of unfit.entries()) {
    const file = write(`rows-${i}/named.jsonl`, [
      { original_index: 1, sequences: [one] },
      {
        original_index: 2,
        sequences: [{ ...sequence({ weights: ones(0) }), columns: { teacher: ones(0) } }],
      },
    ]);
    write(`rows-${i}/run/metrics.jsonl`, [{ step: 1, loss: 1, learning_rate: 1 }]);
    writeFileSync(
      join(top, `rows-${i}/run/redistill.json`),
      JSON.stringify({ made_by: 'redistill', command: 'train', version: '0.1.0', settings: { model } }),
    );
    const { report, chunks } = await readReport([join(top, `rows-${i}`)], { columns: [file] });
    expect(report.traces![0]!.notes, JSON.stringify(one)).toEqual([expect.stringContaining(words)]);
    expect(report.traces![0]!.notes[0]).toMatch(/^1 (response|column|row) of named.jsonl left out: /);
    const rows = [...chunks()].flatMap((chunk) => ('rows' in chunk ? chunk.rows : []));
    expect(rows.some(({ id }) => id === '2')).toBe(true);
    for (const { traces } of rows)
      for (const { tokens } of traces)
        for (const numbers of [tokens!.weights ?? [], ...Object.values(tokens!.columns)])
          expect(numbers).not.toContain(null);
  }
});

it('log-probs of `score` that are not one for each token are left out, and said', () => {
  const data = write('scored/sft.jsonl', [{ original_index: 1 }, { original_index: 2 }]);
  const file = write('scored/scores.jsonl', [
    { ids, logps: ones(-1) },
    { ids, logps: ones(0) },
  ]);
  const source = { name: 'scores', file, kind: 'score' as const, data, mayReadData: true };
  const unfit = new Unfit();
  expect([...rowsOf(source, unfit)].map(({ responses }) => responses.length)).toEqual([0, 1]);
  expect(unfit.sentences(source)).toEqual([
    '1 response of scores left out: there is not one log-prob for each of its tokens.',
  ]);
});
