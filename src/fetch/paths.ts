import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** `$XDG_CACHE_HOME/redistill`, or `~/.cache/redistill`; a relative XDG_CACHE_HOME is ignored, as its standard says. */
export function cacheDir(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'redistill');
}
