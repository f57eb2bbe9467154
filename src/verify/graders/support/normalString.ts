/** @file Makes the normal form of answers that hendrycks/math and the first half of rllm's grader compare. */

/**
 * Brings an answer into the normal form in which texts are compared: spaces, sizes of brackets, degrees, dollars,
 * percent signs and trailing units are dropped, fractions and roots get braces. Undefined where the original routine
 * fails (nothing after a `\frac` or `\sqrt`, two `\text{ `): its callers then compare other forms.
 */
export function normalString(answer: string): string | undefined {
  let text = answer
    .replaceAll('\n', '')
    .replaceAll('\\!', '')
    .replaceAll('\\\\', '\\')
    .replaceAll('tfrac', 'frac')
    .replaceAll('dfrac', 'frac')
    .replaceAll('\\left', '')
    .replaceAll('\\right', '')
    .replaceAll('^{\\circ}', '')
    .replaceAll('^\\circ', '')
    .replaceAll('\\$', '');

  // A `\text` that begins with a space is a unit.
  const [beforeUnit, ...units] = text.split('\\text{ ');
  if (units.length > 1) return undefined;
  text = beforeUnit!.replaceAll('\\%', '').replaceAll(' .', ' 0.').replaceAll('{.', '{0.');
  if (text === '') return text;
  if (text.startsWith('.')) text = `0${text}`;

  // `x=5` and `k = 5` become 5, but `f(x)=5` stays.
  const sides = text.split('=');
  if (sides.length === 2 && Array.from(sides[0]!).length <= 2) text = sides[1]!;

  const rooted = braceRoots(text);
  const braced = rooted === undefined ? undefined : braceFractions(rooted.replaceAll(' ', ''));
  if (braced === undefined) return undefined;
  if (braced === '0.5') return '\\frac{1}{2}';
  return braced.replace(/^(0|-?[1-9]\d*)\/(0|-?[1-9]\d*)$/, '\\frac{$1}{$2}');
}

/** Changes `\sqrt3` to `\sqrt{3}`; undefined if nothing follows a root. */
function braceRoots(text: string): string | undefined {
  const [before, ...radicands] = text.split('\\sqrt');
  let result = before!;
  for (const radicand of radicands) {
    const [first, ...rest] = radicand;
    if (first === undefined) return undefined;
    result += first === '{' ? `\\sqrt${radicand}` : `\\sqrt{${first}}${rest.join('')}`;
  }
  return result;
}

/** Changes `\frac12` to `\frac{1}{2}`, `\frac1{72}` to `\frac{1}{72}`; undefined if nothing follows a `\frac`. */
function braceFractions(text: string): string | undefined {
  const [before, ...terms] = text.split('\\frac');
  let result = before!;
  for (const term of terms) {
    const [numerator, denominator, ...rest] = term;
    if (numerator === undefined) return undefined;
    if (numerator === '{') {
      result += `\\frac${term}`;
    } else if (denominator === undefined) {
      return text;
    } else {
      const braced = denominator === '{' ? '{' : `{${denominator}}`;
      result += `\\frac{${numerator}}${braced}${rest.join('')}`;
    }
  }
  return result;
}
