/**
 * What is inside the last `\boxed{…}` of a text, as hendrycks/math, PRM800K and rllm read it: from the last `\boxed`
 * to the brace at which the braces are balanced again. Undefined where there is no `\boxed`, where the last one is
 * not followed at once by a brace (`\boxed 5`), or where it is not closed; an empty box has the answer ''.
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
