import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { root } from './pages.js';

const made = JSON.parse(
  execFileSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { apiPages } from ${JSON.stringify(`${root}scripts/api.js`)};
       const { pages, undocumented } = apiPages();
       console.log(JSON.stringify({ pages: [...pages], undocumented }));`,
    ],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  ),
) as { pages: [name: string, text: string][]; undocumented: string[] };

test('docs/api is what `npm run docs` makes', () => {
  expect(readdirSync(`${root}docs/api`).sort()).toEqual(made.pages.map(([name]) => name).sort());
  for (const [name, text] of made.pages)
    expect(
      readFileSync(`${root}docs/api/${name}`, 'utf8') === text,
      `docs/api/${name}: \`npm run docs\``,
    ).toBe(true);
});

test('every room of the package has a page, and every function and class that it exports a doc comment', () => {
  const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    exports: Record<string, unknown>;
  };
  const rooms = Object.keys(exports).filter((name) => name.startsWith('./') && !name.endsWith('.json'));
  const names = made.pages.map(([name]) => name);
  expect(rooms.map((room) => `${room.slice(2)}.md`).filter((name) => !names.includes(name))).toEqual([]);
  expect(names).toContain('redistill.md');
  expect(made.undocumented).toEqual([]);
});

test('a page has the names of what its room exports, with the types that they have', () => {
  const [, verify] = made.pages.find(([name]) => name === 'verify.md')!;
  expect(verify).toMatch(/\n## verify\n\n[A-Z][^]*?```ts\nfunction verify\(/);
  expect(verify).not.toMatch(/#private|@param/);
});
