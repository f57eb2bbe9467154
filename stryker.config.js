/**
 * `npm run test:mutation`: changes the objectives, the statistics and what makes packs, rates and orders of rows, one place at a time, and says which of
 * the changes no test notices. `npm run test:mutation -- --mutate src/objectives/dpo.ts` takes one file.
 */
export default {
  plugins: ['@stryker-mutator/vitest-runner'],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate: [
    ...['src/objectives/*.ts', 'src/statistics/*.ts', 'src/train/{tokenBudget,schedule,dataOrder}.ts'],
    '!**/*.test.ts',
  ],
  // Texts are for people: descriptions, sources, what a message says. Words that steer something are of literal types, which `tsc` holds.
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  // What is evaluated while a file is loaded (which parameters there are, their ranges, what documents say) would need every test for each change, and a
  // file of tests that cannot be loaded has no test that fails: such a change would pass for one that nobody notices.
  ignoreStatic: true,
  concurrency: 1,
  thresholds: { high: 95, low: 90, break: 90 },
  reporters: ['clear-text', 'progress', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: 'runs/mutation/report.json' },
  tempDirName: 'runs/mutation/tmp',
  ignorePatterns: ['bench', 'dist', 'native', 'runs', 'examples'],
  disableTypeChecks: false,
  allowEmpty: false,
};
