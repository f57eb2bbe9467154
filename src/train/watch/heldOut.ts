/** @file Rows that are not trained on: which they are, and their loss and log-probs under the weights as they are. */
import { countStep, type Objective } from '../../objectives/objective.js';
import { UserError } from '../../util/errors.js';
import { deriveSeed, Random } from '../../util/random.js';
import type { Examples } from '../examples.js';
import { evaluateSequences, type TrainSequence } from '../step.js';
import { sequencesOf } from '../stepper.js';
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
  const byPrompt = new Map<string, number[]>();
  for (let place = 0; place < examples.length; place++) {
    const { ids, responseStart } = examples.at(place).parts[0]!.row;
    const prompt = ids.subarray(0, responseStart);
    const key = Buffer.from(prompt.buffer, prompt.byteOffset, prompt.byteLength).toString('latin1');
    const places = byPrompt.get(key);
    if (places) places.push(place);
    else byPrompt.set(key, [place]);
  }
  const heldOut = new Set<number>();
  for (const places of new Random(deriveSeed(seed, 'held out')).shuffle([...byPrompt.values()])) {
    if (heldOut.size >= count) break;
    for (const place of places) heldOut.add(place);
  }
  if (heldOut.size === examples.length)
    throw new UserError(
      `${data} has ${examples.length} rows with ${byPrompt.size} different prompts, and evaluation.rows ${count} leave none of them to train on`,
    );
  const places = Array.from({ length: examples.length }, (_, place) => place);
  return {
    trained: examples.part(places.filter((place) => !heldOut.has(place))),
    heldOut: examples.part(places.filter((place) => heldOut.has(place))),
  };
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
  const logps: Float64Array[] = [];
  let [entropy, tokens] = [0, 0];
  for (const members of packByTokenBudget(
    sequences.map(({ row }) => row.ids.length),
    tokenBudget,
  )) {
    await before();
    const scores = scorer.scoreWithEntropy(members.map((i) => sequences[i]!.row));
    members.forEach((i, position) => {
      logps[i] = scores[position]!.logps;
      for (const value of scores[position]!.entropies) entropy += value;
      tokens += scores[position]!.entropies.length;
    });
  }
  const { loss, metrics } = evaluateSequences(objective, sequences, countStep(sequences), logps);
  return Object.fromEntries(
    Object.entries({ loss, ...metrics, entropy: entropy / tokens }).map(([name, value]) => [
      `eval_${name}`,
      value,
    ]),
  );
}
