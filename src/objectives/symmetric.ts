/** @file Defines the symmetric objective: REDI at α = 1. */

import { defineObjective } from './definition.js';
import { lengthNormalisedPairs } from './redi.js';

/** The symmetric objective (arXiv 2505.24850, Eq. 4) is REDI at α = 1, and has the direction of SimPO as β → 0. */
export const symmetric = defineObjective('symmetric', {}, () => lengthNormalisedPairs('symmetric', 1), {
  gradient: '−1/N on the chosen side, +1/N on the rejected side',
  source: 'arXiv 2505.24850, Eq. 4',
  use: 'as the control of REDI, and as what DPO and SimPO become for β → 0.',
  fails: 'It collapses sooner than REDI: nothing holds the rejected side.',
});
