import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import {
  createObjective,
  createTerms,
  openObjective,
  stepOf,
  type ScoredBatch,
  type SequenceInfo,
} from './index.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-objective-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let modules = 0;
/** Writes a module; every one has a name of its own, since Node remembers what it has loaded. */
const moduleOf = (source: string, ending = 'mjs'): string => {
  const path = join(root, `objective-${++modules}.${ending}`);
  writeFileSync(path, source);
  return path;
};
/** A module whose objective has these members in place of ones that are right. */
const objectiveWith = (members: string): string =>
  moduleOf(`export const objective = { create: () => ({
    name: 'mine', formula: 'f', data: 'pairs', needs: {},
    evaluate: ({ logps }) => ({ loss: 1, gradient: logps.map((row) => row.slice()), metrics: {} }),
    ${members}
  }) };`);

const messageOf = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message;
};

const sequences: SequenceInfo[] = [
  { role: 'chosen', group: 0, length: 2 },
  { role: 'rejected', group: 0, length: 3 },
];
const batch: ScoredBatch = {
  sequences,
  step: stepOf(sequences),
  logps: [Float64Array.of(-1, -2), Float64Array.of(-3, -1, -0.5)],
};

describe('openObjective', () => {
  it('opens those of the list by name', async () => {
    const objective = await openObjective({ name: 'simpo', beta: 3 });
    expect(objective.evaluate(batch)).toEqual(createObjective({ name: 'simpo', beta: 3 }).evaluate(batch));
  });

  const source = (how: string) => `
    import { defineObjective, linearObjective, numberFrom } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
    ${how} defineObjective('mine', { alpha: numberFrom(0, 1).default(0.5) }, ({ alpha }) =>
      linearObjective({ name: 'mine', formula: 'f', data: 'pairs' }, ({ role, length }, { pairs }) =>
        (role === 'rejected' ? alpha : -1) / (length * pairs)));`;

  it.each(['export default', 'export const objective ='])(
    'opens that of a module with its parameters: %s',
    async (how) => {
      const objective = await openObjective({ module: moduleOf(source(how)), alpha: 0.25 });
      const redi = createObjective({ name: 'redi', alpha: 0.25 });
      expect(objective.evaluate(batch)).toEqual(redi.evaluate(batch));
      expect(objective.weights!(batch)).toEqual(redi.weights!(batch));
    },
  );

  it('gives its parameters to the module’s own schema', async () => {
    const path = moduleOf(source('export default'));
    expect(await messageOf(openObjective({ module: path, alpha: 2 }))).toBe(
      `objective ${path}: objective mine: alpha must be a number from 0 to 1.`,
    );
    expect(await messageOf(openObjective({ module: path, aplha: 1 }))).toContain(
      'objective mine has no parameter "aplha" (the nearest is "alpha")',
    );
  });

  it.each<[string, string, string | RegExp]>([
    ['an error of its own', '\n\nthrow new Error("no\\nluck");', / cannot be loaded: no \(line 3\)$/],
    ['something thrown that is no error', 'throw null;', ' cannot be loaded: null'],
    ['an import that is missing', 'import "./none.mjs";', / cannot be loaded: .*none\.mjs/],
    ['nothing', '', ' exports nothing; export it by default, or as "objective"'],
    ['others', 'export const a = 1, b = 2;', ' exports only a, b; export it by default, or as "objective"'],
    [
      'null',
      'export default null;',
      ' exports something that is not an objective: export what defineObjective',
    ],
    ['a function', 'export default () => 1;', ' exports something that is not an objective'],
    ['an objective', 'export default { evaluate() {} };', ' exports something that is not an objective'],
  ])('refuses a module with %s, in one sentence', async (_, text, expected) => {
    const path = moduleOf(text);
    const message = await messageOf(openObjective({ module: path }));
    expect(message).not.toContain('\n');
    expect(message.startsWith(`objective ${path}`)).toBe(true);
    if (typeof expected === 'string') expect(message.slice(`objective ${path}`.length)).toContain(expected);
    else expect(message).toMatch(expected);
  });

  it('refuses one that is not there, a folder, and a name beside it', async () => {
    for (const path of [join(root, 'none.js'), root])
      expect(await messageOf(openObjective({ module: path }))).toContain(
        `objective ${path}: there is no such file`,
      );
  });

  it.each<[string, string]>([
    ['name: 1', '"name", a text'],
    ['formula: undefined', '"formula", a text'],
    ['data: "rows"', '"data", which is messages, pairs or groups'],
    ['needs: null', '"needs", an object'],
    ['needs: undefined', '"needs", an object'],
    ['needs: 1', '"needs", an object'],
    ['needs: { a: true }', '"needs.a", which is sequence, token, segment, top-k or named'],
    ['couples: "row"', '"couples", which is token, sequence, group or step, or none'],
    ['evaluate: 1', '"evaluate", a function'],
    ['weights: []', '"weights" as a function, or none'],
  ])('refuses a builder whose objective has %s', async (members, wanted) => {
    const path = objectiveWith(members);
    expect(await messageOf(openObjective({ module: path }))).toBe(
      `objective ${path}: what its builder returns must have ${wanted}`,
    );
  });

  it.each<[string, string]>([
    ['undefined', 'evaluate returned no "loss" that is a number'],
    ['Promise.resolve({})', 'evaluate returned no "loss" that is a number'],
    ['{ loss: "1", gradient: [], metrics: {} }', 'evaluate returned no "loss" that is a number'],
    ['{ loss: NaN, gradient: right, metrics: {} }', 'evaluate returned a loss of NaN'],
    ['{ loss: -1 / 0, gradient: right, metrics: {} }', 'evaluate returned a loss of -Infinity'],
    ['{ loss: 1, gradient: right }', 'evaluate returned no "metrics"; give {} if there are none'],
    ['{ loss: 1, gradient: right, metrics: { a: "1" } }', 'evaluate returned 1 as the metric "a"'],
    ['{ loss: 1, gradient: right, metrics: { a: NaN } }', 'evaluate returned NaN as the metric "a"'],
    ['{ loss: 1, metrics: {} }', 'evaluate returned no gradient that is a list'],
    ['{ loss: 1, gradient: right.slice(1), metrics: {} }', 'a gradient for 1 responses, of 2'],
    [
      '{ loss: 1, gradient: [right[0], [1, 2, 3]], metrics: {} }',
      'a gradient that is no Float64Array for response 2 of 2',
    ],
    [
      '{ loss: 1, gradient: [right[0], right[0]], metrics: {} }',
      'a gradient of 2 numbers for response 2 of 2, which has 3 tokens',
    ],
    [
      '{ loss: 1, gradient: [right[0], Float64Array.of(0, 1, NaN)], metrics: {} }',
      'NaN as the gradient of token 3 of response 2 of 2',
    ],
    [
      '{ loss: 1, gradient: right, metrics: {}, remember: [1] }',
      'evaluate returned 1 numbers to remember, for 2 responses',
    ],
    ['missing.name', 'evaluate threw: missing is not defined (line 4)'],
  ])('tells at once that evaluate returns %s', async (returned, complaint) => {
    const path = objectiveWith(`evaluate: ({ logps: right }) => (${returned})`);
    const objective = await openObjective({ module: path });
    const message = await messageOf(Promise.resolve().then(() => objective.evaluate(batch)));
    expect(message.startsWith(`objective ${path}: `)).toBe(true);
    expect(message).toContain(complaint);
    expect(message).not.toContain('\n');
  });

  it.each<[string, string]>([
    ['[{}]', 'a "readGradient" that is not a list with columns for each of 2 responses'],
    ['[{ b: right[0] }, {}]', 'a gradient of "b" of response 1 of 2, which the objective does not need'],
    [
      '[{ a: right[0] }, { a: [] }]',
      'a gradient of "a" of response 2 of 2 that is no Float64Array of its 0 entries',
    ],
    [
      '[{ a: right[1] }, {}]',
      'a gradient of "a" of response 1 of 2 that is no Float64Array of its 2 entries',
    ],
    ['[{ a: Float64Array.of(1, NaN) }, {}]', 'NaN as the gradient of entry 2 of "a" of response 1 of 2'],
  ])('tells at once that the gradient of columns that are read is wrong: %s', async (read, complaint) => {
    const path = objectiveWith(
      `needs: { a: 'named' },
       evaluate: ({ logps: right }) => ({ loss: 1, gradient: right, metrics: {}, readGradient: ${read} })`,
    );
    const objective = await openObjective({ module: path });
    const reads = [{ a: Float64Array.of(-1, -2) }, { a: new Float64Array() }];
    expect(() => objective.evaluate({ ...batch, reads })).toThrow(`${path}: evaluate returned ${complaint}`);
  });

  it('tells at once that weights returns what does not fit', async () => {
    const objective = await openObjective({ module: objectiveWith('weights: () => [new Float64Array(2)]') });
    expect(() => objective.weights!(batch)).toThrow('weights returned a gradient for 1 responses, of 2');
  });

  it('leaves log-probs that are not finite to the trainer', async () => {
    const objective = await openObjective({ module: objectiveWith('') });
    const ruined = { ...batch, logps: [Float64Array.of(-Infinity, -2), batch.logps[1]!] };
    expect(objective.evaluate(ruined).gradient).toEqual(ruined.logps);
  });

  const evaluating = (text: string, needs = '') =>
    openObjective({ module: objectiveWith(`${needs} evaluate: ({ logps: right }) => (${text})`) });
  const reads = [{ a: Float64Array.of(-1, -2) }, { a: new Float64Array() }];

  it('lets all that is right pass', async () => {
    const plain = await evaluating(
      '{ loss: 1, gradient: right, metrics: { a: 0 }, remember: [1, 2], extra: 1 }',
    );
    expect(plain.evaluate(batch)).toMatchObject({ metrics: { a: 0 }, remember: [1, 2], extra: 1 });
    const read = await evaluating(
      '{ loss: 1, gradient: right, metrics: {}, readGradient: [{ a: right[0] }, {}] }',
      "needs: { a: 'named' },",
    );
    expect(read.evaluate({ ...batch, reads }).readGradient).toEqual([{ a: batch.logps[0] }, {}]);
    expect(read).not.toHaveProperty('weights');
    const fixed = await openObjective({
      module: objectiveWith(
        "couples: 'step', weights: ({ sequences }) => sequences.map(({ length }) => new Float64Array(length))",
      ),
    });
    expect(fixed).toMatchObject({ couples: 'step', name: 'mine' });
    expect(fixed.weights!(batch)).toEqual([new Float64Array(2), new Float64Array(3)]);
  });

  it('opens a list of terms', async () => {
    const terms = [{ name: 'redi' }, { name: 'sft', weight: 0.5 }];
    const objective = await openObjective({ terms });
    expect(objective.evaluate(batch)).toEqual(createTerms(terms).evaluate(batch));
  });

  it.each([
    ['() => undefined', 'what its builder returns must have "name", a text'],
    ['() => { throw new Error("no\\nluck") }', 'no (line 1)'],
  ])('refuses a builder %s', async (builder, complaint) => {
    const path = moduleOf(`export default { create: ${builder} };`);
    expect(await messageOf(openObjective({ module: path }))).toBe(`objective ${path}: ${complaint}`);
  });

  it('tells that metrics are null, and that weights threw or has a number that is not finite', async () => {
    const none = await evaluating('{ loss: 1, gradient: right, metrics: null }');
    expect(() => none.evaluate(batch)).toThrow('evaluate returned no "metrics"');
    const thrown = await openObjective({ module: objectiveWith('weights: () => missing.name') });
    expect(() => thrown.weights!(batch)).toThrow(/weights threw: missing is not defined \(line 4\)$/);
    const nan = await openObjective({
      module: objectiveWith('weights: () => [new Float64Array(2), Float64Array.of(NaN, 0, 0)]'),
    });
    expect(() => nan.weights!(batch)).toThrow('NaN as the gradient of token 1 of response 2 of 2');
  });

  it.each([
    ['log-probs', { logps: [batch.logps[0]!, Float64Array.of(-1, -Infinity, -1)] }, reads],
    ['what is read', { logps: batch.logps }, [reads[0]!, { a: Float64Array.of(NaN) }]],
  ])('does not blame it for what follows from %s that are not finite', async (_, { logps }, read) => {
    const ruined = { ...batch, logps, reads: read };
    const objective = await evaluating(
      '{ loss: NaN, gradient: right.map((row) => row.fill(NaN)), metrics: { a: NaN }, readGradient: [{ a: Float64Array.of(NaN, 1) }, {}] }',
      "needs: { a: 'named' },",
    );
    expect(objective.evaluate({ ...ruined, logps: logps.map((row) => row.slice()) }).loss).toBeNaN();
    for (const [text, complaint] of [
      ['{ loss: "1", gradient: right, metrics: {} }', 'no "loss" that is a number'],
      ['{ loss: 1, gradient: right, metrics: { a: "1" } }', '1 as the metric "a"'],
    ] as const)
      await expect(evaluating(text).then((wrong) => wrong.evaluate(ruined))).rejects.toThrow(complaint);
  });

  it.each([
    ['undefined', 'a gradient of "a" of response 1 of 2 that is no Float64Array of its 2 entries'],
    ['Float64Array.of(NaN, 1)', 'NaN as the gradient of entry 1 of "a" of response 1 of 2'],
  ])('tells that the gradient of a column is %s', async (value, complaint) => {
    const objective = await evaluating(
      `{ loss: 1, gradient: right, metrics: {}, readGradient: [{ a: ${value} }, {}] }`,
      "needs: { a: 'named' },",
    );
    expect(() => objective.evaluate({ ...batch, reads })).toThrow(complaint);
  });

  it('tells that the gradient of what is read is no list, although it has one for each', async () => {
    const objective = await evaluating(
      '{ loss: 1, gradient: right, metrics: {}, readGradient: { length: 2 } }',
      "needs: { a: 'named' },",
    );
    expect(() => objective.evaluate({ ...batch, reads })).toThrow('a "readGradient" that is not a list');
  });

  it('tells that a gradient is no list, although it has one for each', async () => {
    const objective = await evaluating('{ loss: 1, gradient: { length: 2 }, metrics: {} }');
    expect(() => objective.evaluate(batch)).toThrow('no gradient that is a list');
  });
});
