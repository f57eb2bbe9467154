import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertGguf } from '../../src/hub/gguf/convert.js';

/** The files of the model directory that a GGUF file becomes. */
export async function modelFiles(gguf: string): Promise<Map<string, Buffer>> {
  const directory = mkdtempSync(join(tmpdir(), 'model-files-'));
  try {
    await convertGguf(gguf, directory);
    return new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
