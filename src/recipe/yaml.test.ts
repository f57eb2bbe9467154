import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { refusalOf } from '../../test/support/refusal.js';
import { readRecipe } from './recipe.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-yaml-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

let files = 0;
const file = (text: string): string => {
  const path = join(root, `${++files}.yaml`);
  writeFileSync(path, text);
  return path;
};

describe('YAML', () => {
  it('reads plain values', () => {
    const path = file('a: 1.0e-5\nb: &x [1, two, true, null]\nc: *x\n');
    expect(readRecipe(path).value).toEqual({ a: 1e-5, b: [1, 'two', true, null], c: [1, 'two', true, null] });
  });

  it('merges parts into others, whose own keys win', () => {
    const path = file('a: &a { x: 1, y: { z: 2 } }\nb:\n  <<: *a\n  x: 3\nc: { w: 4, <<: *a }\n');
    expect(readRecipe(path).value).toEqual({
      a: { x: 1, y: { z: 2 } },
      b: { x: 3, y: { z: 2 } },
      c: { w: 4, x: 1, y: { z: 2 } },
    });
  });

  it('names a file that is not there', () => {
    const path = join(root, 'nowhere.yaml');
    expect(refusalOf(() => readRecipe(path))).toBe(`${path} cannot be read: it does not exist`);
    expect(refusalOf(() => readRecipe(root))).toBe(
      `${root} cannot be read: it is a folder, not a recipe's file`,
    );
  });

  it.each([
    ['an open bracket', 'a: [1, 2\n'],
    ['a tab', 'a:\n\t- b\n'],
    ['a key twice', 'a: 1\na: 2\n'],
    ['an alias without anchor', 'a: *b\n'],
  ])('says in one line that %s is not YAML', (_, text) => {
    const path = file(text);
    const message = refusalOf(() => readRecipe(path));
    expect(message.startsWith(`${path} is not YAML: `)).toBe(true);
    expect(message).not.toContain('\n');
  });

  it('refuses aliases that multiply', () => {
    // 10 to the 9th texts, were they written out.
    const lines = Array.from({ length: 9 }, (_, i) => {
      const item = i === 0 ? 'lol' : `*l${i - 1}`;
      return `l${i}: &l${i} [${Array.from({ length: 10 }, () => item).join(', ')}]`;
    });
    const path = file(`${lines.join('\n')}\n`);
    const started = performance.now();
    expect(refusalOf(() => readRecipe(path))).toMatch(/is not YAML: Excessive alias count/);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
