/** @file Reads a setting of one or several files, of which each is to count once. */
import { existsSync, realpathSync } from 'node:fs';
import { UserError } from '../util/errors.js';

/** @throws UserError where a file is named twice, by whatever paths: all of its rows would count twice */
export function distinctFiles(data: string | readonly string[]): string[] {
  const files = [data].flat();
  const found = new Map<string, string>();
  for (const file of files) {
    const place = existsSync(file) ? realpathSync(file) : file;
    const other = found.get(place);
    if (other !== undefined)
      throw new UserError(
        other === file
          ? `${file} is named twice, and its rows would count twice: name it once.`
          : `${other} and ${file} are one file, whose rows would count twice: name one of them.`,
      );
    found.set(place, file);
  }
  return files;
}
