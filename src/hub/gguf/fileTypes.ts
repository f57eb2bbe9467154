/** @file Lists the types in which GGUF files are written. */

/** Types of a file's matrices, with their numbers in `general.file_type` (`llama_ftype`). */
export const FILE_TYPES = { F16: 1, Q8_0: 7 } as const;

export type GgufType = keyof typeof FILE_TYPES;
export const ggufTypes = Object.keys(FILE_TYPES) as GgufType[];
