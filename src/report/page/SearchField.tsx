/** @file A search that writes itself into the address while it is typed. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { change, type Route } from './route.js';

/** So long nobody types before the list follows. */
const PAUSE_MS = 150;

/** @param hasTexts whether it can go through all texts as well, by Enter or its button */
export function SearchField({
  route,
  label,
  hasTexts = false,
}: {
  route: Route;
  label: string;
  hasTexts?: boolean;
}) {
  const query = route.query.get('q') ?? '';
  const [typed, setTyped] = useState(query);
  const timer = useRef(0);
  const known = useRef(query);
  // An address that this field has written itself may come late: what was typed since then stays.
  useEffect(() => {
    if (query === known.current) return;
    known.current = query;
    setTyped(query);
  }, [query]);
  const commit = (q: string, texts?: string) => {
    clearTimeout(timer.current);
    known.current = q;
    change({ q, texts, page: undefined });
  };
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        commit(typed, hasTexts ? '1' : undefined);
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
            commit(value);
          }, PAUSE_MS);
        }}
      />
      {hasTexts && (
        <button type="submit" title="Search all texts (Enter)">
          All texts
        </button>
      )}
    </form>
  );
}
