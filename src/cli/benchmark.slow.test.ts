import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { BenchmarkResult } from '../benchmarks/benchmark.js';
import { contents, readRows, redistill, writeTinyModel } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-benchmark-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const model = writeTinyModel(join(root, 'model'), { max_position_embeddings: 4096 });
const data = fileURLToPath(new URL('../../../shared/data/benchmarks/', import.meta.url));
const hasData = existsSync(join(data, 'aime.json'));
if (!hasData) console.warn(`skipped: the seven benchmarks (${data} is absent)`);
const flags = [
  '--count',
  '6',
  '--samples',
  '2',
  '--temperature',
  '1',
  '--max-tokens',
  '12',
  '--batch-size',
  '16',
];
const run = (tasks: string, out: string, ...more: string[]) =>
  redistill(['benchmark', model, '--tasks', tasks, '--out', out, ...flags, ...more]);

describe('benchmark', () => {
  it.skipIf(!hasData)('asks seven tasks and gives one table', async () => {
    const out = join(root, 'seven');
    const tasks = ['math500', 'aime24', 'amc23', 'minerva', 'olympiadbench', 'gsm8k', 'svamp'];
    const { code, stdout } = await run(tasks.join(), out, '--task-data', data);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines.slice(2, 9).map((line) => line.split(' ')[0])).toEqual(tasks);
    expect(lines[9]).toMatch(/^average/);
    expect(stdout).toContain('olympiadbench by subfield: ');
    expect(readFileSync(join(out, 'benchmarks.txt'), 'utf8')).toBe(stdout);
    const numbers = JSON.parse(readFileSync(join(out, 'benchmarks.json'), 'utf8')) as BenchmarkResult;
    for (const { task, problems, responses, by } of numbers.tasks) {
      expect([problems, responses]).toEqual([6, 12]);
      for (const parts of Object.values(by)) {
        const counted = Object.values(parts).reduce((sum, part) => sum + part.problems, 0);
        expect(counted).toBe(6);
      }
      expect(readRows(join(out, 'tasks', task, 'samples.jsonl'))).toHaveLength(6);
    }
    // Again, nothing is asked: the model may be gone, and another grader is another folder's matter.
    const again = await run(tasks.join(), out, '--task-data', data);
    expect(again).toMatchObject({ code: 0, stdout });
    expect(again.stderr).not.toMatch(/evaluate/);
  });

  it('counts as the rows do, by the fields of the task, and lists what graders disagree about', async () => {
    const out = join(root, 'math');
    const { code, stderr } = await run('math500', out, '--count', '40', '--grader', 'verify,hendrycks');
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const rows = readRows(join(out, 'tasks', 'math500', 'samples.jsonl')) as {
      difficulty: number;
      generation_details: { grades: Record<string, { correct: boolean }> }[];
    }[];
    const {
      tasks: [result],
    } = JSON.parse(readFileSync(join(out, 'benchmarks.json'), 'utf8')) as BenchmarkResult;
    const rate = (list: typeof rows, grader: string) =>
      list
        .flatMap((row) => row.generation_details.map(({ grades }) => Number(grades[grader]!.correct)))
        .reduce((a, b) => a + b, 0) /
      (2 * list.length);
    expect(result!.graders.verify!.pass_at_1).toBeCloseTo(rate(rows, 'verify'), 12);
    for (const [value, part] of Object.entries(result!.by.difficulty!)) {
      const own = rows.filter(({ difficulty }) => String(difficulty) === value);
      expect(part.problems).toBe(own.length);
      expect(part.pass_at_1).toBeCloseTo(rate(own, 'verify'), 12);
    }
    const differing = rows.flatMap((row) =>
      row.generation_details.filter(({ grades }) => grades.verify!.correct !== grades.hendrycks!.correct),
    );
    expect(result!.disagreements).toBe(differing.length);
    const listed = readFileSync(join(out, 'disagreements.jsonl'), 'utf8').split('\n').filter(Boolean);
    expect(listed).toHaveLength(differing.length);
  });

  it('refuses what another model, or another way of asking, has left in the folder, before anything is asked', async () => {
    const out = join(root, 'mine');
    const few = ['--count', '2', '--max-tokens', '4'];
    expect(await run('svamp,math500', out, ...few)).toMatchObject({ code: 0 });
    const answers = () => ['svamp', 'math500'].map((task) => contents(join(out, 'tasks', task)));
    const files = answers();
    const other = writeTinyModel(join(root, 'other'), { max_position_embeddings: 4096, rms_norm_eps: 0.1 });
    const asOther = ['benchmark', other, '--tasks', 'svamp,math500', '--out', out, ...flags, ...few];
    for (const again of [await redistill(asOther), await run('svamp,math500', out, ...few, '--top-k', '3')]) {
      expect(again.code).toBe(2);
      expect(again.stderr).toMatch(/tasks\/svamp was begun with other settings: .*another folder for --out/);
    }
    expect(await run('svamp,math500', out, ...few)).toMatchObject({ code: 0 });
    expect(answers()).toEqual(files);
  });

  it('refuses to divide by a field that no row has, before anything is asked', async () => {
    const [rows, task] = [join(root, 'rows.jsonl'), join(root, 'divided.yaml')];
    writeFileSync(rows, '{"problem": "a?", "answer": 1, "level": 2}\n');
    writeFileSync(task, 'about: x\ndata: rows.jsonl\nby: [level, subjct]\n');
    const { code, stderr } = await run(task, join(root, 'divided'), '--count', '1');
    expect(code).toBe(2);
    expect(stderr).toContain('"by" names "subjct", and no row of');
    expect(stderr).not.toContain('[1/1]');
  });

  it('writes into no folder of the user, and keeps tasks that are not asked for again', async () => {
    const own = join(root, 'own');
    mkdirSync(own);
    writeFileSync(join(own, 'benchmarks.txt'), 'my notes\n');
    const refused = await run('svamp', own);
    expect(refused.code).toBe(2);
    expect(readFileSync(join(own, 'benchmarks.txt'), 'utf8')).toBe('my notes\n');
    expect(existsSync(join(own, 'tasks'))).toBe(false);

    const out = join(root, 'some');
    const few = ['--count', '2', '--max-tokens', '4'];
    expect(await run('svamp,math500', out, ...few)).toMatchObject({ code: 0 });
    const samples = readFileSync(join(out, 'tasks', 'math500', 'samples.jsonl'));
    expect(await run('svamp', out, ...few)).toMatchObject({ code: 0 });
    expect(readFileSync(join(out, 'tasks', 'math500', 'samples.jsonl'))).toEqual(samples);
  });

  it.each([
    [['benchmark', model, '--tasks', 'svamp'], '--out is missing'],
    [['benchmark', model, '--out', 'x'], '--tasks is missing'],
    [['benchmark', model, '--tasks', 'svamp', '--protocol', 'mine', '--out', 'x'], 'no protocol "mine"'],
    [['benchmark', model, '--tasks', 'aime24', '--out', 'x'], '--task-data'],
  ])('%o is refused in a sentence', async (args, message) => {
    const { code, stderr } = await redistill(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
