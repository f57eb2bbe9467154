import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { writeTinyTokenizer } from '../../../test/support/tinyTokenizer.js';
import { ChatTokenizer } from '../../text/tokenizer.js';
import { readReport, type ReportOptions } from './report.js';

const top = mkdtempSync(join(tmpdir(), 'redistill-named-'));
afterAll(() => {
  rmSync(top, { recursive: true });
});
beforeEach(() => {
  for (const name of ['given', 'mine']) rmSync(join(top, name), { recursive: true, force: true });
});

const given = join(top, 'given');
const secrets = join(top, 'mine/secrets.jsonl');
function write(path: string, content: string | object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : `${JSON.stringify(content)}\n`);
}
const record = (dir: string, command: string, settings: object, more: object = {}) => {
  write(join(given, dir, 'redistill.json'), {
    made_by: 'redistill',
    command,
    version: '1',
    settings,
    ...more,
  });
};

/** Rows of a user's own that are of every kind at once: traces, curated rows, rows of tokens, graded answers. */
const SECRET = 'zebra';
const turn = (role: string) => [{ role, content: SECRET }];
const detail = {
  finish_reason: 'stop',
  completion_tokens: 1,
  grades: { verify: { correct: true, extracted: SECRET } },
};
const row = {
  ...{ id: SECRET, original_index: 0, problem: SECRET, answer: SECRET, generations: [SECRET, SECRET] },
  correctness: {
    llama_verification: null,
    math_verify_answer: [true, false],
    math_verify_reparsed_answer: null,
  },
  generation_details: [detail, detail],
  ...{ prompt: turn('user'), chosen: turn('assistant'), rejected: turn('assistant') },
  ...{ messages: [...turn('user'), ...turn('assistant')], reason: SECRET, verdict: SECRET },
};

/** A curation of one row that was dropped, so that what it was made of is all that is known of its texts. */
function curation(settings: object, dir = 'own'): void {
  record(dir, 'curate', settings);
  write(join(given, dir, 'dropped.jsonl'), { original_index: 0, reason: 'none' });
  write(join(given, dir, 'summary.json'), { rows: 1, sft: 0, pref: 0, dropped_rows: 1, dropped: {} });
}

async function textOf(paths: readonly string[], options: ReportOptions = {}) {
  const { report, chunks } = await readReport(paths, options);
  return { report, text: JSON.stringify([report, ...chunks()]) };
}

describe('rows of a file that records alone name', () => {
  it('are not in a report, and it says so; they are where the file or its folder is named too', async () => {
    write(secrets, row);
    curation({ data: secrets });
    const { report, text } = await textOf([given]);
    expect(text).not.toContain(SECRET);
    expect(report.notes!.join()).toContain('mine/secrets.jsonl');
    expect(text).not.toContain(top);
    const more = await textOf([given, secrets]);
    expect(more.text).toContain(SECRET);
    expect(more.report.notes).toEqual([]);
    expect(more.report.title).toBe('given');
    expect((await textOf([given], { columns: [secrets] })).text).toContain(SECRET);
  });

  it('are not in it where a link leads to them, or their place is told from the record', async () => {
    write(secrets, row);
    curation({ data: join(given, 'all/traces.jsonl') });
    mkdirSync(join(given, 'all'));
    symlinkSync(secrets, join(given, 'all/traces.jsonl'));
    expect((await textOf([given])).text).not.toContain(SECRET);
    // Beside the folder that has the record lies what nobody has named.
    write(join(given, 'mine/secrets.jsonl'), row);
    curation({ data: '/gone/mine/secrets.jsonl' });
    expect((await textOf([join(given, 'own')])).text).not.toContain(SECRET);
    expect((await textOf([given])).text).toContain(SECRET);
  });

  it('are not in it whatever command and setting name them, nor by the name of a stage', async () => {
    write(secrets, row);
    write(join(top, 'mine/summary.json'), { rows: 7_654_321, sft: 7_654_321, zebra: 1 });
    mkdirSync(join(given, 'model'), { recursive: true });
    writeTinyTokenizer(join(given, 'model'));
    const settings = Object.fromEntries(
      ['data', 'eval_data', 'before', 'after', 'problems', 'out', 'file', 'responses'].map((key) => [
        key,
        secrets,
      ]),
    );
    const ids = [...(await ChatTokenizer.load(join(given, 'model')).encode('ab'))];
    const score = { ids, logps: ids.map(() => -1) };
    const stages = [{ name: '../../mine', kind: 'curate', config: {} }];
    for (const command of [
      'collect',
      'verify',
      'curate',
      'columns',
      'score',
      'train',
      'evaluate',
      'compare',
      'doctor',
    ])
      record(command, command, { ...settings, model: join(given, 'model'), tokens: true });
    curation(settings, 'curate');
    for (const command of ['run', 'study', 'benchmark'])
      record(command, command, settings, { recipe: { ...settings, stages } });
    write(join(given, 'score/scores.jsonl'), { chosen: score, rejected: score });
    write(join(given, 'doctor/verdicts.jsonl'), { original_index: 0, verdict: 'trained' });
    write(join(given, 'train/metrics.jsonl'), {
      step: 1,
      loss: 1,
      learning_rate: 1,
      num_tokens: 1,
      epoch: 1,
    });
    const { text } = await textOf([given]);
    expect(text).not.toMatch(/zebra|7654321|7,654,321/);
    expect(text).not.toContain(top);
    expect((await textOf([given, secrets])).text).toContain(SECRET);
  });

  it('cannot be the whole of a report', async () => {
    write(secrets, row);
    await expect(textOf([secrets])).rejects.toThrow(/is a file: name the folder/);
  });
});
