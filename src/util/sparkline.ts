/** @file A curve in one line of text. */

const BLOCKS = '▁▂▃▄▅▆▇█';

/**
 * Draws values as blocks from the least to the most; where there are more than `width`, each block is the mean of several. What is no
 * number is left out of a mean, and is a blank where nothing else is there.
 */
export function sparkline(values: readonly (number | null)[], width = 40): string {
  const places = Math.min(width, values.length);
  const means = Array.from({ length: places }, (_, i) => {
    const [from, to] = [i, i + 1].map((at) => Math.floor((at * values.length) / places));
    const known = values.slice(from, to).filter((value): value is number => Number.isFinite(value));
    return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
  });
  const known = means.filter((mean) => mean !== undefined);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return means
    .map((mean) => {
      if (mean === undefined) return ' ';
      const share = high === low ? 0 : (mean - low) / (high - low);
      return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(share * BLOCKS.length))];
    })
    .join('');
}
