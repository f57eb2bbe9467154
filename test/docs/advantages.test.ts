import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { advantageRules } from '../../src/rewards/index.js';

test('docs/data.md lists the advantages with formula and source', () => {
  const page = readFileSync(new URL('../../docs/data.md', import.meta.url), 'utf8');
  const [, table] = /\n\| `--advantage` \|.*\n\| ---.*\n((?:\|.*\n)*)/.exec(page)!;
  const rows = Object.entries(advantageRules).map(
    ([name, { formula, source }]) => `| \`${name}\` | ${formula} | ${source} |\n`,
  );
  expect(table).toBe(rows.join(''));
});
