import { z } from 'zod';
import { readProblems, type Problem } from '../../data/problems.js';
import { deriveSeed, Random } from '../../util/random.js';
import { UserError } from '../../util/errors.js';

/** Part of a problem file: after a shuffle, `count` problems from the `skip`-th on. */
export const problemSelection = z.strictObject({
  file: z.string(),
  /** Of the shuffle; the same seed gives the same order, so that disjoint ranges are disjoint problems. */
  seed: z.int().min(0).default(0),
  skip: z.int().min(0).default(0),
  count: z.int().positive().optional(),
});

/** How answers are sampled; without a temperature, greedily. */
export const samplingSettings = z.strictObject({
  samples: z.int().positive().default(1),
  temperature: z.number().min(0).default(0),
  top_p: z.number().positive().max(1).default(1),
  max_new_tokens: z.int().positive(),
  /** Compute `<<expr=value>>` marks while decoding (Cobbe et al. 2021). */
  calculator: z.boolean().default(false),
  seed: z.int().min(0).default(0),
  batch_size: z.int().positive().optional(),
});

export function selectProblems({ file, seed, skip, count }: z.output<typeof problemSelection>): Problem[] {
  const shuffled = new Random(deriveSeed(seed, 'problems')).shuffle(readProblems(file));
  const chosen = shuffled.slice(skip, count === undefined ? undefined : skip + count);
  if (chosen.length < (count ?? 1)) {
    throw new UserError(
      `${file} has ${shuffled.length} problems, too few for ${count ?? 1} after the first ${skip}`,
    );
  }
  return chosen;
}
