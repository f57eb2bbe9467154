import { describe } from 'vitest';
import { compareKernels } from '../../test/support/kernels.js';

describe('a fused kernel on the CPU', () => {
  compareKernels('cpu');
});
