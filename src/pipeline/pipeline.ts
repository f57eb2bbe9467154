/** @file A pipeline as its recipe describes it: stages in order, and `@name` for what an earlier one left. */
import { z } from 'zod';
import { parseRecipe } from '../recipe/parse.js';
import { UserError } from '../util/errors.js';
import { nearestHint } from '../util/nearest.js';
import { stageKinds, type StageConfig, type StageKind } from './stages/index.js';

/** Stages in order. `@name` in a stage's paths is an earlier stage's result. */
export interface Pipeline {
  /** Where everything is written. */
  out: string;
  stages: StageConfig[];
}

const stageHead = z.looseObject({ name: z.string(), stage: z.string() });
const pipelineHead = z.strictObject({ out: z.string().min(1), stages: z.array(stageHead).min(1) });

/** @throws UserError naming the file, the stage and the field */
export function parsePipeline(value: unknown, where: string): Pipeline {
  const { out, stages } = parseRecipe(pipelineHead, value, where);
  const seen = new Set<string>();
  return {
    out,
    stages: stages.map((entry) => {
      const { name, stage: kind, ...config } = entry;
      if (!/^[a-z][a-z0-9-]*$/.test(name)) {
        throw new UserError(`${where}: stage name "${name}" must be lower-case letters, digits and hyphens`);
      }
      if (seen.has(name)) throw new UserError(`${where}: there are two stages named "${name}"`);
      if (!Object.hasOwn(stageKinds, kind)) {
        throw new UserError(
          `${where}: stage "${name}" has kind "${kind}"${nearestHint(kind, Object.keys(stageKinds))}; kinds are ${Object.keys(stageKinds).join(', ')} (docs/recipes.md)`,
        );
      }
      const parsed = parseRecipe(
        stageKinds[kind as StageKind].schema as z.ZodType,
        config,
        `${where}, stage ${name}`,
        { page: `docs/recipes.md, section "${kind}",` },
      );
      for (const reference of referencesIn(parsed)) {
        if (!seen.has(reference))
          throw new UserError(`${where}, stage ${name}: "@${reference}" is not an earlier stage`);
      }
      seen.add(name);
      return { name, kind: kind as StageKind, config: parsed };
    }),
  };
}

/** A stage's name, up to a slash; a text that begins with `@@` is not a reference and loses one of them. */
const reference = /^@([^@/][^/]*)/;

/** Names of the stages that the settings refer to. */
function referencesIn(value: unknown): string[] {
  if (typeof value === 'string') return reference.exec(value)?.slice(1, 2) ?? [];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(referencesIn);
  return [];
}

/** The settings with every `@name/rest` replaced by the path that stage left, and those paths. */
export function resolveReferences<T>(
  value: T,
  results: ReadonlyMap<string, string>,
): { value: T; inputs: string[] } {
  const inputs: string[] = [];
  const walk = (node: unknown): unknown => {
    if (typeof node === 'string') {
      const match = reference.exec(node);
      if (!match) return node.startsWith('@@') ? node.slice(1) : node;
      const path = results.get(match[1]!)! + node.slice(match[0].length);
      inputs.push(path);
      return path;
    }
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node === 'object' && node !== null) {
      return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, walk(inner)]));
    }
    return node;
  };
  return { value: walk(value) as T, inputs };
}
