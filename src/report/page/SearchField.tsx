/** @file A search that writes itself into the address while it is typed. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { change, type Route } from './route.js';

/** So long nobody types before the list follows. */
const PAUSE_MS = 150;

export function SearchField({ route, label }: { route: Route; label: string }) {
  const query = route.query.get('q') ?? '';
  const [typed, setTyped] = useState(query);
  const timer = useRef(0);
  useEffect(() => {
    setTyped(query);
  }, [query]);
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <input
        type="search"
        aria-label={label}
        placeholder="Search ( / )"
        value={typed}
        onInput={(event) => {
          const { value } = event.currentTarget;
          setTyped(value);
          clearTimeout(timer.current);
          timer.current = window.setTimeout(() => {
            change({ q: value, page: undefined });
          }, PAUSE_MS);
        }}
      />
    </form>
  );
}
