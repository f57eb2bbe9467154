/**
 * @file Reads the last box of a text as hendrycks/math, PRM800K and rllm do. The verifier's own reading is
 * find/boxes.ts.
 */

/**
 * Reads the content of the last `\boxed{…}` of a text, from the last `\boxed` to the brace at which the braces are
 * balanced again. Undefined if there is no `\boxed`, if a brace does not follow the last one at once (`\boxed 5`), or
 * if it is not closed. An empty box has the answer ''.
 */
export function boxedAnswer(text: string): string | undefined {
  const start = text.lastIndexOf('\\boxed');
  if (start < 0) return undefined;
  let open = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '{') open++;
    else if (text[i] === '}' && --open === 0) {
      return text.startsWith('\\boxed{', start) ? text.slice(start + '\\boxed{'.length, i) : undefined;
    }
  }
  return undefined;
}
