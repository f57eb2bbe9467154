import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createObjective, objectiveNames } from '../../src/objectives/index.js';

test('docs/features.md lists the objectives with their formulas at default parameters', () => {
  const page = readFileSync(new URL('../../docs/features.md', import.meta.url), 'utf8');
  const [, section] = /\n## Objectives\n([^]*?)\n## /.exec(page)!;
  const rows = objectiveNames.map((name) => {
    const formula = createObjective({ name }).formula.replaceAll('|', '\\|');
    return `| \`${name}\` | ${formula} |`;
  });
  expect(section!.match(/^\| `.*$/gm)).toEqual(rows);
});
