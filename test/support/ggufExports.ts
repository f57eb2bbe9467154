/** @file Exports of models as GGUF files, and models that are refused. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { convertGguf } from '../../src/hub/gguf/convert.js';
import { exportGguf } from '../../src/hub/gguf/export.js';
import type { GgufType } from '../../src/hub/gguf/fileTypes.js';
import { UserError } from '../../src/util/errors.js';
import { writeTinyModel } from './tinyModel.js';

/** Exports of a file of tests, in a folder of their own. */
export class GgufExports {
  readonly root = mkdtempSync(join(tmpdir(), 'redistill-export-'));
  #files = 0;

  constructor() {
    afterAll(() => {
      rmSync(this.root, { recursive: true });
    });
  }

  /** Exports and reads back. → the file, and the directory that was read */
  async exported(dir: string, type: GgufType): Promise<{ file: string; read: string }> {
    const file = join(this.root, `${++this.#files}.gguf`);
    await exportGguf(dir, file, type);
    const read = join(this.root, `read-${this.#files}`);
    await convertGguf(file, read);
    return { file, read };
  }

  /** Why a tiny model is refused after a change to its directory. */
  async problem(change: (dir: string) => void, type: GgufType = 'F16'): Promise<string> {
    const dir = join(this.root, `refused-${++this.#files}`);
    writeTinyModel(dir);
    change(dir);
    const out = join(this.root, `${this.#files}.gguf`);
    const error = await exportGguf(dir, out, type).then(
      () => new Error('it was accepted'),
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UserError);
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(this.root).filter((each) => each.includes(`${this.#files}.gguf`))).toEqual([]);
    const { message } = error as Error;
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(500);
    return message.replaceAll(dir, 'DIR');
  }
}

const edit = (file: string, keys: object) => (dir: string) => {
  const path = join(dir, file);
  const json = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...json, ...keys }));
};

/** Changes keys of a model's settings. */
export const config = (keys: object) => edit('config.json', keys);

/** Changes keys of a model's tokenizer. */
export const tokenizer = (keys: object) => edit('tokenizer.json', keys);
