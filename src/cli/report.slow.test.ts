import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roteEvaluations } from '../../test/support/roteEvaluations.js';
import { expectDone, expectError, tinyCommands } from '../../test/support/tinyCommands.js';
import { contents, redistill, writeRows } from '../../test/support/tinyModel.js';
import { readReport, type Report } from '../report/index.js';

const { path, problems, evaluation } = roteEvaluations();
const data = problems('twelve.jsonl', 12);
const rights = (right: (i: number) => boolean) => Array.from({ length: 12 }, (_, i) => [right(i)]);

describe('report of a recipe', () => {
  const { path: place, tiny, pipeline } = tinyCommands();

  it('shows tokens, gradients, fates and what the doctor saw, of what its stages have left', async () => {
    const traces = writeRows(place('traces.jsonl'), [
      { problem: '4+4?', answer: '8', generations: ['it is 8', 'it is 5'], correct: [true, false] },
      { problem: '5+5?', answer: '10', generations: ['is 7', 'is 10'], correct: [false, true] },
      { problem: '6+6?', answer: '12', generations: ['is 1'], correct: [false] },
    ]);
    const out = place('traced');
    const train = {
      stage: 'train',
      model: tiny,
      data: '@own/pref.jsonl',
      batch_size: 1,
      epochs: 1,
      optimizer: { lr: 1e-3 },
    };
    const stages = {
      own: { stage: 'curate', data: traces, length_filter: false },
      check: { stage: 'doctor', model: tiny, data: '@own/pref.jsonl' },
      redi: { ...train, objective: { name: 'redi', alpha: 0.5 } },
      before: { stage: 'columns', model: tiny, data: '@own/pref.jsonl', as: 'before' },
      after: { stage: 'score', model: '@redi', data: '@own/pref.jsonl', tokens: true },
    };
    const recipe = pipeline({
      out,
      stages: Object.entries(stages).map(([name, keys]) => ({ name, ...keys })),
    });
    const ran = await redistill(['run', recipe]);
    expectDone(ran);
    const env = { XDG_CACHE_HOME: place('empty') };
    const alone = JSON.parse((await redistill(['report', out, '--json'], { env })).stdout) as Report;
    expect(alone.notes!.join()).toContain('reads a file, too');
    const json = await redistill(['report', out, traces, '--json'], { env });
    const { traces: sets, examinations, stages: boxes } = JSON.parse(json.stdout) as Report;
    expect(boxes.map(({ link }) => link).slice(0, 3)).toEqual(['traces/own', 'doctor/check', 'runs/redi']);
    expect(sets).toHaveLength(1);
    expect(sets![0]!.columns.map(({ key, kind }) => [key, kind])).toEqual([
      ['before: before', 'logp'],
      ['after', 'logp'],
      ['gradient: redi', 'gradient'],
    ]);
    expect(sets![0]!.notes).toEqual([]);
    expect(sets![0]!.rows).toMatchObject({ traces: expect.arrayContaining([2, 2, 1]) as number[] });
    expect([...sets![0]!.rows.tokens].sort()).toEqual([0, 2, 2]);
    expect(examinations).toMatchObject([{ id: 'check', rows: [{ verdict: 'ok' }, { verdict: 'ok' }] }]);
    const { chunks } = await readReport([out, traces]);
    const rows = [...chunks()].flatMap((placed) => ('rows' in placed ? placed.rows : []));
    const [row] = rows.filter(({ id }) => id === '0');
    expect(row!.traces.map(({ tokens }) => tokens!.texts.join(''))).toEqual([
      'it is 8<|end|>',
      'it is 5<|end|>',
    ]);
    const scores = readFileSync(join(out, 'after/scores.jsonl'), 'utf8');
    expect(scores).toContain(String(row!.traces[0]!.tokens!.columns.after![0]).slice(0, 5));
    expect(row!.traces[0]!.tokens!.columns['gradient: redi']![0]).toBeCloseTo(1 / 8, 4);
    expect(row!.way.map(({ name }) => name)).toEqual(['data', 'verdicts', 'own', 'check', 'redi']);
  });
});

describe('report', () => {
  it('makes a page, text or JSON of evaluations, without libtorch, and leaves them as they are', async () => {
    const low = await evaluation(
      data,
      rights((i) => i < 2),
    );
    const high = await evaluation(
      data,
      rights((i) => i < 11),
    );
    const before = [low, high].map((dir) => contents(dir));
    const env = { XDG_CACHE_HOME: path('empty') };
    const page = path('page.html');
    const made = await redistill(['report', low, high, '--out', page], { env });
    expectDone(made);
    expect(made.stdout).toBe(`${page}\n`);
    expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>\n<!-- A report of redistill. -->\n/);
    expectDone(await redistill(['report', low, '--out', page], { env }));

    const json = await redistill(['report', low, high, '--json'], { env });
    const { evaluations, comparisons } = JSON.parse(json.stdout) as Report;
    expect(evaluations).toHaveLength(1);
    expect(evaluations[0]!.columns.map(({ grades }) => grades.verify!.passAt1)).toEqual([2 / 12, 11 / 12]);
    expect(comparisons).toMatchObject([{ finding: 'better', rows: [{ gained: 9, lost: 0 }] }]);
    const text = await redistill(['report', low, high, '--text'], { env });
    expect(text.stdout).toMatch(/ is better than .*: \+75\.0 points/);
    expect([low, high].map((dir) => contents(dir))).toEqual(before);
  });

  it('refuses what is no result, a page inside of one, and a file of somebody else', async () => {
    const dir = await evaluation(
      data,
      rights(() => true),
    );
    const empty = path('nothing-here');
    mkdirSync(empty);
    expectError(await redistill(['report', empty]), 2, 'holds no result of redistill');
    writeFileSync(
      join(dir, 'redistill.json'),
      JSON.stringify({ made_by: 'redistill', command: 'evaluate', version: '0.1.0' }),
    );
    const inside = join(dir, 'report.html');
    expectError(await redistill(['report', dir, '--out', inside]), 2, 'would be added to');
    expect(existsSync(inside)).toBe(false);
    const mine = path('mine.html');
    writeFileSync(mine, '<html>mine</html>');
    expectError(await redistill(['report', dir, '--out', mine]), 2, 'mine.html is in the way');
    expect(readFileSync(mine, 'utf8')).toBe('<html>mine</html>');
  });
});
