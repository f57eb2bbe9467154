/**
 * Starts work on the values of a source as they come, at most `ahead` of them at once, and yields the results in the
 * order of the values. A failure is thrown where its result would stand; what else is under way is then left to end.
 */
export async function* inOrder<T, R>(
  source: AsyncIterable<T>,
  ahead: number,
  work: (value: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  for await (const value of source) {
    const result = work(value);
    result.catch(() => undefined); // it is met below, or an earlier failure has ended everything
    underWay.push(result);
    if (underWay.length >= ahead) yield await underWay.shift()!;
  }
  while (underWay.length > 0) yield await underWay.shift()!;
}
