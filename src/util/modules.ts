/** @file Imports modules that the user names, says what is wrong with them, and lists the files that they are made of. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, UserError } from './errors.js';

/**
 * Imports a module and returns what it exports as `name`, or by default. The module's code runs, with all that the
 * user may do.
 * @param what the module's part, for messages: "objective"
 * @throws UserError naming the module if there is none, if it cannot be loaded, or if it exports neither
 */
export async function importFrom(path: string, name: string, what: string): Promise<unknown> {
  if (!isFile(path))
    throw new UserError(`${what} ${path}: there is no such file; name a JavaScript module that exports it`);
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new UserError(`${what} ${path} cannot be loaded: ${thrownBy(error, path)}`);
  }
  const found = exported[name] ?? exported.default;
  if (found !== undefined) return found;
  const others = Object.keys(exported);
  const exports = others.length === 0 ? 'nothing' : `only ${others.join(', ')}`;
  throw new UserError(`${what} ${path} exports ${exports}; export it by default, or as "${name}"`);
}

/** Says in one line what was thrown by code of the module, and in which line, as the end of a sentence. */
export function thrownBy(error: unknown, path: string): string {
  if ((error as NodeJS.ErrnoException | null)?.code === 'ERR_UNKNOWN_FILE_EXTENSION')
    return `Node ${process.versions.node} cannot load such files; compile it to JavaScript`;
  const [message] = messageOf(error).split('\n');
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const file = resolve(path);
  const [line] = [file, pathToFileURL(file).href].flatMap(
    (name) => /^:(\d+)/.exec(stack.split(name)[1] ?? '')?.[1] ?? [],
  );
  if (line !== undefined) return `${message!} (line ${line})`;
  return error instanceof SyntaxError ? `${message!} (\`node --check ${path}\` shows the place)` : message!;
}

/** An import of a neighbouring file, in the forms that are written in practice. */
const neighbour = /\b(?:from|import|require)\s*\(?\s*['"](\.{1,2}\/[^'"\n]+)['"]/g;

/**
 * Lists a module's file and the files beside it that it imports, and those that they import: a change in any of them may
 * change what it does. A module that does not exist is listed alone; packages are not.
 */
export function filesOfModule(path: string, found = new Set<string>()): string[] {
  found.add(path);
  if (isFile(path))
    for (const [, specifier] of readFileSync(path, 'utf8').matchAll(neighbour)) {
      const file = join(dirname(path), specifier!);
      if (isFile(file) && !found.has(file)) filesOfModule(file, found);
    }
  return [...found];
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
