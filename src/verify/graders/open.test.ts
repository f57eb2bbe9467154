import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../util/errors.js';
import { openGraders, type GraderSetting } from './open.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-grader-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let modules = 0;
const moduleOf = (source: string): string => {
  const path = join(root, `grader-${++modules}.mjs`);
  writeFileSync(path, source);
  return path;
};
const item = { golds: ['7'], response: 'It is \\boxed{7}.', cutOff: false };

const refusal = async (settings: readonly GraderSetting[]): Promise<string> => {
  const error: unknown = await openGraders(settings).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message;
};

describe('openGraders', () => {
  it('opens those of the list and those of modules, under the names of their files', async () => {
    const mine = moduleOf(
      'export default ({ golds, response, cutOff }) => ({ correct: !cutOff && response.includes(golds[0]), extracted: golds[0], reason: "it is there", more: 1 });',
    );
    const other = moduleOf('export const grader = () => ({ correct: false, extracted: null });');
    const graders = await openGraders(['verify', { module: mine }, { module: other }]);
    expect(graders.map(({ name }) => name)).toEqual(['verify', basename(mine), basename(other)]);
    expect(graders[1]!.grade(item)).toEqual({ correct: true, extracted: '7', reason: 'it is there' });
    expect(graders[1]!.grade({ ...item, cutOff: true }).correct).toBe(false);
    expect(graders[2]!.grade(item)).toEqual({ correct: false, extracted: null });
  });

  it('keeps a module from changing the golds of others', async () => {
    const path = moduleOf(
      'export default ({ golds }) => ({ correct: golds.pop() === "7", extracted: null });',
    );
    const [grader] = await openGraders([{ module: path }]);
    const golds = ['7'];
    expect(grader!.grade({ ...item, golds }).correct).toBe(true);
    expect(golds).toEqual(['7']);
  });

  it('refuses modules that are no graders, and two of one name', async () => {
    const missing = join(root, 'none.js');
    expect(await refusal([{ module: missing }])).toContain(`grader ${missing}: there is no such file`);
    const empty = moduleOf('export const grade = 1;');
    expect(await refusal(['verify', { module: empty }])).toBe(
      `grader ${empty} exports only grade; export it by default, or as "grader"`,
    );
    const object = moduleOf('export default {};');
    expect(await refusal([{ module: object }])).toContain(
      `grader ${object} exports something that is not a function: export one that takes`,
    );
    const right = moduleOf('export default () => ({ correct: true, extracted: null });');
    expect(await refusal([{ module: right }, { module: `${root}/./${basename(right)}` }])).toContain(
      `there are two graders named ${basename(right)}`,
    );
  });

  it.each([
    ['nothing', 'undefined'],
    ['true', 'true'],
    ['a promise', 'Promise.resolve({ correct: true, extracted: null })'],
    ['a number alone', '1n'],
    ['a number', '({ correct: 1, extracted: null })'],
    ['no answer', '({ correct: true })'],
    ['an answer that is a number', '({ correct: true, extracted: 7 })'],
    ['a reason that is no text', '({ correct: true, extracted: null, reason: 1 })'],
  ])('says which response was graded with %s', async (_, returned) => {
    const path = moduleOf(`export default () => ${returned};`);
    const [grader] = await openGraders([{ module: path }]);
    const grade = () => grader!.grade(item);
    expect(grade).toThrow(UserError);
    expect(grade).toThrow(`grader ${path} returned `);
    expect(grade).toThrow('for the response "It is \\\\boxed{7}.": it must return { correct: true or false');
  });

  it('says that a module is async, and nothing of what that throws later', async () => {
    const path = moduleOf('export default async () => {\n  throw new Error("later");\n};');
    const [grader] = await openGraders([{ module: path }]);
    expect(() => grader!.grade(item)).toThrow(
      `grader ${path} returned a promise, as async functions do, for the response`,
    );
  });

  it('takes what a module throws, even if it cannot be written as a text', async () => {
    const path = moduleOf('export default () => {\n  throw { toString() { throw 1; } };\n};');
    const [grader] = await openGraders([{ module: path }]);
    expect(() => grader!.grade(item)).toThrow(/threw at the response .*: something that cannot be written/);
  });

  it('says at which response a module threw, and where', async () => {
    const path = moduleOf('export default () => {\n  throw new Error("no\\nway");\n};');
    const [grader] = await openGraders([{ module: path }]);
    expect(() => grader!.grade(item)).toThrow(
      `grader ${path} threw at the response "It is \\\\boxed{7}.": no (line 2)`,
    );
  });
});
