import { defineConfig } from 'vitest/config';

/** `npm run test:cuda`: the CUDA path against the CPU. Without a GPU the tests say that they were skipped. */
export default defineConfig({
  test: {
    include: ['test/cuda/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    env: { OMP_WAIT_POLICY: 'passive' },
  },
});
