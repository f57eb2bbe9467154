/** @file The pages of a long list, as links. */
import { withQuery, type Route } from './route.js';

/** @param page from 1 */
export function Pages({ route, page, pages }: { route: Route; page: number; pages: number }) {
  if (pages <= 1) return null;
  return (
    <nav class="pages" aria-label="Pages of the list">
      {page > 1 && <a href={withQuery(route, { page: String(page - 1) })}>← before</a>} page {page} of {pages}{' '}
      {page < pages && <a href={withQuery(route, { page: String(page + 1) })}>next →</a>}
    </nav>
  );
}
