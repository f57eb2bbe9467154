/** @file The stage `compare`: whether one evaluation is better than another, as a verdict in one sentence. */
import { join } from 'node:path';
import { z } from 'zod';
import { compareEvaluations, compareSettings, gradersIn } from '../../evaluate/compare.js';
import { describeComparison, verdictOf } from '../../evaluate/compareWords.js';
import { readPlan } from '../../evaluate/plan.js';
import { writeFileAtomic } from '../../util/files.js';
import { defineStage } from './stage.js';

const TEXT = 'compare.txt';
const NUMBERS = 'compare.json';

const folders = z.union([z.string(), z.array(z.string()).min(1)]);

const settings = z.strictObject({
  before: folders.describe(
    'the folder of the evaluation that is compared with, or a list: one a seed of training',
  ),
  after: folders.describe(
    'the folder of the other evaluation, or as many, of the same seeds in the same order',
  ),
  ...compareSettings.shape,
});

export const compareStage = defineStage({
  summary: 'Says whether one evaluation is better than another, paired by problem, in one sentence.',
  schema: settings,
  inputs: ({ before, after, plan }) => [before, after, plan ?? []].flat(),
  writes: [TEXT, NUMBERS],
  result: (_, dir) => join(dir, TEXT),
  run: ({ before, after, grader, differ_in: differIn, plan }, { out, progress }) => {
    const { flips, ...comparison } = compareEvaluations({
      pairs: [{ before: [before].flat(), after: [after].flat() }],
      differIn,
      graders: gradersIn(grader),
      plan: plan === undefined ? undefined : readPlan(plan),
    });
    const found = { ...comparison, flips };
    for (const warning of comparison.warnings) progress.log(warning);
    const text = describeComparison(found);
    const verdict = verdictOf(found);
    writeFileAtomic(join(out, TEXT), `${text}\n`);
    writeFileAtomic(join(out, NUMBERS), `${JSON.stringify({ verdict, ...comparison }, null, 2)}\n`);
    return Promise.resolve({ verdict, text, ...comparison });
  },
  describe: ({ text }) => text,
});
