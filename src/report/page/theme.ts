/** @file Light and dark: what the system prefers until the reader chooses; paper is light. */
import { useEffect, useState } from 'preact/hooks';

export type Theme = 'light' | 'dark';

const dark = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();
/** Where the reader's choice is kept, if the browser keeps anything for a file. */
const KEY = 'redistill-report-theme';
let chosen: Theme | undefined;
let isPrinting = false;

export const theme = (): Theme => (isPrinting ? 'light' : (chosen ?? (dark.matches ? 'dark' : 'light')));

function tell(): void {
  document.documentElement.dataset.theme = theme();
  for (const listener of [...listeners]) listener();
}

/** Chooses the other of both, for as long as the page is open, and for other reports where the browser allows it. */
export function toggleTheme(): void {
  chosen = theme() === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // A browser may keep nothing for files.
  }
  tell();
}

function remembered(): Theme | undefined {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Calls the listener whenever colours change, before a print at once, and returns what ends that. */
export function onTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function startTheme(): void {
  chosen = remembered();
  dark.addEventListener('change', tell);
  for (const [event, printing] of [
    ['beforeprint', true],
    ['afterprint', false],
  ] as const) {
    addEventListener(event, () => {
      isPrinting = printing;
      tell();
    });
  }
  tell();
}

export function useTheme(): Theme {
  const [now, setNow] = useState(theme);
  useEffect(
    () =>
      onTheme(() => {
        setNow(theme());
      }),
    [],
  );
  return now;
}

/** A colour or another property of the style sheet, as it is now. */
export const styleValue = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
