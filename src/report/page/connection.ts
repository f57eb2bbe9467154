/** @file The connection of a live page to its server: what it knows, kept up to date without a gap where the connection breaks. */
import { useEffect, useState } from 'preact/hooks';
import { applyChange, type Change, type Live, type Snapshot } from '../live.js';
import type { ProblemChunk } from '../model.js';
import { ask } from './ask.js';
import { takeChunksFrom } from './chunks.js';

/** The server says something every few seconds; after so long without a word the connection is taken for broken. */
const SILENCE_MS = 20_000;
const AGAIN_MS = 3_000;

/** What the page knows. */
export interface Known {
  snapshot?: Snapshot;
  live?: Live;
  isConnected: boolean;
}

/** Has texts asked for by the names that they have now. */
function takeTexts(texts: readonly string[]): void {
  takeChunksFrom((set, chunk) => ask<ProblemChunk>(`/texts/${texts[set] ?? ''}/${chunk}`));
}

/** Listens to the server. @param onNews called after every event @returns what ends it */
function listen(onNews: (known: Known) => void): () => void {
  let known: Known = { isConnected: false };
  let last: string | undefined;
  let source: EventSource | undefined;
  let heard = Date.now();
  const tell = (news: Partial<Known>) => {
    known = { ...known, ...news };
    onNews(known);
  };
  const take = (snapshot: Snapshot) => {
    const { report, texts } = snapshot;
    // Another program serves now: its own page goes with it.
    if (known.snapshot && known.snapshot.report.version !== report.version) location.reload();
    if (known.snapshot?.texts.join() !== texts.join()) takeTexts(texts);
    tell({ snapshot, isConnected: true });
  };
  /** Begins anew: with all that it knows, or as if it knew nothing. */
  const connect = (knows: boolean) => {
    source?.close();
    heard = Date.now();
    if (!knows) last = undefined;
    source = new EventSource(`/events${last === undefined ? '' : `?after=${encodeURIComponent(last)}`}`);
    const on = (name: string, body: (value: unknown) => void) => {
      source!.addEventListener(name, (event: MessageEvent<string>) => {
        heard = Date.now();
        try {
          body(JSON.parse(event.data));
          if (event.lastEventId !== '') last = event.lastEventId;
        } catch {
          connect(false); // it does not fit to what is known
        }
      });
    };
    on('snapshot', (value) => {
      take(value as Snapshot);
    });
    on('change', (value) => {
      if (!known.snapshot) throw new RangeError('there is nothing to change');
      take(applyChange(known.snapshot, value as Change));
    });
    on('live', (value) => {
      tell({ live: value as Live, isConnected: true });
    });
    source.onerror = () => {
      tell({ isConnected: false });
      // A browser tries again by itself, but not where it was refused.
      if (source?.readyState === EventSource.CLOSED)
        heard = Math.min(heard, Date.now() - SILENCE_MS + AGAIN_MS);
    };
  };
  const watchdog = setInterval(() => {
    if (Date.now() - heard < SILENCE_MS) return;
    tell({ isConnected: false });
    connect(true);
  }, 1_000);
  connect(false);
  return () => {
    clearInterval(watchdog);
    source?.close();
  };
}

/** What is known, drawn once a frame at most; not at all while nobody sees the page. */
export function useConnection(): Known {
  const [known, setKnown] = useState<Known>({ isConnected: false });
  useEffect(() => {
    let newest: Known | undefined;
    let frame = 0;
    const end = listen((news) => {
      if (newest === undefined)
        frame = requestAnimationFrame(() => {
          setKnown(newest!);
          newest = undefined;
        });
      newest = news;
    });
    return () => {
      cancelAnimationFrame(frame);
      end();
    };
  }, []);
  return known;
}
