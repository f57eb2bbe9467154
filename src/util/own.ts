/** @file Looks up names that are data: `constructor` is one like any other. */

/** What a record has under a name of its own; undefined where it has none, whatever all objects inherit. */
export const own = <T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
