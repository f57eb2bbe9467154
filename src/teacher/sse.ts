/** @file Server-sent events, as far as endpoints use them: what stands after `data:`. */

/**
 * The data of each event of a stream, in order. Names, numbers and comments are passed over; lines end in any of the
 * three ways; an event that the end of the stream cuts off before its blank line is given as it is.
 * @param pieces the stream's text, divided anywhere
 */
export async function* eventsOf(pieces: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let begun = '';
  let data: string[] = [];
  let endedInReturn = false;
  for await (const piece of pieces) {
    const lines = (endedInReturn ? piece.replace(/^\n/, '') : piece).split(/\r\n|[\r\n]/);
    if (piece !== '') endedInReturn = piece.endsWith('\r');
    lines[0] = begun + lines[0]!;
    begun = lines.pop()!;
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      else if (line === '' && data.length > 0) {
        yield data.join('\n');
        data = [];
      }
    }
  }
  if (begun.startsWith('data:')) data.push(begun.slice(5).replace(/^ /, ''));
  if (data.length > 0) yield data.join('\n');
}
