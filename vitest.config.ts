import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // libtorch is loaded once a file; files run one after another so that its threads have the cores.
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    env: { OMP_WAIT_POLICY: 'passive' },
  },
});
