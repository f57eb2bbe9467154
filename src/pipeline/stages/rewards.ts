/** @file The stage and command `rewards`: samples of problems with rewards and advantages, as rows of sequences. */
import { join } from 'node:path';
import { z } from 'zod';
import { verdictSources } from '../../curate/verdictSources.js';
import { rewardKeys } from '../../rewards/rewards.js';
import { defineStage } from './stage.js';

const FILE = 'groups.jsonl';
const path = z.string().min(1);

export const rewardSettings = z.strictObject({
  data: z
    .union([path, z.array(path).min(1)])
    .describe('files of trace rows, or of rows of sequences: JSON lines, JSON arrays or Parquet'),
  verdicts: z.enum(verdictSources).default('mv').describe('which verdicts make a trace right'),
  ...rewardKeys,
  seed: z.int().min(0).default(42).describe('of the draws of "flip"'),
});

export const rewardsStage = defineStage({
  summary: 'Gives the samples of each problem rewards and advantages, for objectives that learn from groups.',
  schema: rewardSettings,
  inputs: ({ data }) => [data].flat(),
  file: FILE,
  writes: [FILE],
  result: (_, dir) => join(dir, FILE),
  run: async (settings, { out, progress, signal }) => {
    const { writeRewards } = await import('../../curate/rewardFile.js');
    return { groups: out, ...(await writeRewards(settings, out, progress, signal)) };
  },
  describe: ({ groups, rows, empty, left_out: left, written, without_gradient: flat, samples, right }) => {
    const aside = [
      ...(left > 0 ? [`${left} left out, all right or all wrong`] : []),
      ...(empty > 0 ? [`${empty} without a response`] : []),
    ];
    return [
      `${groups}: ${written} of ${rows} rows${aside.length > 0 ? ` (${aside.join(', ')})` : ''}`,
      `${samples} samples, ${right} right (${((100 * right) / samples).toFixed(1)} %)`,
      ...(flat > 0 ? [`${flat} without a gradient: all their advantages are 0`] : []),
    ].join('\n');
  },
});
