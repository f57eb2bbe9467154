/** @file Unpacks wheels and checks every file. Knows no package. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { UserError, messageOf } from '../util/errors.js';
import { explainDiskError, requireSpace } from './disk.js';

/** Limits far above any torch wheel (1.1 GB, 15,000 files) and far below what would fill a disk or memory. */
const MAX_BYTES = 8e9;
const MAX_ENTRIES = 200_000;
const MAX_RECORD_BYTES = 64e6;

export interface UnpackOptions {
  /** Tells whether to unpack the file of this path inside the wheel. */
  keep: (path: string) => boolean;
  /** Receives the bytes written so far and the total. */
  onProgress?: (done: number, total: number) => void;
  /** What the user may do about a damaged wheel. */
  remedy: string;
}

/**
 * Unpacks the wanted files of a wheel into `folder`, which must be new. Every file is checked against the size and
 * SHA-256 in the wheel's RECORD; names that lead out of the folder are refused.
 * @throws UserError if the wheel is damaged or the disk is full; the folder is then partly filled
 */
export async function unpackWheel(wheel: string, folder: string, options: UnpackOptions): Promise<void> {
  let zip: ZipFile;
  try {
    zip = await openPromise(wheel, { autoClose: false, strictFileNames: true });
  } catch (error) {
    throw damaged(wheel, messageOf(error), options.remedy);
  }
  try {
    const entries = await listEntries(zip);
    const digests = await readRecord(zip, entries);
    const wanted = entries.filter((entry) => !entry.fileName.endsWith('/') && options.keep(entry.fileName));
    const total = wanted.reduce((sum, entry) => sum + entry.uncompressedSize, 0);
    if (total > MAX_BYTES) throw new Error(`it would unpack to ${total} bytes`);
    requireSpace(folder, total, basename(wheel));
    let done = 0;
    for (const entry of wanted) {
      await unpackEntry(zip, entry, folder, digests.get(entry.fileName), (bytes) => {
        done += bytes;
        options.onProgress?.(done, total);
      });
    }
  } catch (error) {
    const explained = explainDiskError(error);
    throw explained instanceof UserError ? explained : damaged(wheel, messageOf(error), options.remedy);
  } finally {
    zip.close();
  }
}

/** Reads the wheel's METADATA file. */
export async function readWheelMetadata(wheel: string): Promise<string> {
  const zip = await openPromise(wheel, { autoClose: false, strictFileNames: true });
  try {
    const entry = (await listEntries(zip)).find(({ fileName }) =>
      /^[^/]+\.dist-info\/METADATA$/.test(fileName),
    );
    return entry === undefined ? '' : await readText(zip, entry);
  } finally {
    zip.close();
  }
}

async function listEntries(zip: ZipFile): Promise<Entry[]> {
  if (zip.entryCount > MAX_ENTRIES) throw new Error(`it lists ${zip.entryCount} files`);
  const entries: Entry[] = [];
  // yauzl refuses absolute names and names with "..".
  for await (const entry of zip.eachEntry()) entries.push(entry);
  return entries;
}

/** Reads RECORD: a line "path,sha256=<base64url>,<size>" per file. RECORD itself and signatures have no digest. */
async function readRecord(zip: ZipFile, entries: readonly Entry[]): Promise<Map<string, string>> {
  const record = entries.find(({ fileName }) => /^[^/]+\.dist-info\/RECORD$/.test(fileName));
  if (record === undefined) throw new Error('it has no RECORD file');
  const digests = new Map<string, string>();
  for (const line of (await readText(zip, record)).split('\n')) {
    const match = /^(.+),sha256=([\w-]+)=*,\d*\s*$/.exec(line);
    if (match !== null) digests.set(match[1]!.replace(/^"(.*)"$/, '$1'), match[2]!);
  }
  return digests;
}

async function readText(zip: ZipFile, entry: Entry): Promise<string> {
  if (entry.uncompressedSize > MAX_RECORD_BYTES) throw new Error(`its ${entry.fileName} is too large`);
  const chunks: Buffer[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function unpackEntry(
  zip: ZipFile,
  entry: Entry,
  folder: string,
  digest: string | undefined,
  onBytes: (bytes: number) => void,
): Promise<void> {
  if (digest === undefined) throw new Error(`${entry.fileName} is not in its RECORD`);
  const target = join(folder, entry.fileName);
  await mkdir(dirname(target), { recursive: true });
  const hash = createHash('sha256');
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      hash.update(chunk);
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
  // 'wx' keeps an entry from overwriting another and from following a link.
  await pipeline(await zip.openReadStreamPromise(entry), check, createWriteStream(target, { flags: 'wx' }));
  if (hash.digest('base64url') !== digest) throw new Error(`${entry.fileName} differs from its checksum`);
}

function damaged(wheel: string, reason: string, remedy: string): UserError {
  return new UserError(`the downloaded ${basename(wheel)} is damaged (${reason}): ${remedy}`);
}
