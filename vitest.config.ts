import { defineConfig } from 'vitest/config';

/** Files run side by side, as many as there are cores: with more threads each they would only wait for one another. */
const oneThread = { OMP_NUM_THREADS: '1' };

/** Three tiers by the names of files; CONTRIBUTING.md says what belongs where. */
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: '100%',
    testTimeout: 120_000,
    hookTimeout: 300_000,
    env: { OMP_WAIT_POLICY: 'passive' },
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          env: oneThread,
          include: ['{src,test}/**/*.test.ts'],
          exclude: ['**/*.{slow,model,oracle}.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          env: oneThread,
          include: ['{src,test}/**/*.{slow,oracle}.test.ts'],
          testTimeout: 300_000,
        },
      },
      // Each of them keeps every core busy and holds gigabytes: one after another, after all others.
      { extends: true, test: { name: 'model', include: ['src/**/*.model.test.ts'], fileParallelism: false } },
    ],
  },
});
