/** @file Where the reader is, as the part of the address after `#`: `#/evaluations/math?a=redi&q=area`. Every state worth a link is there. */
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  /** The view and what it shows, without escapes. */
  parts: string[];
  /** Filters, columns and searches. */
  query: URLSearchParams;
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand
  }
};

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  return { parts: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

/** An address; a name that is no well-formed text is written as well as it can be. */
export function address(parts: readonly string[], query: Record<string, string | undefined> = {}): string {
  const kept = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const search = new URLSearchParams(kept).toString();
  return `#/${parts.map((part) => encodeURIComponent(part.toWellFormed())).join('/')}${search && `?${search}`}`;
}

/** The same place with other filters; one that is undefined or empty is left out. */
export function withQuery(route: Route, changes: Record<string, string | undefined>): string {
  return address(route.parts, { ...Object.fromEntries(route.query), ...changes });
}

/** Goes to an address: as a step of its own, or in place of the present one, as a filter does while it is typed. */
export function go(to: string, instead = false): void {
  if (instead) location.replace(to);
  else location.hash = to;
}

/** Changes filters of the place where the reader is by now, which may be ahead of what is drawn. */
export function change(changes: Record<string, string | undefined>): void {
  go(withQuery(parseRoute(location.hash), changes), true);
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const follow = () => {
      setRoute(parseRoute(location.hash));
    };
    addEventListener('hashchange', follow);
    return () => {
      removeEventListener('hashchange', follow);
    };
  }, []);
  return route;
}
