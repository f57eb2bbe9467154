/** Imports within a test, so that a module that cannot be loaded is a test that fails and not a file without tests. */
import { expect, it } from 'vitest';

it('the list of objectives can be loaded', async () => {
  const { objectiveNames } = await import('./index.js');
  expect(objectiveNames).toContain('redi');
});
