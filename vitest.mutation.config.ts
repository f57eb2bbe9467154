import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The file that compares every objective with its equation takes longer than all others together: a change that they notice is found sooner. */
class LongestLast extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => Number(moduleId.endsWith('/registry.test.ts'));
    return Promise.resolve(files.toSorted((a, b) => isLong(a) - isLong(b)));
  }
}

/** `npm run test:mutation`: the fast tests of what it changes. */
export default defineConfig({
  test: {
    include: [
      'src/objectives/*.test.ts',
      'src/train/{tokenBudget,schedule,dataOrder}.test.ts',
      'test/docs/objectives.test.ts',
    ],
    sequence: { sequencer: LongestLast },
    testTimeout: 60_000,
  },
});
