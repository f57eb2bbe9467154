import { defineObjective } from './definition.js';
import { lengthNormalisedPairs } from './redi.js';

/** The symmetric objective (arXiv 2505.24850, Eq. 4): REDI at α = 1, and the direction of SimPO as β → 0. */
export const symmetric = defineObjective('symmetric', {}, () => lengthNormalisedPairs('symmetric', 1));
