/** @file How many calculations a problem takes, as its row says: by which accuracy is broken down. */

/**
 * The number of operations of a word problem's row: the operators of its `equation` ("- number0 number1", as MAWPS, ASDiv and SVAMP
 * have it), or the calculator marks of its worked solution (`<<4*2=8>>`, as GSM8K has it).
 * @returns undefined where the row has neither
 */
export function operationsOf(row: Readonly<Record<string, unknown>>): number | undefined {
  const { equation, answer, solution } = row;
  if (typeof equation === 'string') {
    const operators = equation.split(/\s+/).filter((word) => /^[-+*/]$/.test(word)).length;
    if (operators > 0) return operators;
  }
  const worked = [answer, solution].find(
    (text): text is string => typeof text === 'string' && text.includes('<<'),
  );
  return worked === undefined ? undefined : worked.split('<<').length - 1;
}
