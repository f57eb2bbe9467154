/** @file A recipe as it was given: the file, what --set changed of it, and where each key comes from. */
import { applySettings, type Assignment } from './assignments.js';
import { folderOf, nameOfFile, readText } from './text.js';
import { parseYaml } from './yaml.js';

/** Where things stand that a recipe says. */
export interface RecipeSource {
  /** The folder of the file, where the recipe's own files may be. */
  folder: string;
  /** Where a key comes from, or the innermost key around it: "line 7", or "--set a.b=1". */
  placeOf: (path: readonly PropertyKey[]) => string | undefined;
  /** How a key of the file is taken out on the command line, where `--set` has changed what stands beside it. */
  removalOf: (path: readonly PropertyKey[]) => string | undefined;
}

export interface Recipe extends RecipeSource {
  /** How messages call the recipe. */
  name: string;
  value: Record<string, unknown>;
}

/** Reads a recipe and applies what `--set` says. @throws UserError naming the file */
export function readRecipe(path: string, settings: readonly string[] = []): Recipe {
  const name = nameOfFile(path);
  const { value: whole, lineOf } = parseYaml(readText(path), name);
  const assignments: Assignment[] = [];
  const value = applySettings(whole, settings, name, assignments);
  const setBy = (key: readonly PropertyKey[]) => assignments.findLast((one) => isWithin(key, one.path));
  return {
    name,
    folder: folderOf(path),
    value,
    placeOf: (key) => {
      const setting = setBy(key)?.setting;
      if (setting !== undefined) return `--set ${shorten(setting)}`;
      const line = lineOf(key);
      return line === undefined ? undefined : `line ${line}`;
    },
    removalOf: (key) => {
      const part = key.slice(0, -1);
      const isBeside = assignments.some((one) => one.path.length === key.length && isWithin(one.path, part));
      return isBeside && !setBy(key) ? `--set '~${nameOf(key, value)}'` : undefined;
    },
  };
}

const isWithin = (key: readonly PropertyKey[], part: readonly PropertyKey[]): boolean =>
  part.every((name, i) => String(key[i]) === String(name));

/** As `--set` names it: the entries of a list go by their names. */
function nameOf(path: readonly PropertyKey[], recipe: unknown): string {
  let inner: unknown = recipe;
  const names = path.map((key) => {
    const isEntry = Array.isArray(inner);
    inner = (inner as Record<PropertyKey, unknown> | undefined)?.[key];
    return isEntry ? String((inner as { name?: unknown } | undefined)?.name) : String(key);
  });
  return names.join('.');
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
