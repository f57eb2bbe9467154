import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { readSafetensorsHeader, writeSafetensors } from './safetensorsFormat.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../test/fixtures/safetensors/${name}.safetensors`, import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'safetensors-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** A file with that header text (or its length field replaced) and that many data bytes. */
function fileWith(header: unknown, dataBytes: number, length?: bigint): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(json.length));
  const path = join(dir, 'model.safetensors');
  writeFileSync(path, Buffer.concat([prefix, json, Buffer.alloc(dataBytes)]));
  return path;
}

const f32 = (shape: unknown, begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

function problem(path: string): string {
  try {
    readSafetensorsHeader(path);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).message;
  }
  throw new Error('the header was accepted');
}

describe('safetensors', () => {
  it.each(['all-dtypes', 'plain'])('writes the bytes that the reference implementation wrote: %s', (name) => {
    const path = fixture(name);
    const { entries, metadata, dataStart } = readSafetensorsHeader(path);
    const original = readFileSync(path);
    const tensors = entries.map((entry) => ({
      ...entry,
      bytes: () => original.subarray(dataStart + entry.begin, dataStart + entry.end),
    }));
    const copy = join(dir, 'copy.safetensors');
    // Whatever the order in which the tensors come.
    writeSafetensors(copy, tensors.reverse(), Object.keys(metadata).length > 0 ? metadata : undefined);
    expect(readFileSync(copy).equals(original)).toBe(true);
  });

  it('reads dtypes, shapes and metadata', () => {
    const { entries, metadata } = readSafetensorsHeader(fixture('all-dtypes'));
    expect(metadata).toEqual({ format: 'pt' });
    expect(entries).toHaveLength(18);
    expect(entries.find(({ name }) => name === 'layer.bf16')).toMatchObject({ dtype: 'BF16', shape: [3, 5] });
    expect(entries.find(({ name }) => name === 'scalar')).toMatchObject({ dtype: 'F32', shape: [] });
  });

  it('keeps the old file when a tensor has the wrong size', () => {
    const path = join(dir, 'kept.safetensors');
    writeSafetensors(path, [{ name: 'a', dtype: 'U8', shape: [2], bytes: Uint8Array.of(1, 2) }]);
    const before = readFileSync(path);
    const bad = { name: 'a', dtype: 'U8', shape: [2], bytes: new Uint8Array(3) } as const;
    expect(() => {
      writeSafetensors(path, [bad]);
    }).toThrow('needs 2 bytes, got 3');
    expect(() => {
      writeSafetensors(path, [bad, bad]);
    }).toThrow('given twice');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('says that a cut file is incomplete', () => {
    const whole = readFileSync(fixture('all-dtypes'));
    const path = join(dir, 'cut.safetensors');
    const cutAt = (bytes: number): string => {
      writeFileSync(path, whole.subarray(0, bytes));
      return problem(path);
    };
    expect(cutAt(0)).toContain('no header');
    expect(cutAt(7)).toContain('no header');
    expect(cutAt(500)).toContain('the download is incomplete, fetch it again');
    expect(cutAt(whole.length - 1)).toContain(
      'cut.safetensors: header says 531 bytes of data but the file has 530 bytes; the download is incomplete',
    );
  });

  it('refuses headers that lie', () => {
    expect(problem(fileWith('{}', 0, 2n ** 63n))).toContain('not a safetensors file');
    expect(problem(fileWith('{}', 0, 90_000_000n))).toContain(
      'its header has 90 MB but the file only 10 bytes',
    );
    expect(problem(fileWith('{"a"', 0))).toContain('not JSON');
    expect(problem(fileWith('[]', 0))).toContain('not a JSON object');
    expect(problem(fileWith('['.repeat(1_000_000), 0))).toContain('not JSON');
    expect(problem(fileWith({ a: 1 }, 0))).toContain('no description');
    expect(problem(fileWith({ a: { ...f32([1], 0, 4), dtype: 'F8_E4M3' } }, 4))).toContain('"F8_E4M3"');
    expect(problem(fileWith({ a: { ...f32([1], 0, 4), dtype: 'toString' } }, 4))).toContain('"toString"');
    expect(problem(fileWith({ a: f32([-1, -1], 0, 4) }, 4))).toContain('list of sizes');
    expect(problem(fileWith({ a: f32([1.5], 0, 6) }, 6))).toContain('list of sizes');
    expect(problem(fileWith({ a: f32('4', 0, 4) }, 4))).toContain('list of sizes');
    expect(problem(fileWith({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4))).toContain(
      'but its data_offsets span 4',
    );
    expect(problem(fileWith({ a: f32([1], 4, 0) }, 4))).toContain('span -4');
    expect(problem(fileWith({ a: f32([1], 0, 4), b: f32([1], 2, 6) }, 6))).toContain('overlaps');
    expect(problem(fileWith({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12))).toContain('belong to no tensor');
    expect(problem(fileWith({ a: f32([1], 0, 4) }, 5))).toContain('1 bytes at its end');
    expect(problem(fileWith({ a: f32([2e9], 0, 8e9) }, 12_000))).toContain(
      'header says 8 GB of data but the file has 12 kB; the download is incomplete, fetch it again',
    );
    expect(problem(fileWith({ 'a\n': f32([1], 0, 4) }, 4))).toContain('unprintable');
    expect(problem(fileWith({ __metadata__: { a: 1 } }, 0))).toContain('__metadata__');
    expect(problem(join(dir, 'absent.safetensors'))).toContain('absent.safetensors does not exist');
  });
});
