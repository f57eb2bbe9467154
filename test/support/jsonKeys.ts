/** Lists the keys of all objects in a value. */
export function keysOf(value: unknown, into = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return into;
  for (const [key, part] of Object.entries(value)) {
    if (!Array.isArray(value)) into.add(key);
    keysOf(part, into);
  }
  return into;
}

/** Lists the keys that are not in the style of all that is written: snake_case, metrics and graders in groups. */
export const strangeKeys = (value: unknown): string[] =>
  [...keysOf(value)].filter((key) => !/^[a-z0-9_]+(?:[/:@][a-z0-9_]+)*$/.test(key));
