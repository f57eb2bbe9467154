import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { objectiveNames } from '../objectives/index.js';
import { comparingPage } from './comparingPage.js';
import { objectivesPage } from './objectivesPage.js';
import { recipesPage } from './reference.js';
import { stageKinds } from './stages/index.js';

const page = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8');

describe('docs/recipes.md', () => {
  it('is what the schemas say (else: npm run docs)', () => {
    expect(page).toBe(recipesPage());
  });

  it.each(Object.entries(stageKinds))('has every key of %s', (kind, { schema }) => {
    const section = page.split(`\n## ${kind}\n`)[1]!.split('\n## ')[0]!;
    // The keys as zod itself has them, without the descriptions that the page is made of.
    const shape = (schema as unknown as { shape: Record<string, unknown> }).shape;
    expect(Object.keys(shape).length).toBeGreaterThan(0);
    for (const key of Object.keys(shape)) expect(section).toContain(`\n| \`${key}\` | `);
    const rows = section.split('\n').filter((line) => line.startsWith('| `'));
    for (const row of rows) expect(row, row).toMatch(/ \| [^|]+ \| [^|]*\| \S.{5,} \|$/);
  });

  it('has every objective', () => {
    for (const name of objectiveNames) expect(page).toContain(`\n| \`${name}\` | `);
  });
});

describe('docs/objectives.md', () => {
  it('is what the definitions say (else: npm run docs)', () => {
    expect(readFileSync(new URL('../../docs/objectives.md', import.meta.url), 'utf8')).toBe(objectivesPage());
  });
});

describe('docs/comparing.md', () => {
  it('is what the settings say (else: npm run docs)', () => {
    expect(readFileSync(new URL('../../docs/comparing.md', import.meta.url), 'utf8')).toBe(comparingPage());
  });
});
