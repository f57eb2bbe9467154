/** @file The stage `choose`: of several models the one whose evaluation is best. */
import { symlinkSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { modelInput } from '../../hub/resolve.js';
import { UserError } from '../../util/errors.js';
import { writeFileAtomic } from '../../util/files.js';
import { defineStage } from './stage.js';
import { makeTable, passAt1Of } from './table.js';

const candidate = z.strictObject({
  name: z.string().describe('short, for the table: A, B, …'),
  label: z.string().describe('what the candidate is'),
  model: z.string().describe("the model's directory"),
  evaluation: z.string().describe('the folder of its evaluation on a development set'),
});

const keys = z.strictObject({
  among: z.array(candidate).min(1).describe('the candidates, each {name, label, model, evaluation}'),
  grader: z
    .string()
    .optional()
    .describe('whose verdicts count; without it those of the first grader of the first evaluation'),
});
export const chooseSettings = keys.superRefine(({ among }, context) => {
  const names = among.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['among'],
      message: `there are two candidates named "${twice}"`,
    });
});
export type ChooseSettings = z.output<typeof keys>;

/**
 * Links `model` to the candidate with the highest pass@1, the first of equal ones. A choice needs problems of its own: on those
 * that the result is reported for, it would flatter it.
 */
export const chooseStage = defineStage({
  summary:
    'Chooses the model whose evaluation on a development set has the highest pass@1, the first of equal ones; the result is a link to it.',
  schema: chooseSettings,
  inputs: ({ among }) => among.flatMap(({ model, evaluation }) => [modelInput(model), evaluation]),
  writes: ['model', 'choice.json', 'table.txt'],
  result: (_, dir) => join(dir, 'model'),
  run: ({ among, grader }, { out }) => {
    const settings = { rows: among, against: [], grader, notes: [] };
    const shares = passAt1Of(settings);
    const best = among.reduce((one, other) =>
      shares.get(other.name)! > shares.get(one.name)! ? other : one,
    );
    if (!Number.isFinite(shares.get(best.name)))
      throw new UserError(`the evaluation of "${best.name}" has no problems to choose by`);
    const table = makeTable(settings);
    writeFileAtomic(join(out, 'table.txt'), table);
    const candidates = Array.from(shares, ([name, share]) => ({ name, pass_at_1: share }));
    const choice = { chosen: best.name, candidates };
    writeFileAtomic(join(out, 'choice.json'), `${JSON.stringify(choice, null, 2)}\n`);
    symlinkSync(relative(resolve(out), resolve(best.model)), join(out, 'model'));
    return Promise.resolve({ ...choice, table });
  },
  describe: ({ chosen, table }) => `${table.trimEnd()}\nchosen: ${chosen}`,
});
