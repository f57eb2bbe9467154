import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  parseRows,
  readRows,
  redistill,
  turns,
  writeRows,
  writeTinyModel,
} from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-encoder-'));
const model = join(root, 'model');
/** At forty letters, the library that runs this expression gives up by ending its process. */
const ENDLESS = '(a|a)*(a|a)*(a|aa)+$';
const hostile = `${'a'.repeat(40)}!`;

beforeAll(() => {
  writeTinyModel(model);
  const path = join(model, 'tokenizer.json');
  const json = JSON.parse(readFileSync(path, 'utf8')) as { pre_tokenizer: object };
  const split = { type: 'Split', pattern: { Regex: ENDLESS }, behavior: 'Isolated', invert: false };
  json.pre_tokenizer = {
    type: 'Sequence',
    pretokenizers: [split, { ...json.pre_tokenizer, use_regex: false }],
  };
  writeFileSync(path, JSON.stringify(json));
});

describe('a tokenizer that does not come to an end with a text', () => {
  const data = join(root, 'rows.jsonl');
  const reason = /tokenizer\.json: the tokenizer does not come to an end with this text/;

  it('ends score with the row', async () => {
    writeRows(data, [{ messages: turns('q', 'fine') }, { messages: turns('q', hostile) }]);
    const { code, stderr } = await redistill(['score', '--model', model, '--data', data]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*rows\.jsonl, line 2: .*\n$/m);
    expect(stderr).toMatch(reason);
    expect(stderr).not.toMatch(/panick|backtrace/);
  });

  it('ends generate with the row', async () => {
    const prompts = writeRows(join(root, 'prompts.jsonl'), [{ prompt: 'a' }, { prompt: hostile }]);
    const { code, stderr } = await redistill(['generate', '--model', model, '--prompts', prompts]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/prompts\.jsonl, line 2: /);
    expect(stderr).toMatch(reason);
  });

  it('is a finding of the doctor, which goes on with the other rows', async () => {
    writeRows(data, [{ messages: turns('p', hostile) }, { messages: turns('q', 'fine') }]);
    const out = join(root, 'verdicts.jsonl');
    const { code, stderr } = await redistill(['doctor', data, '--model', model, '--out', out]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/would be spoilt: untokenisable \(1 row\)/);
    expect(readRows(out)).toMatchObject([
      { line: 1, problems: [{ code: 'untokenisable' }] },
      { line: 2, verdict: 'ok' },
    ]);
  });

  it('gives the same tokens to other texts as it would in this process', async () => {
    writeRows(data, [{ messages: turns('b', 'cd') }]);
    const { code, stdout } = await redistill(['score', '--model', model, '--data', data, '--tokens']);
    expect(code).toBe(0);
    expect(parseRows(stdout)).toMatchObject([{ tokens: 3, ids: [70, 71, 0] }]);
  });
});

describe('a text that is longer than any that a model takes', () => {
  const usual = join(root, 'usual');
  const long = `It is${' '.repeat(12_000_000)}1`;

  it('is a row that score refuses', async () => {
    writeTinyModel(usual);
    const data = writeRows(join(root, 'long.jsonl'), [{ messages: turns('q', long) }]);
    const { code, stderr } = await redistill(['score', '--model', usual, '--data', data]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/long\.jsonl, line 1: a text of 120000\d\d characters is longer than any/);
  });

  it('makes a pair that curate leaves out as too long', async () => {
    const traces = [long, 'other'].map((generation, i) => ({
      problem: `Q${i}?`,
      answer: '1',
      generations: [generation, '2'],
      correct: [true, false],
    }));
    const data = writeRows(join(root, 'traces.jsonl'), traces);
    const out = join(root, 'curated');
    expect((await redistill(['curate', data, '--model', usual, '--out', out])).code).toBe(0);
    expect(readRows(join(out, 'pref.jsonl'))).toMatchObject([{ original_index: 1 }]);
  });
});
