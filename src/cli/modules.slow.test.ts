import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify as toYaml } from 'yaml';
import {
  contents,
  readRows,
  redistill,
  turns,
  writeRows,
  writeTinyModel,
  type Finished,
} from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-modules-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const path = (...names: string[]) => join(root, ...names);
const write = (name: string, text: string): string => {
  writeFileSync(path(name), text);
  return path(name);
};
const library = new URL('../../dist/objectives/index.js', import.meta.url).href;
const [model, pairs, problems] = [path('tiny'), path('pairs.jsonl'), path('problems.jsonl')];

beforeAll(() => {
  writeTinyModel(model);
  writeRows(
    pairs,
    Array.from({ length: 5 }, (_, n) => ({
      chosen: turns(`${n}+${n}?`, `It is ${2 * n}.`),
      rejected: turns(`${n}+${n}?`, n % 2 === 0 ? `${n}` : `Perhaps ${n + 1}, I guess.`),
    })),
  );
  writeRows(problems, [
    { problem: '2+2?', answer: 4 },
    { problem: '3+3?', answer: 6 },
  ]);
});

const expectRefused = ({ code, stdout, stderr }: Finished, message: string) => {
  expect(stderr).toContain(message);
  expect(
    stderr
      .trimEnd()
      .split('\n')
      .filter((line) => line.startsWith('error: ')),
  ).toHaveLength(1);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
};

/** REDI with another name for its parameter, its weight computed in a file beside it. */
const mine = (weight: string) => {
  write('weight.mjs', `export const weightOf = (push) => ${weight};`);
  return write(
    'mine.mjs',
    `import { defineObjective, linearObjective, numberFrom } from ${JSON.stringify(library)};
     import { weightOf } from './weight.mjs';
     export const objective = defineObjective('mine', { push: numberFrom(0, 1) }, ({ push }) =>
       linearObjective({ name: 'mine', formula: 'my own', data: 'pairs' }, ({ role, length }, { pairs }) =>
         (role === 'rejected' ? weightOf(push) : -1) / (length * pairs)));`,
  );
};
const settings = (objective: object) => ({
  ...{ model, data: pairs, objective, optimizer: { lr: 1e-3 } },
  ...{ batch_size: 2, dtype: 'f32', doctor: 'off' },
});

describe('an objective of one’s own', () => {
  const train = (name: string, objective: object) =>
    redistill(['train', write(`${name}.yaml`, toYaml({ ...settings(objective), out: path(name) }))]);

  it('trains in the training thread as one of the list does', async () => {
    const own = await train('own', { module: mine('push / 2'), push: 0.5 });
    expect(own).toMatchObject({ code: 0 });
    expect(own.stderr).toContain('loss: my own\n');
    expect(await train('redi', { name: 'redi', alpha: 0.25 })).toMatchObject({ code: 0 });
    expect(contents(path('own', 'model'))).toEqual(contents(path('redi', 'model')));
  });

  it.each([
    ['that is not there', undefined, 'there is no '],
    ['with a syntax error', 'export const\n a = ;', "cannot be loaded: Unexpected token ';' (`node --check "],
    [
      'that cannot be resolved',
      'import "redistil/objectives";',
      "cannot be loaded: Cannot find package 'redistil'",
    ],
    ['that gives NaN', 'NaN', 'evaluate returned a loss of NaN'],
    ['that throws', '(() => { throw new Error("no luck"); })()', 'evaluate threw: no luck (line 3)'],
  ])('is refused in one sentence: a module %s', async (name, source, complaint) => {
    const module = path(`${name.replaceAll(' ', '-')}.mjs`);
    const loss = source !== undefined && /^(NaN|\()/.test(source);
    if (source !== undefined)
      writeFileSync(
        module,
        !loss
          ? source
          : `export default { create: () => ({ name: 'm', formula: 'f', data: 'pairs', needs: {},
               evaluate: ({ logps }) => ({ gradient: logps.map((row) => row.slice()), metrics: {},
               loss: ${source} }) }) };`,
      );
    const named = source === undefined ? module : `objective ${module}`;
    expectRefused(await train(`refused ${name}`, { module }), named);
    expect((await train(`refused ${name}`, { module })).stderr).toContain(complaint);
  });

  it('is given by name or by module', async () => {
    const both = { name: 'redi', module: mine('push') };
    expectRefused(await train('both', both), 'field "objective.module": give a name or a module, not both');
  });
});

describe('a grader of one’s own', () => {
  const evaluate = (...more: string[]) =>
    redistill([
      'evaluate',
      problems,
      '--model',
      model,
      '--max-tokens',
      '4',
      '--out',
      path('graded'),
      ...more,
    ]);
  /** Says that the responses to problems with this gold are right. */
  const grader = (gold: string) =>
    write(
      'by-gold.mjs',
      `export default ({ golds }) => ({ correct: golds[0] === ${gold}, extracted: String(golds[0]) });`,
    );

  it('stands beside those of the list, in evaluate and in --regrade', async () => {
    const done = await evaluate('--grader', `verify,${grader('4')}`);
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toContain('by-gold.mjs: pass@1 50.0 %');
    const [first] = readRows(path('graded', 'samples.jsonl'));
    expect(first!.generation_details).toMatchObject([
      { grades: { verify: {}, 'by-gold.mjs': { correct: true, extracted: '4' } } },
    ]);
    const again = await redistill(['evaluate', '--regrade', path('graded'), '--grader', grader('5')]);
    expect(again.stdout).toMatch(/^by-gold\.mjs: pass@1 0\.0 %/);
  });

  it.each([
    ['nobody', 'Allowed choices are verify, '],
    ['./none.mjs', 'grader ./none.mjs: there is no such file'],
  ])('is refused in one sentence: %s', async (name, complaint) => {
    const { code, stderr } = await evaluate('--grader', name);
    expect(code).toBe(2);
    expect(stderr).toContain(complaint);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it.each(['process.exit(0);', 'await new Promise(() => undefined);'])(
    'that ends the process is no success: %s',
    async (text) => {
      const { code, stderr } = await evaluate('--grader', write('ends.mjs', text));
      expect(code).toBe(1);
      expect(stderr).toMatch(/^error: the process ended before the work was done/m);
    },
  );
});

it('a pipeline goes through a stage again when its modules have changed, and through no other', async () => {
  const weigh = (weight: string) => mine(weight);
  const grade = (correct: boolean) =>
    write('grade.mjs', `export const grader = () => ({ correct: ${correct}, extracted: null });`);
  const recipe = write(
    'line.yaml',
    toYaml({
      out: path('run'),
      stages: [
        { name: 'redi', stage: 'train', ...settings({ module: weigh('push'), push: 0.5 }) },
        {
          ...{ name: 'graded', stage: 'evaluate', model, data: problems, sampling: { max_tokens: 4 } },
          grader: ['verify', { module: grade(true) }],
        },
      ],
    }),
  );
  const run = async () => {
    const { code, stderr } = await redistill(['run', recipe]);
    expect(code, stderr).toBe(0);
    return ['redi', 'graded'].filter((name) => !stderr.includes(`${name}: unchanged, skipped`));
  };
  const passAt1 = () =>
    (
      JSON.parse(readFileSync(path('run', 'graded', 'summary.json'), 'utf8')) as {
        graders: Record<string, { pass_at_1: number }>;
      }
    ).graders['grade.mjs']!.pass_at_1;
  const journal = () => readFileSync(path('run', 'graded', 'journal.jsonl'), 'utf8');

  expect(await run()).toEqual(['redi', 'graded']);
  const before = journal();
  expect(passAt1()).toBe(1);
  expect(await run()).toEqual([]);
  grade(false);
  expect(await run()).toEqual(['graded']);
  expect(passAt1()).toBe(0);
  expect(journal()).toBe(before);
  weigh('push / 3'); // in a file that the module imports
  expect(await run()).toEqual(['redi']);
  // What a finished stage was made with is not needed any more.
  for (const name of ['mine.mjs', 'weight.mjs', 'grade.mjs']) rmSync(path(name));
  expect(await run()).toEqual([]);
  expectRefused(
    await redistill(['run', recipe, '--from', 'graded']),
    `Stage graded needs ${path('grade.mjs')}`,
  );
});
