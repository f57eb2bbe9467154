/** @file Checks a sample of the data before training, by what `redistill doctor` finds in it. */

import { existsSync } from 'node:fs';
import { z } from 'zod';
import type { FindingCode } from '../doctor/findings.js';
import { examine } from '../doctor/examine.js';
import type { Student } from '../doctor/student.js';
import type { FindingGroup } from '../doctor/summary.js';
import { readConfig } from '../models/directory.js';
import type { ModelOverrides } from '../models/overrides.js';
import type { Objective } from '../objectives/objective.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { writeFileAtomic } from '../util/files.js';
import { silentProgress } from '../util/progress.js';
import { readRegular } from '../util/regularFile.js';
import { tokenizing, type DatedRecipe } from './examples.js';
import { tokensPath } from './tokenCache.js';

/** Rows that are examined before training: some seconds' work if traces are long. */
const SAMPLE = 512;
const MAX_KEPT_BYTES = 1 << 24;

/**
 * Opens the model that rows are examined for.
 * @param overrides what is changed of its config.json
 * @param date as in `ChatTokenizer.load`
 * @throws UserError naming what its directory lacks
 */
export function openStudent(
  model: string,
  rows: Pick<Student, 'layout' | 'system' | 'data'>,
  overrides?: ModelOverrides,
  date?: string,
): Student {
  const { maxPositions, vocabSize } = readConfig(model, overrides);
  return { model, tokenizer: ChatTokenizer.load(model, date), maxPositions, vocabSize, ...rows };
}

/** Findings left out here: training itself counts the rows that are too long, and knows whether any are left. */
const COUNTED: readonly FindingCode[] = ['too-long', 'nothing-fits'];

/** What was found in a sample of the rows. */
export interface Preflight {
  findings: FindingGroup[];
  /** How many rows were examined: one in `every`, spread over the file. */
  examined: number;
  every: number;
}

const kept = z.object({
  findings: z.array(z.custom<FindingGroup>((value) => typeof value === 'object' && value !== null)),
  examined: z.number(),
  every: z.number(),
});

/**
 * Examines a sample of the recipe's rows; what was found is kept beside their tokens.
 * @throws Error if something would spoil training and the recipe does not say to go on
 */
export async function preflight(recipe: DatedRecipe, objective: Objective): Promise<Preflight> {
  const { model, data, layout, system, max_length: limit, date } = recipe;
  const rows = { layout, system, data: objective.data };
  const student = openStudent(model, rows, recipe.model_overrides, date);
  const tokens = tokensPath(data, student.tokenizer, tokenizing(recipe, objective));
  const place = tokens && `${tokens.replace(/\.tokens$/, '')}-${limit ?? student.maxPositions}.doctor.json`;
  let found = place === undefined ? undefined : readKept(place);
  if (!found) {
    found = await examineSample(data, student, limit);
    if (place !== undefined) writeFileAtomic(place, JSON.stringify(found));
  }
  const errors = found.findings.filter(({ severity }) => severity === 'error');
  if (recipe.doctor === 'refuse' && errors.length > 0) throw new Error(refusal(recipe, found, errors));
  return found;
}

function readKept(place: string): Preflight | undefined {
  if (!existsSync(place)) return undefined;
  try {
    return kept.parse(JSON.parse(readRegular(place, MAX_KEPT_BYTES)));
  } catch {
    return undefined; // it is damaged, and made anew
  }
}

async function examineSample(data: string, student: Student, limit: number | undefined): Promise<Preflight> {
  const { summary } = await examine(
    data,
    { student, sample: SAMPLE, ...(limit !== undefined && { limits: [limit] }) },
    silentProgress,
  );
  const findings = summary.problems.filter(({ code }) => !COUNTED.includes(code));
  return { findings, examined: summary.rows, every: summary.every };
}

function refusal(
  { data, model }: DatedRecipe,
  { examined, every }: Preflight,
  errors: readonly FindingGroup[],
): string {
  const list = errors.map(
    ({ code, rows, lines, detail }) => `${code} in ${rows} (line ${lines[0]!}: ${detail})`,
  );
  return (
    `${data}: of ${examined} rows examined${every === 1 ? '' : `, one in ${every}`}, some would spoil training: ${list.join('; ')}. ` +
    `\`redistill doctor ${data} --model ${model}\` says more; doctor: warn in the recipe trains anyway`
  );
}
