import { expect, test } from 'vitest';
import { checkOptions, checkOwn } from './check.js';
import { pages, spansOf, wordsOf } from './pages.js';

test.each(pages())('%s names commands, options and scripts that there are', (page) => {
  const faults = spansOf(page).flatMap((span) => {
    const [program, ...words] = wordsOf(span);
    try {
      if (program === 'redistill') checkOptions(words.filter((word) => word !== '…'));
      else checkOwn([program!, ...words]);
      return [];
    } catch (error) {
      return [`${span}: ${(error as Error).message}`];
    }
  });
  expect(faults).toEqual([]);
});
