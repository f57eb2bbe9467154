import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectDone, expectError, tinyCommands, trainKeys } from '../../test/support/tinyCommands.js';
import { readRows, redistill } from '../../test/support/tinyModel.js';
import { comparePaired } from '../statistics/paired.js';
import { readResults } from '../evaluate/summary.js';
import type { StudyResults } from '../study/index.js';

const { path, tiny, pairs, file, rows } = tinyCommands();

/** Right by the parity of the response's length: a tiny model is right about half of the time, by chance. */
const grader = () => ({
  module: file(
    'mjs',
    'export default ({ response }) => ({ correct: response.length % 2 === 0, extracted: response });',
  ),
});
const problem = (i: number) => ({
  problem: `${i}+${i}?`,
  answer: String(2 * i),
  equation: i % 2 === 0 ? '+ number0 number1' : '- + number0 number1 number2',
});
const problems = (from: number, count: number) =>
  rows(Array.from({ length: count }, (_, i) => problem(from + i)));

describe('study', () => {
  const recipe: Record<string, unknown> = {};
  beforeAll(() => {
    const evaluation = {
      grader: grader(),
      dtype: 'f32',
      samples: 4,
      sampling: { max_tokens: 6, temperature: 1 },
    };
    const asked = problems(10, 4);
    Object.assign(recipe, {
      out: path('study'),
      seeds: [1, 2],
      control: 'more-sft',
      model: '@student',
      shared: [
        { name: 'base', stage: 'get', model: tiny },
        {
          name: 'asked',
          stage: 'collect',
          model: '@base',
          data: asked,
          dtype: 'f32',
          sampling: { max_tokens: 4 },
        },
      ],
      stages: [
        {
          name: 'student',
          stage: 'train',
          model: '@base',
          data: pairs,
          dtype: 'f32',
          ...trainKeys,
          epochs: 1,
        },
      ],
      tune: [{ student: { optimizer: { lr: 1e-4 } } }, { student: { optimizer: { lr: 1e-2 } } }],
      development: { dev: { data: problems(20, 6), ...evaluation } },
      tests: {
        // Two of its problems were asked, and one is among those of the development set.
        near: {
          data: rows([
            problem(10),
            problem(11),
            problem(20),
            ...Array.from({ length: 12 }, (_, i) => problem(30 + i)),
          ]),
          ...evaluation,
        },
        far: { data: problems(50, 10), ...evaluation },
      },
      arms: [
        { name: 'start', patch: { student: null }, tune: [{}], model: '@base' },
        { name: 'more-sft', patch: { student: { epochs: 2 } } },
        { name: 'redi', patch: { student: { objective: { name: 'redi', alpha: 0.5 } } } },
        { name: 'dpo', patch: { student: { objective: { name: 'dpo', beta: 0.1 } }, far: { samples: 4 } } },
      ],
    });
  });
  const write = (changes: object = {}) => file('yaml', toYaml({ ...recipe, ...changes }));
  const study = (name: string, changes: object = {}) => {
    const out = path(name);
    return { out, yaml: write({ out, ...changes }) };
  };
  const found = (out: string) => JSON.parse(readFileSync(join(out, 'study.json'), 'utf8')) as StudyResults;

  it('chooses settings on the development set, compares over seeds, and gives the same numbers again', async () => {
    const { out, yaml } = study('whole');
    const run = await redistill(['study', yaml]);
    expectDone(run);
    const results = found(out);
    expect(results.arms.map(({ name, development }) => [name, development.length])).toEqual([
      ['start', 0],
      ['more-sft', 2],
      ['redi', 2],
      ['dpo', 2],
    ]);
    const runs = join(out, 'runs');
    const evaluation = (name: string) => [...readResults(join(runs, name)).graders.values()][0]!.results;
    // The setting is the one with the highest accuracy on the development set, the first of equal ones.
    for (const { name, setting, development } of results.arms.slice(1)) {
      const shares = [1, 2].map((c) => {
        const all = evaluation(`${name}-c${c}-s1-dev`);
        return all.reduce((sum, { correct, samples }) => sum + correct / samples, 0) / all.length;
      });
      for (const [i, share] of shares.entries()) expect(development[i]).toBeCloseTo(share, 12);
      expect(setting).toBe(shares[1]! > shares[0]! ? 2 : 1);
    }
    const [near, far] = results.tests as [StudyResults['tests'][0], StudyResults['tests'][0]];
    expect([near.problems, near.seen, far.problems, far.seen]).toEqual([12, 3, 10, 0]);
    const settingOf = (arm: string) => results.arms.find(({ name }) => name === arm)!.setting;
    const stage = (arm: string, seed: number, test: string) =>
      arm === 'start' ? `start-s1-${test}` : `${arm}-c${settingOf(arm)}-s${seed}-${test}`;
    for (const row of far.rows) {
      const own = [1, 2].map((seed) => evaluation(stage(row.arm, seed, 'far')));
      const rates = own.map(
        (all) => all.reduce((sum, { correct, samples }) => sum + correct / samples, 0) / all.length,
      );
      for (const [i, rate] of rates.entries()) expect(row.seeds[i]).toBeCloseTo(rate, 12);
      expect(row.passAt1).toBeCloseTo((rates[0]! + rates[1]!) / 2, 12);
      expect(row.operations.map(({ operations, problems: n }) => [operations, n])).toEqual([
        ['1', 5],
        ['2', 5],
      ]);
      const { against } = row;
      if (row.arm === 'more-sft') {
        expect(against).toBeUndefined();
        continue;
      }
      for (const [i, { difference }] of against!.seeds.entries())
        expect(difference).toBe(
          comparePaired(evaluation(stage('more-sft', i + 1, 'far')), own[i]!).difference,
        );
      expect(against!.adjusted).toBeGreaterThanOrEqual(against!.pValue);
    }
    const lines = readFileSync(join(out, 'curves.csv'), 'utf8').trim().split('\n');
    const trained = join(runs, `redi-c${settingOf('redi')}-s2-student/metrics.jsonl`);
    const last = readRows(trained).findLast((line) => 'learning_rate' in line)!;
    const point = lines.findLast((line) => line.startsWith('redi,2,'))!.split(',');
    expect(point.slice(2)).toEqual(
      ['step', 'num_tokens', 'loss', 'grad_norm', 'logps/chosen_per_token', 'logps/rejected_per_token'].map(
        (key) => String(last[key]),
      ),
    );
    expect(readFileSync(join(out, 'curves.svg'), 'utf8')).toMatch(/^<svg .*>redi<.*>dpo<.*<\/svg>\n$/);
    expect(run.stdout).toBe(readFileSync(join(out, 'study.txt'), 'utf8'));

    // Nothing runs again; in another folder everything does, to the same numbers.
    const again = await redistill(['study', yaml, '--json']);
    expectDone(again);
    expect(again.stderr).not.toContain(': done in ');
    expect(JSON.parse(again.stdout)).toEqual(results);
    const other = study('other');
    expectDone(await redistill(['study', other.yaml]));
    expect(found(other.out)).toEqual(results);
    expect(readFileSync(join(other.out, 'curves.csv'), 'utf8')).toBe(
      readFileSync(join(out, 'curves.csv'), 'utf8'),
    );
    // What is lost is made again, and nothing else.
    rmSync(join(out, 'runs', stage('dpo', 2, 'far')), { recursive: true });
    const mended = await redistill(['study', yaml]);
    expectDone(mended);
    expect(mended.stderr.match(/: done in /g)).toHaveLength(1);
    expect(found(out)).toEqual(results);
  });

  it('says what would run', async () => {
    const { out, yaml } = study('planned');
    const { code, stdout } = await redistill(['study', yaml, '--plan']);
    expect(code).toBe(0);
    expect(stdout).toContain('4 arms × 2 seeds, compared with more-sft on near, far');
    expect(stdout).toContain('  redi-c2-s1-dev  evaluate\n');
    expect(existsSync(out)).toBe(false);
  });

  it('writes over no recipe', async () => {
    const out = path('with-recipe');
    mkdirSync(out);
    const yaml = join(out, 'recipe.yaml');
    const text = toYaml({ ...recipe, out });
    writeFileSync(yaml, text);
    expectError(await redistill(['study', yaml]), 2, 'is read by this command, which would write over it');
    expect(readFileSync(yaml, 'utf8')).toBe(text);
  });

  it('writes into no folder of others', async () => {
    const out = path('mine');
    const yaml = write({ out });
    mkdirSync(out);
    writeFileSync(join(out, 'notes.txt'), 'mine');
    expectError(await redistill(['study', yaml]), 2, 'was not made by redistill');
    expect(readFileSync(join(out, 'notes.txt'), 'utf8')).toBe('mine');
  });
});
