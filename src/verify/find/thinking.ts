/** @file Separates a response's thinking from what follows it. */

const END = '</think>';

/** Gives what follows the last `</think>` of a response; undefined where there is none. */
export function textAfterThinking(response: string): string | undefined {
  const end = response.lastIndexOf(END);
  return end < 0 ? undefined : response.slice(end + END.length);
}
