import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { entriesBelow } from './folders.js';

function folderOf(files: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'redistill-folders-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  for (const file of files) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), file);
  }
  return folder;
}

describe('entriesBelow', () => {
  it('goes on where another process removes a folder meanwhile', () => {
    const folder = folderOf(['states/step-1.partial/a', 'states/step-2/b']);
    const found: string[] = [];
    for (const { path } of entriesBelow(folder)) {
      found.push(path);
      if (path === 'states/step-1.partial') rmSync(join(folder, path), { recursive: true });
    }
    expect(found.toSorted()).toEqual(['states', 'states/step-1.partial', 'states/step-2', 'states/step-2/b']);
  });

  it('says that the folder itself is not there', () => {
    const folder = folderOf([]);
    expect(() => [...entriesBelow(join(folder, 'none'))]).toThrow('ENOENT');
  });
});
