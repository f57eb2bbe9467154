/** @file Finds the parts of a GGUF file that was split, by their names. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../util/errors.js';

/** The name that llama.cpp gives a part; it opens the others by it. */
const PART = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/;
const MOST_PARTS = 1000;

/** Lists the files of a GGUF model, of which `path` is any one, in order; most have only one. They may be absent. */
export function ggufParts(path: string): string[] {
  const match = PART.exec(basename(path));
  const count = Number(match?.[3] ?? 1);
  if (match === null || count <= 1 || count > MOST_PARTS) return [path];
  const digits = (n: number) => String(n).padStart(5, '0');
  return Array.from({ length: count }, (_, i) =>
    join(dirname(path), `${match[1]}-${digits(i + 1)}-of-${digits(count)}.gguf`),
  );
}

/** Lists the same, all of which are there. @throws UserError that names those that are not */
export function presentParts(path: string): string[] {
  const parts = ggufParts(path);
  const missing = parts.filter((part) => !existsSync(part)).map((part) => basename(part));
  if (missing.length === 0) return parts;
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
  throw new UserError(
    `${basename(path)} is one of ${parts.length} parts of a model: put ${missing.slice(0, 5).join(', ')}${more} beside it in ${dirname(path)}`,
  );
}

/**
 * Checks that a file is the part that its name says.
 * @param number counts from 0
 * @param split what the file itself says: its number and how many there are
 */
export function checkPart(
  path: string,
  number: number,
  parts: number,
  split: { number: number; count: number },
): void {
  if (split.number === number && split.count === parts) return;
  const says =
    split.count > 1 ? `is part ${split.number + 1} of ${split.count}` : 'is not one of several parts';
  throw new UserError(
    parts === 1
      ? `${basename(path)} ${says} of a model; name the parts NAME-00001-of-${String(split.count).padStart(5, '0')}.gguf and so on, and put them into one folder`
      : `${basename(path)} ${says}, but its name says part ${number + 1} of ${parts}; fetch it again`,
  );
}
