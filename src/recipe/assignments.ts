/** @file The assignments of --set: keys of a recipe that are set or taken out on the command line. */
import { UserError } from '../util/errors.js';
import { redactSettings } from '../util/redact.js';
import { mayBeKey, parseYaml } from './yaml.js';

/** What `--set` has changed, and by which words. */
export interface Assignment {
  /** From the top, a list's entries by their place. */
  path: PropertyKey[];
  /** The words, as messages may repeat them. */
  setting: string;
}

const EXAMPLE = 'write key=value, e.g. --set optimizer.lr=1e-5';

/**
 * Applies `--set a.b=value` to a parsed recipe and `--set ~a.b`, which takes the key out. Values are YAML, and a list's
 * entries go by their `name`, as in `stages.redi.optimizer.lr`. Whether the key exists is for the schema to say.
 * @param assignments is added to
 * @throws UserError for an assignment that is not one
 */
export function applySettings(
  recipe: unknown,
  settings: readonly string[],
  where: string,
  assignments: Assignment[] = [],
): Record<string, unknown> {
  if (typeof recipe !== 'object' || recipe === null || Array.isArray(recipe))
    throw new UserError(`${where}: a recipe is a list of keys and values`);
  const result = { ...recipe } as Record<string, unknown>;
  for (const setting of settings)
    assignments.push({ path: apply(result, setting), setting: shownSetting(setting) });
  return result;
}

/** An assignment without what is secret in it, by one of its keys or in an address. */
function shownSetting(setting: string): string {
  const equals = setting.indexOf('=');
  if (equals < 0) return setting;
  const name = setting.slice(0, equals);
  const key = name.replaceAll('.', '_');
  return `${name}=${redactSettings({ [key]: setting.slice(equals + 1) })[key]!}`;
}

/** Changes the recipe, whose parts are copied on the way: aliases share theirs with others. */
function apply(recipe: Record<string, unknown>, setting: string): PropertyKey[] {
  const removes = setting.startsWith('~');
  const { name, value } = removes ? { name: setting.slice(1), value: undefined } : split(setting);
  const keys = name.split('.');
  if (!keys.every(mayBeKey)) throw new UserError(`--set ${shownSetting(setting)}: "${name}" is not a key`);
  const path: PropertyKey[] = [];
  let target: unknown = recipe;
  for (const [depth, key] of keys.entries()) {
    const place = Array.isArray(target) ? placeOf(target, key) : key;
    const above = keys[depth - 1];
    const isLast = depth === keys.length - 1;
    if (place === undefined || (isLast && Array.isArray(target))) {
      const isEntry = removes && place !== undefined;
      const what = isEntry ? `"${key}" that can be taken out` : `"${key}"`;
      throw new UserError(`--set ${shownSetting(setting)}: "${above!}" has no ${what}`);
    }
    const part = target as Record<PropertyKey, unknown>;
    const isThere = Object.hasOwn(part, place);
    if (removes && !isThere)
      throw new UserError(`--set ${shownSetting(setting)}: the recipe has no "${name}" to take out`);
    path.push(place);
    if (isLast) {
      if (removes) Reflect.deleteProperty(part, place);
      else part[place] = value;
      break;
    }
    const inner = isThere ? (part[place] ?? {}) : {};
    if (typeof inner !== 'object')
      throw new UserError(`--set ${shownSetting(setting)}: "${key}" holds no keys`);
    target = part[place] = Array.isArray(inner) ? [...(inner as unknown[])] : { ...inner };
  }
  return path;
}

function split(setting: string): { name: string; value: unknown } {
  const equals = setting.indexOf('=');
  if (equals < 1)
    throw new UserError(`--set ${shownSetting(setting)}: ${EXAMPLE}, or ~key to take a key out`);
  const name = setting.slice(0, equals);
  const text = setting.slice(equals + 1);
  // A default would stand in its place: the empty instruction of `instruction=` would not be empty.
  if (text.trim() === '')
    throw new UserError(
      `--set ${shownSetting(setting)}: there is no value; '${name}=""' sets the empty text, and '~${name}' takes the key out`,
    );
  return { name, value: parseYaml(text, `--set ${shownSetting(setting)}: the value`).value };
}

/** The place of the entry of a list that has this name. */
function placeOf(list: readonly unknown[], name: string): number | undefined {
  const place = list.findIndex(
    (entry) => typeof entry === 'object' && entry !== null && (entry as { name?: unknown }).name === name,
  );
  return place === -1 ? undefined : place;
}
