/** @file Asks the server of a live page. */

/** What a path of it holds. @throws Error with its own words, where there is no such thing any more */
export async function ask<T>(path: string): Promise<T> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}
