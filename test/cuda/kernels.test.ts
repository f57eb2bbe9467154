import { describe } from 'vitest';
import { absent, device } from '../support/cuda.js';
import { compareKernels } from '../support/kernels.js';

describe.skipIf(absent !== undefined)('a fused kernel on a GPU', () => {
  compareKernels(device);
});
