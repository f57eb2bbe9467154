/** @file Finds the thinking in a text. */

/** Returns the text between the first `<think>`, or the beginning, and the last `</think>`; '' without a `</think>`. */
export function thoughtOf(content: string): string {
  const end = content.lastIndexOf('</think>');
  if (end < 0) return '';
  const start = content.indexOf('<think>');
  return content.slice(start >= 0 && start < end ? start + '<think>'.length : 0, end).trim();
}
