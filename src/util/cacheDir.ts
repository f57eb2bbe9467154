/** @file Locates the user's cache folder. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Returns `$XDG_CACHE_HOME/redistill` or `~/.cache/redistill`; its standard ignores a relative XDG_CACHE_HOME. */
export function cacheDir(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'redistill');
}
