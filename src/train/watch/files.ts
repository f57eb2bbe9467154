/** @file What the watch over a run leaves in its folder. */

/** The weights of the best step, and of the last one that was healthy. */
export const [BEST, HEALTHY] = ['best', 'healthy'];

/** Which step's weights are the best, and what the sentinel has seen. */
export const [BEST_FILE, SENTINEL_FILE] = ['best.json', 'sentinel.json'];
