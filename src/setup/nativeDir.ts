/** @file Locates the addon's sources. */
import { fileURLToPath } from 'node:url';

/** Folder with the C++ sources and CMakeLists.txt of the addon, in the package beside src/ or dist/. */
export const nativeDir = fileURLToPath(new URL('../../native', import.meta.url));
