/** @file Reads recipes: YAML with plain values, and the assignments of --set. Knows no schema. */
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { messageOf, UserError } from '../util/errors.js';

/** Reads a YAML file with plain values only. */
export function readYaml(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${messageOf(error)}`);
  }
  try {
    return parseYaml(text, { maxAliasCount: 100, merge: true }) as unknown;
  } catch (error) {
    throw new UserError(`${path} is not YAML: ${firstLine(error)}`);
  }
}

/**
 * Applies `--set a.b=value` to a parsed recipe; values are YAML, and a list's entries go by their `name`, as in
 * `stages.redi.optimizer.lr`. Whether the key exists is for the schema to say.
 * @throws UserError for an assignment that is not one
 */
export function applySettings(
  recipe: unknown,
  settings: readonly string[],
  where: string,
): Record<string, unknown> {
  if (typeof recipe !== 'object' || recipe === null || Array.isArray(recipe)) {
    throw new UserError(`${where}: a recipe is a list of keys and values`);
  }
  const result = structuredClone(recipe) as Record<string, unknown>;
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    if (equals < 1) throw new UserError(`--set ${setting}: write key=value, e.g. --set optimizer.lr=1e-5`);
    const keys = setting.slice(0, equals).split('.');
    if (keys.some((key) => !/^[a-z_][a-z0-9_-]*$/i.test(key) || key === '__proto__')) {
      throw new UserError(`--set ${setting}: "${keys.join('.')}" is not a key`);
    }
    const last = keys.pop()!;
    let target = result;
    let list = '';
    for (const key of keys) {
      const inner = list === '' ? (target[key] ??= {}) : named(target, key);
      if (inner === undefined) throw new UserError(`--set ${setting}: "${list}" has no "${key}"`);
      if (typeof inner !== 'object') throw new UserError(`--set ${setting}: "${key}" holds no keys`);
      target = inner as Record<string, unknown>;
      list = Array.isArray(inner) ? key : '';
    }
    if (list !== '') throw new UserError(`--set ${setting}: "${list}" has no "${last}"`);
    target[last] = parseSetting(setting, setting.slice(equals + 1));
  }
  return result;
}

/** The entry of a list that has this name. */
function named(list: unknown, name: string): unknown {
  return (list as ({ name?: unknown } | null)[]).find((entry) => entry?.name === name);
}

function parseSetting(setting: string, value: string): unknown {
  try {
    return parseYaml(value) as unknown;
  } catch (error) {
    throw new UserError(`--set ${setting}: the value is not YAML: ${firstLine(error)}`);
  }
}

/** YAML's errors show the place in lines of their own. */
const firstLine = (error: unknown): string => messageOf(error).split('\n')[0] ?? '';
