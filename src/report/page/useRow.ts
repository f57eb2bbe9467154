/** @file A row of a set, once it is unpacked. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { EvaluationSet, Problem, TracedRow, TraceSet } from '../model.js';
import { problemsIn, rowAt, tracedRowsIn, type Chunks } from './chunks.js';

/** @param key of what is shown until its chunk, which may have become another one, is there again */
function useRowIn<Row>(chunks: Chunks<Row>, place: number, key: string): Row | Error | undefined {
  const [opened, setOpened] = useState<{ key: string; what: Row | Error }>();
  useEffect(() => {
    let isWanted = true;
    const show = (what: Row | Error) => {
      if (isWanted) setOpened({ key, what });
    };
    rowAt(chunks, place).then(show, (error: unknown) => {
      show(error instanceof Error ? error : new Error(String(error)));
    });
    return () => {
      isWanted = false;
    };
  }, [chunks, place, key]);
  return opened?.key === key ? opened.what : undefined;
}

export function useRow(setPlace: number, set: TraceSet, place: number): TracedRow | Error | undefined {
  const chunks = useMemo(() => tracedRowsIn(setPlace, set), [setPlace, set]);
  return useRowIn(chunks, place, `${set.id} ${place}`);
}

export function useProblem(setPlace: number, set: EvaluationSet, place: number): Problem | Error | undefined {
  const chunks = useMemo(() => problemsIn(setPlace, set.problems), [setPlace, set]);
  return useRowIn(chunks, place, `${set.id} ${place}`);
}
