/** @file Formats sizes in bytes, and other large numbers. */

/** Writes a size in decimal units, as download pages do: "12 kB", "8.1 GB". */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ${units[unit]}`;
}

/** Two sizes that differ, told so that they do: exactly where the rounded ones are alike. */
export function formatBytesApart(a: number, b: number): [string, string] {
  const rounded: [string, string] = [formatBytes(a), formatBytes(b)];
  return rounded[0] === rounded[1] ? [`${a} bytes`, `${b} bytes`] : rounded;
}

/** Writes a number with three digits or all of them: "134.5 M", "12.3 k", "940". */
export function formatCount(count: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, count)) / 3)));
  return step === 0 ? String(count) : `${(count / 1000 ** step).toFixed(1)}${units[step]!}`;
}
