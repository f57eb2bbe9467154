/** @file Works on several values of a stream at once and keeps their order. */

/**
 * Starts work on the values of a source as they arrive, at most `ahead` of them at once, and yields the results in the
 * order of the values. A failure is thrown in the place of its result; other work that has started is left to end.
 */
export async function* inOrder<T, R>(
  source: AsyncIterable<T>,
  ahead: number,
  work: (value: T) => Promise<R>,
): AsyncGenerator<R> {
  const started: Promise<R>[] = [];
  for await (const value of source) {
    const result = work(value);
    result.catch(() => undefined); // the failure is thrown below, unless an earlier one ended everything
    started.push(result);
    if (started.length >= ahead) yield await started.shift()!;
  }
  while (started.length > 0) yield await started.shift()!;
}
