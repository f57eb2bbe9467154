/** @file A set of traces with its rows: as it stands in the report, or asked for where a live page looks at it. */
import { useEffect, useState } from 'preact/hooks';
import type { TraceSet } from '../model.js';
import { ask } from './ask.js';

/** Sets that stay, the last used ones: the lists of their rows, without texts. */
const KEPT = 2;
const kept = new Map<string, Promise<TraceSet>>();

/** A set with its rows. */
export function openSet(set: TraceSet): Promise<TraceSet> {
  const { asked } = set;
  if (asked === undefined) return Promise.resolve(set);
  const opened = kept.get(asked) ?? ask<TraceSet>(`/traces/${asked}`);
  kept.delete(asked);
  kept.set(asked, opened);
  // What could not be had may be had later.
  opened.catch(() => kept.get(asked) === opened && kept.delete(asked));
  while (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  return opened;
}

/** @returns undefined until its rows are there; the rows of before where they have changed, until the new ones are there */
export function useTraceSet(set: TraceSet | undefined): TraceSet | Error | undefined {
  const [opened, setOpened] = useState<{ id: string; what: TraceSet | Error }>();
  useEffect(() => {
    if (set?.asked === undefined) return;
    const { id } = set;
    let isWanted = true;
    openSet(set).then(
      (what) => {
        if (isWanted) setOpened({ id, what });
      },
      (error: unknown) => {
        const what = error instanceof Error ? error : new Error(String(error));
        if (isWanted) setOpened((before) => (before?.id === id ? before : { id, what }));
      },
    );
    return () => {
      isWanted = false;
    };
  }, [set?.id, set?.asked]);
  if (set?.asked === undefined) return set;
  return opened?.id === set.id ? opened.what : undefined;
}
