/** @file Opens what a run is watched by: rows that are held out, problems with known answers, prompts for small samples. */
import { readConfig } from '../../models/directory.js';
import type { Objective } from '../../objectives/objective.js';
import { ChatTokenizer } from '../../text/tokenizer.js';
import { prepareExamples, type DatedRecipe, type Examples } from '../examples.js';
import type { TokenizeOptions } from '../tokenCache.js';
import { openDevelopment, type Development } from './development.js';
import { divideRows } from './heldOut.js';
import { openSmallSamples, type SmallSamples } from './smallSamples.js';

export interface Watched extends Disposable {
  /** The rows that are trained on. */
  examples: Examples;
  heldOut?: Examples;
  development?: Development;
  samples?: SmallSamples;
  tokenizer: ChatTokenizer;
}

/**
 * @param all the rows of the recipe's data; what is held out of them shares their file
 * @throws UserError for rows and problems that cannot be used
 */
export async function openWatched(
  recipe: DatedRecipe,
  objective: Objective,
  all: Examples,
  { onRows, onNotice }: { onRows: TokenizeOptions['onRows']; onNotice: (sentence: string) => void },
): Promise<Watched> {
  const { evaluation, development, sentinel, data } = recipe;
  const tokenizer = ChatTokenizer.load(recipe.model, recipe.date);
  const { maxPositions } = readConfig(recipe.model, recipe.model_overrides);
  const problems = development && (await openDevelopment(development, tokenizer));
  const divided =
    evaluation?.rows === undefined ? undefined : divideRows(all, evaluation.rows, { ...recipe, data });
  const examples = divided?.trained ?? all;
  const samples = sentinel.act === 'off' ? undefined : openSmallSamples(examples, maxPositions);
  const other =
    evaluation?.data === undefined
      ? undefined
      : await prepareExamples({ ...recipe, data: evaluation.data }, objective, onRows, onNotice);
  if (other && other.dropped.length > 0)
    onNotice(`${evaluation!.data!}: ${other.dropped.length} rows are too long and are left out`);
  const heldOut = divided?.heldOut ?? other?.examples;
  return {
    ...{ examples, tokenizer },
    ...(heldOut && { heldOut }),
    ...(problems && { development: problems }),
    ...(samples && { samples }),
    [Symbol.dispose]: () => {
      // What is held out of the data shares its file.
      examples.closeReferences();
      heldOut?.closeReferences();
      other?.examples[Symbol.dispose]();
    },
  };
}
