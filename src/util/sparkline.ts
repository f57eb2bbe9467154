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

/** Values of a curve that are kept, at most; more than a line has room for. */
const KEPT = 512;

/** A curve that grows, drawn in one line. When there are as many values as are kept, each two become their mean. */
export class GrowingSparkline {
  #means: (number | null)[] = [];
  /** Values of each mean, and those that are none yet. */
  #bucket = 1;
  #open: number[] = [];
  #seen = 0;

  add(value: number): void {
    if (Number.isFinite(value)) this.#open.push(value);
    if (++this.#seen % this.#bucket !== 0) return;
    this.#means.push(meanOf(this.#open));
    this.#open = [];
    if (this.#means.length < KEPT) return;
    this.#means = Array.from({ length: KEPT / 2 }, (_, i) =>
      meanOf(this.#means.slice(2 * i, 2 * i + 2).filter((mean) => mean !== null)),
    );
    this.#bucket *= 2;
  }

  /** What there is so far, in so many characters at most. */
  draw(width: number): string {
    return sparkline(this.#open.length > 0 ? [...this.#means, meanOf(this.#open)] : this.#means, width);
  }
}

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
