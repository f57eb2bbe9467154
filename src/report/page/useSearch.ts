/** @file A search through all texts of a set, which goes on while what it has found is shown. */
import { useEffect, useState } from 'preact/hooks';
import { search, type Chunks } from './chunks.js';

export interface Search {
  /** What stands around each place where the text was found, by the row's place. */
  found: ReadonlyMap<number, string>;
  /** Chunks that have been searched. */
  done: number;
  error?: string;
}

const NOTHING: Search = { found: new Map(), done: 0 };

/**
 * Searches for the query; for an empty one nothing is unpacked. Another query, or leaving, ends the search.
 * @param chunks made again only where they are others
 */
export function useSearch<Row>(chunks: Chunks<Row> | undefined, query: string): Search {
  const [state, setState] = useState<Search>(NOTHING);
  useEffect(() => {
    setState(NOTHING);
    if (query === '' || !chunks) return;
    let isWanted = true;
    const run = async () => {
      const found = new Map<number, string>();
      for await (const part of search(chunks, query)) {
        if (!isWanted) return;
        for (const { place, snippet } of part.found) found.set(place, snippet);
        setState({ found: new Map(found), done: part.done });
      }
    };
    run().catch((error: unknown) => {
      if (isWanted) setState({ ...NOTHING, error: String(error) });
    });
    return () => {
      isWanted = false;
    };
  }, [chunks, query]);
  return state;
}

/** How far a search through all texts is, after the number of what is listed; nothing where none is under way. */
export function searchState(
  { query }: { query: URLSearchParams },
  { error, done }: Search,
  chunks: readonly number[],
): string {
  if (query.get('texts') !== '1' || !query.get('q')) return '';
  return error === undefined
    ? `, all texts: ${done} of ${chunks.length} chunks searched`
    : `, all texts: ${error}`;
}
