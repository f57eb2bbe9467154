import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const read = (path: string) => readFileSync(join(import.meta.dirname, path), 'utf8');

it('docs/verifier.md has the ladder of compare.ts, row for row', () => {
  const [head] = read('compare.ts').split('*/', 1) as [string];
  const ladder = Array.from(head.matchAll(/^ \* (\|.*)$/gm), ([, row]) => row);
  const section = read('../../../docs/verifier.md').split('**Compare**')[1]!.split('## Presets', 1)[0]!;
  expect(ladder.length).toBeGreaterThan(20);
  expect(section.match(/^\|.*$/gm)).toEqual(ladder);
});
