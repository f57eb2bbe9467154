/** @file A pipeline as its recipe describes it: stages in order, and `@name` for what an earlier one left. */
import { z } from 'zod';
import { Faults } from '../recipe/faults.js';
import { checkSettings } from '../recipe/parse.js';
import type { RecipeSource } from '../recipe/recipe.js';
import { nearestHint } from '../util/nearest.js';
import { locatePaths } from './paths.js';
import { checkReferences } from './references.js';
import { recordedInputs } from './stageCache.js';
import { STAGE_NAME, stageKinds, type StageConfig, type StageKind } from './stages/index.js';

export { resolveReferences } from './references.js';

/** Stages in order. `@name` in a stage's paths is an earlier stage's result. */
export interface Pipeline {
  /** Where everything is written. */
  out: string;
  stages: StageConfig[];
}

const stageHead = z.looseObject({
  name: z.string().describe('the stage’s name, by which later ones refer to it'),
  stage: z.string().describe(`its kind, one of ${Object.keys(stageKinds).join(', ')}`),
});
const pipelineHead = z.strictObject({
  out: z.string().min(1).describe('the folder of the run'),
  stages: z.array(stageHead).min(1).describe('the list of stages'),
});

/**
 * Checks a pipeline, with all that is wrong at once.
 * @param source where the recipe stands; with it files are looked for, from the current folder or the recipe's own
 * @throws UserError naming the file, the stage and the field
 */
export function parsePipeline(value: unknown, where: string, source?: RecipeSource): Pipeline {
  const faults = new Faults();
  const { out, stages } = headOf(value, faults, where, source);
  const reader = new StageReader(out, faults, source);
  const parsed = stages.map((entry, i) => reader.read(entry, i));
  faults.throwIfAny(where);
  return { out, stages: parsed.map((stage) => stage!) };
}

type Head = z.output<typeof pipelineHead>;

/** What is common to all stages. Without it there is nothing to look at. */
function headOf(value: unknown, faults: Faults, where: string, source: RecipeSource | undefined): Head {
  const isKeys = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isKeys && !('stages' in value) && 'objective' in value)
    faults.add({
      place: [],
      message: `this is a recipe of one stage: \`redistill train ${where}\` takes it`,
    });
  if (isKeys && 'arms' in value)
    faults.add({ place: [], message: `this is a study: \`redistill study ${where}\` takes it` });
  const head = faults.isEmpty ? checkSettings(pipelineHead, value, faults, { ...source }) : undefined;
  faults.throwIfAny(where);
  return head!;
}

/** Reads stages one after the other, each knowing the ones before it. */
class StageReader {
  readonly #out: string;
  readonly #faults: Faults;
  readonly #source: RecipeSource | undefined;
  readonly #names = new Set<string>();
  /** The stages that are right, by name. */
  readonly #read = new Map<string, StageConfig>();

  constructor(out: string, faults: Faults, source: RecipeSource | undefined) {
    this.#out = out;
    this.#faults = faults;
    this.#source = source;
  }

  /** @returns undefined where the stage has a fault */
  read({ name, stage: kind, ...config }: Head['stages'][number], position: number): StageConfig | undefined {
    const at = ['stages', position];
    const place = (key: readonly PropertyKey[] = []) => this.#source?.placeOf([...at, ...key]);
    const add = (place: string | undefined, message: string, part?: string) => {
      this.#faults.add({ place: [place, part].filter((one) => one !== undefined), message });
    };
    if (!STAGE_NAME.test(name))
      add(place(['name']), `stage name "${name}" must be lower-case letters, digits and hyphens`);
    else if (this.#names.has(name)) add(place(['name']), `there are two stages named "${name}"`);
    const earlier = new Map(this.#read);
    const unsure = new Set([...this.#names].filter((one) => !earlier.has(one)));
    this.#names.add(name);
    if (!Object.hasOwn(stageKinds, kind)) {
      const names = Object.keys(stageKinds);
      const hint = nearestHint(kind, names);
      add(
        place(['stage']),
        `stage "${name}" has kind "${kind}"${hint}; kinds are ${names.join(', ')} (docs/recipes.md)`,
      );
      return undefined;
    }
    const part = `stage ${name}`;
    const known = kind as StageKind;
    const parsed = checkSettings(stageKinds[known].schema as z.ZodType, config, this.#faults, {
      page: `docs/recipes.md, section "${kind}",`,
      part,
      placeOf: place,
      removalOf: (key) => this.#source?.removalOf([...at, ...key]),
    });
    if (parsed === undefined) return undefined;
    const addAt = (key: readonly PropertyKey[], message: string) => {
      add(place(key), message, part);
    };
    let stage: StageConfig = { name, kind: known, config: parsed };
    checkReferences(stage, earlier, unsure, addAt);
    if (this.#source)
      stage = locatePaths(stage, this.#places(this.#source, name), (key, message) => {
        addAt(key, `"${key.join('.')}": ${message}`);
      });
    this.#read.set(name, stage);
    return stage;
  }

  #places({ folder }: RecipeSource, stage: string) {
    const gets = [...this.#read.values()].filter(({ kind }) => kind === 'get');
    return {
      folder,
      made: this.#out,
      known: recordedInputs(this.#out, stage),
      fetched: gets.map(({ config }) => (config as { model: string }).model),
    };
  }
}
