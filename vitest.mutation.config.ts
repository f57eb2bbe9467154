import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What notices most of the changes, in the order in which a change is noticed soonest: what people read, and the equations. */
const FIRST = [
  ...['docs/objectives', 'formulas', 'needs', 'objectives/index', 'registry'],
  ...['published', 'distributions', 'paired', 'estimators'],
];

class SoonestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification) => {
      const place = FIRST.findIndex((name) => moduleId.endsWith(`${name}.test.ts`));
      return place === -1 ? FIRST.length : place;
    };
    return Promise.resolve(files.toSorted((a, b) => placeOf(a) - placeOf(b)));
  }
}

/** `npm run test:mutation`: the fast tests of what it changes. */
export default defineConfig({
  test: {
    include: [
      'src/objectives/*.test.ts',
      'src/statistics/*.test.ts',
      'src/train/{tokenBudget,schedule,dataOrder}.test.ts',
      'test/docs/objectives.test.ts',
    ],
    sequence: { sequencer: SoonestFirst },
    testTimeout: 60_000,
  },
});
