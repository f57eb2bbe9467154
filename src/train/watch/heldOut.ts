/** @file Rows that are not trained on: which they are, and their loss and log-probs under the weights as they are. */
import { readColumns, type Objective } from '../../objectives/objective.js';
import type { ReadValues } from '../../objectives/topK.js';
import { UserError } from '../../util/errors.js';
import { deriveSeed, Random } from '../../util/random.js';
import type { Examples } from '../examples.js';
import { sequencesOf, type TrainSequence } from '../sequences.js';
import { evaluateSequences } from '../step.js';
import { packByTokenBudget } from '../tokenBudget.js';
import type { Scorer } from '../../models/scorer.js';

/**
 * Divides rows into those that are trained on and at least `count` that are not. Rows with one prompt stay together: a prompt that
 * is trained on would say nothing of others.
 * @throws UserError where nothing would be left to train on
 */
export function divideRows(
  examples: Examples,
  count: number,
  { seed, data }: { seed: number; data: string },
): { trained: Examples; heldOut: Examples } {
  const { firsts, next } = byPrompt(examples);
  const heldOut = new Set<number>();
  for (const first of new Random(deriveSeed(seed, 'held out')).shuffle(Array.from(firsts))) {
    if (heldOut.size >= count) break;
    for (let place = first; place !== NONE; place = next[place]!) heldOut.add(place);
  }
  if (heldOut.size === examples.length)
    throw new UserError(
      `${data} has ${examples.length} rows with ${firsts.length} different prompts, and evaluation.rows ${count} leave none of them to train on`,
    );
  return {
    trained: examples.filter((place) => !heldOut.has(place)),
    heldOut: examples.filter((place) => heldOut.has(place)),
  };
}

/** No place of a row. */
const NONE = 0xffffffff;

/** Finds the first row of each prompt, in the order of the rows, and to each row the next one with its prompt; reads no tokens. */
function byPrompt(examples: Examples): { firsts: Uint32Array; next: Uint32Array } {
  const prompts = Float64Array.from(
    { length: examples.length },
    (_, place) => examples.at(place).parts[0]!.prompt,
  );
  const sorted = Uint32Array.from(prompts.keys()).sort((a, b) => prompts[a]! - prompts[b]! || a - b);
  const next = new Uint32Array(prompts.length).fill(NONE);
  const isFirst = new Uint8Array(prompts.length).fill(1);
  for (let i = 1; i < sorted.length; i++) {
    const [before, place] = [sorted[i - 1]!, sorted[i]!];
    if (prompts[before] !== prompts[place]) continue;
    next[before] = place;
    isFirst[place] = 0;
  }
  return { firsts: Uint32Array.from(prompts.keys()).filter((place) => isFirst[place] === 1), next };
}

/**
 * Computes the loss of rows and what the objective says of them, as if they were one step, under the names of TRL's evaluations.
 * @param before awaited before each pack
 */
export async function measureHeldOut(
  examples: Examples,
  { scorer, objective, tokenBudget }: { scorer: Scorer; objective: Objective; tokenBudget: number },
  before: () => Promise<void>,
): Promise<Record<string, number>> {
  const sequences: TrainSequence[] = [...examples].flatMap((example, group) => sequencesOf(example, group));
  const columns = readColumns(objective);
  const logps: Float64Array[] = [];
  const reads: ReadValues[] = [];
  let [entropy, tokens] = [0, 0];
  for (const members of packByTokenBudget(
    sequences.map(({ row }) => row.ids.length),
    tokenBudget,
  )) {
    await before();
    const scores = scorer.scoreWithEntropy(
      members.map((i) => sequences[i]!.row),
      columns,
    );
    members.forEach((i, position) => {
      ({ logps: logps[i], reads: reads[i] } = scores[position]!);
      if (sequences[i]!.onlyScored) return;
      for (const value of scores[position]!.entropies) entropy += value;
      tokens += scores[position]!.entropies.length;
    });
  }
  const { loss, metrics } = evaluateSequences(objective, sequences, logps, reads);
  return Object.fromEntries(
    Object.entries({ loss, ...metrics, entropy: entropy / tokens }).map(([name, value]) => [
      `eval_${name}`,
      value,
    ]),
  );
}
