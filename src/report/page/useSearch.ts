/** @file A search through all texts of a set, which goes on while what it has found is shown. */
import { useEffect, useState } from 'preact/hooks';
import type { ProblemIndex } from '../model.js';
import { search } from './chunks.js';

export interface Search {
  /** What stands around each place where the text was found, by the problem's place. */
  found: ReadonlyMap<number, string>;
  /** Chunks that have been searched. */
  done: number;
  error?: string;
}

const NOTHING: Search = { found: new Map(), done: 0 };

/** Searches for the query; for an empty one nothing is unpacked. Another query, or leaving, ends the search. */
export function useSearch(set: number, index: ProblemIndex, query: string): Search {
  const [state, setState] = useState<Search>(NOTHING);
  useEffect(() => {
    setState(NOTHING);
    if (query === '') return;
    let isWanted = true;
    const run = async () => {
      const found = new Map<number, string>();
      for await (const part of search(set, index, query)) {
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
  }, [set, index, query]);
  return state;
}
