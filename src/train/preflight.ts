import type { FindingCode } from '../doctor/findings.js';
import { examine } from '../doctor/examine.js';
import type { Student } from '../doctor/student.js';
import type { Problem } from '../doctor/summary.js';
import { readConfig } from '../models/directory.js';
import type { Objective } from '../objectives/objective.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { silentProgress } from '../util/progress.js';
import type { TrainRecipe } from './settings.js';

/** Rows that are looked at before training: some seconds, where traces are long. */
const SAMPLE = 512;

/** The model that rows are examined for. @throws UserError naming what its directory lacks */
export function openStudent(
  model: string,
  rows: Pick<Student, 'layout'> & Partial<Pick<Student, 'system' | 'sft'>>,
): Student {
  const { maxPositions, vocabSize } = readConfig(model);
  return { model, tokenizer: ChatTokenizer.load(model), maxPositions, vocabSize, ...rows };
}

/** Training itself counts the rows that are too long, and knows whether any are left. */
const COUNTED: readonly FindingCode[] = ['too-long', 'nothing-fits'];

/**
 * What `redistill doctor` finds in a sample of the recipe's rows.
 * @throws Error where something would spoil training and the recipe does not say to go on
 */
export async function checkData(recipe: TrainRecipe, objective: Objective): Promise<Problem[]> {
  const { layout, system, max_length: limit } = recipe;
  const sft = objective.data === 'messages';
  const student = openStudent(recipe.model, { layout, sft, ...(system !== undefined && { system }) });
  const { summary } = await examine(
    recipe.data,
    { student, sample: SAMPLE, ...(limit !== undefined && { limits: [limit] }) },
    silentProgress,
  );
  const problems = summary.problems.filter(({ code }) => !COUNTED.includes(code));
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (recipe.doctor === 'refuse' && errors.length > 0) throw new Error(refusal(recipe, summary.rows, errors));
  return problems;
}

function refusal({ data, model }: TrainRecipe, looked: number, errors: readonly Problem[]): string {
  const list = errors.map(
    ({ code, rows, lines, detail }) => `${code} in ${rows} (line ${lines[0]!}: ${detail})`,
  );
  return (
    `${data}: of ${looked} rows looked at, some would spoil training: ${list.join('; ')}. ` +
    `\`redistill doctor ${data} --model ${model}\` says more; doctor: warn in the recipe goes on anyway`
  );
}
