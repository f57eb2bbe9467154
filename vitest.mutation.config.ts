import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** First what tells whether the objectives can be loaded, last what takes longer than all others together: a change is noticed sooner. */
class LongestLast extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification) =>
      moduleId.endsWith('/load.test.ts') ? 0 : moduleId.endsWith('/registry.test.ts') ? 2 : 1;
    return Promise.resolve(files.toSorted((a, b) => placeOf(a) - placeOf(b)));
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
