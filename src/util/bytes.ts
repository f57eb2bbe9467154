/** @file Formats sizes in bytes, and other counts that may be large, in the unit that fits them. */

/** Writes a size in decimal units, as download pages do: "12 kB", "8.1 GB". */
export function formatBytes(bytes: number): string {
  return inUnits(bytes, ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'], 2);
}

/** Writes two sizes of which one is too small so that the reader sees which: where they look alike, to the byte. */
export function formatUnequalBytes(a: number, b: number): [string, string] {
  const pair: [string, string] = [formatBytes(a), formatBytes(b)];
  return pair[0] === pair[1] && a !== b ? [`${a} bytes`, `${b} bytes`] : pair;
}

/** Writes a count of things: "848", "19.2 k", "135 M", "1.54 B". */
export function formatCount(count: number): string {
  return inUnits(count, ['', 'k', 'M', 'B', 'T'], 3);
}

function inUnits(value: number, units: readonly string[], digits: number): string {
  const rounded = (x: number) => (x >= 100 ? Math.round(x) : Number(x.toPrecision(digits)));
  let unit = 0;
  for (; rounded(value) >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? Math.round(value) : rounded(value)} ${units[unit]!}`.trimEnd();
}
