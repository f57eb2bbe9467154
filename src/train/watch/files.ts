/** @file What the watch over a run leaves in its folder. */

/** The weights of the best step. */
export const BEST = 'best';

/** Which step's weights are the best, and what the sentinel has seen. */
export const [BEST_FILE, SENTINEL_FILE] = ['best.json', 'sentinel.json'];
