import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a script said about a tree. */
export interface ScriptResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `scripts/NAME` on a temporary tree of the given files: their texts by path. */
export function runScript(name: string, files: Record<string, string>): ScriptResult {
  const root = mkdtempSync(join(tmpdir(), 'redistill-tree-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const script = fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));
    return spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
  } finally {
    rmSync(root, { recursive: true });
  }
}
