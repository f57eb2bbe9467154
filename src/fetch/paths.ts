import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's own folder: the parent of src/ or dist/, whichever this file runs from. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url));

/** C++ sources and CMakeLists.txt of the addon. */
export const nativeDir = join(packageRoot, 'native');

/** `$XDG_CACHE_HOME/redistill`, or `~/.cache/redistill`; a relative XDG_CACHE_HOME is ignored, as its standard says. */
export function cacheDir(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'redistill');
}
