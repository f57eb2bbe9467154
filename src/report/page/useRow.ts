/** @file A row of traces, once it is unpacked. */
import { useEffect, useState } from 'preact/hooks';
import type { TracedRow, TraceSet } from '../model.js';
import { tracedRowAt } from './chunks.js';

export function useRow(setPlace: number, { rows }: TraceSet, place: number): TracedRow | Error | undefined {
  const key = `${setPlace} ${place}`;
  const [opened, setOpened] = useState<{ key: string; what: TracedRow | Error }>();
  useEffect(() => {
    let isWanted = true;
    const show = (what: TracedRow | Error) => {
      if (isWanted) setOpened({ key, what });
    };
    tracedRowAt(setPlace, rows, place).then(show, (error: unknown) => {
      show(error instanceof Error ? error : new Error(String(error)));
    });
    return () => {
      isWanted = false;
    };
  }, [setPlace, rows, place]);
  return opened?.key === key ? opened.what : undefined;
}
