/** @file Training runs of a tiny model, as the tests of the trainer make them. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';
import { cacheDir } from '../../src/util/cacheDir.js';
import { loadModel } from '../../src/models/checkpoint.js';
import { parameterSpecs } from '../../src/models/parameters.js';
import { createObjective, objectiveNames } from '../../src/objectives/index.js';
import { parseRecipe } from '../../src/recipe/parse.js';
import { toFloat32Array } from '../../src/torch/data.js';
import { liveTensors } from '../../src/torch/tensor.js';
import { cacheFolder } from '../../src/train/cacheFiles.js';
import { lastingOf, type LastingMetrics } from '../../src/train/metricsFiles.js';
import type { ResumeOptions } from '../../src/train/resume.js';
import { trainRecipe, type TrainRecipe } from '../../src/train/settings.js';
import { train, type StepMetrics, type TrainEvent, type TrainResult } from '../../src/train/trainer.js';
import { contents, turns, writeRows, writeTinyModel } from './tinyModel.js';

export const root = mkdtempSync(join(tmpdir(), 'redistill-trainer-'));
export const model = join(root, 'tiny');
export const messages = join(root, 'messages.jsonl');
export const pairs = join(root, 'pairs.jsonl');

/** The tiny tokenizer has a token a character; its template adds the role's token and the end, twice. */
export const tokensOf = (question: string, answer: string) => question.length + answer.length + 4;

export const sides: [question: string, chosen: string, rejected: string][] = [
  ['2+2?', '4', 'five'],
  ['3+3?', 'it is 6', '7'],
  ['What is 10-7?', '10-7=3. So 3.', 'It is 4, I guess.'],
  ['1+1', '2', '3'],
  ['9*9 = ?', '81', 'eighty-two'],
];
export const chosenTokens = sides.reduce((sum, [question, chosen]) => sum + tokensOf(question, chosen), 0);
export const pairTokens = sides.reduce(
  (sum, [question, , rejected]) => sum + tokensOf(question, rejected),
  chosenTokens,
);

/** Takes a cache of its own that has nothing but what set-up has put into the user's. */
function takeOwnCache(): void {
  const [from, base] = [cacheDir(), join(root, 'cache')];
  vi.stubEnv('XDG_CACHE_HOME', base);
  mkdirSync(cacheDir(), { recursive: true });
  for (const name of readdirSync(from))
    if (['addon', 'libtorch', 'setup.json'].includes(name))
      symlinkSync(join(from, name), join(cacheDir(), name));
}

/** Has references scored as if they never had been. */
export function forgetReferences(): void {
  rmSync(cacheFolder('references'), { recursive: true, force: true });
}

/** Writes the model and the data for the tests of a file, and removes everything after them. */
export function setUpRuns(): void {
  beforeEach(forgetReferences);
  beforeAll(() => {
    takeOwnCache();
    writeTinyModel(model);
    writeRows(
      messages,
      sides.map(([question, chosen]) => ({ messages: turns(question, chosen) })),
    );
    writeRows(
      pairs,
      sides.map(([question, chosen, rejected]) => ({
        chosen: turns(question, chosen),
        rejected: turns(question, rejected),
      })),
    );
  });
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
}

let runs = 0;
export function recipeOf(
  objective: string | { name: string } | { terms: object[] },
  keys: object = {},
): TrainRecipe {
  const spec = typeof objective === 'string' ? { name: objective } : objective;
  const recipe = {
    model,
    data: 'name' in spec && spec.name === 'sft' ? messages : pairs,
    out: join(root, `run-${++runs}`),
    objective: spec,
    optimizer: { lr: 1e-3 },
    batch_size: 2,
    max_steps: 3,
    dtype: 'f32',
    proofs: 'off',
    // The rate of a single step with a warm-up would be 0, which is refused.
    ...('max_steps' in keys && keys.max_steps === 1 && { schedule: { warmup_ratio: 0 } }),
    ...keys,
  };
  return parseRecipe(trainRecipe, recipe, 'recipe');
}

export interface Run {
  recipe: TrainRecipe;
  events: TrainEvent[];
  steps: StepMetrics[];
  result?: TrainResult;
  error?: unknown;
}

/** The reason of the signal that stops runs. */
export const stopped = new Error('stopped by the test');

/** Trains and keeps what happened; `stop` is asked with the number of times it was asked before. */
export async function attempt(
  recipe: TrainRecipe,
  stop: (asked: number) => boolean = () => false,
  resume?: ResumeOptions,
): Promise<Run> {
  const events: TrainEvent[] = [];
  const live = liveTensors();
  let asked = 0;
  const run: Run = { recipe, events, steps: [] };
  try {
    run.result = await train(recipe, {
      onEvent: (event) => events.push(event),
      signal: {
        throwIfAborted: () => {
          if (stop(asked++)) throw stopped;
        },
      },
      resume,
    });
  } catch (error) {
    run.error = error;
  }
  run.steps = events.flatMap((event) => (event.kind === 'step' ? [event.metrics] : []));
  expect(liveTensors()).toBe(live); // whether it ended well or not
  return run;
}

/** Stops a run between two packs. */
export async function stopAt(recipe: TrainRecipe, pack: number): Promise<Run> {
  const run = await attempt(recipe, (asked) => asked === pack);
  expect(run.error).toBe(stopped);
  return run;
}

/** All files of a run that follow from its recipe: not the speed, and not the recipe, which has the folder's name. */
export const lastingFiles = (out: string) =>
  Object.fromEntries(
    Object.entries(contents(out)).filter(([name]) => !/^(speed\.jsonl|recipe\.yaml)$/.test(name)),
  );

export async function trained(
  recipe: TrainRecipe,
  resume?: ResumeOptions,
): Promise<Run & { result: TrainResult }> {
  const run = await attempt(recipe, undefined, resume);
  if (!run.result) throw run.error;
  return { ...run, result: run.result };
}

/** Those that ask for nothing which plain pairs have not. */
export const ofPlainPairs = objectiveNames.filter((name) =>
  Object.keys(createObjective({ name }).needs).every((column) => ['reference', 'reward'].includes(column)),
);
/** Those on which the trainer itself is tried: of every kind of gradient, with a reference and without. */
export const triedObjectives = ['sft', 'redi', 'symmetric', 'simpo', 'dpo'];
export const pairwise = triedObjectives.filter((name) => createObjective({ name }).data === 'pairs');
export const withoutReference = triedObjectives.filter((name) => !createObjective({ name }).needs.reference);

/** What does not depend on the clock or on what ran before in this process. */
export const lasting = (steps: readonly StepMetrics[]): StepMetrics[] =>
  steps.map((step) => ({ ...step, tokens_per_second: 0, peak_memory_bytes: 0 }));

/** The lines of metrics.jsonl of steps. */
export const linesOf = (steps: readonly StepMetrics[]): LastingMetrics[] => steps.map(lastingOf);

export const embedding = (dir: string): Float32Array => {
  using loaded = loadModel(dir, { dtype: 'f32' }).model;
  return toFloat32Array(loaded.parameter('embedding'));
};

/** A model's parameters with the names that its files give to their parts. */
export function parametersOf(dir: string): Map<string, { parts: string[]; values: Float32Array }> {
  using loaded = loadModel(dir, { dtype: 'f32' }).model;
  const specs = parameterSpecs(loaded.config);
  return new Map(
    [...loaded.parameters].map(([name, tensor]) => [
      name,
      { parts: specs.get(name)!.parts.map((part) => part.name), values: toFloat32Array(tensor).slice() },
    ]),
  );
}

export const relative = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);
