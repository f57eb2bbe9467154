/** @file Writes what short phrases say of two numbers as signs: "3 out of 4", "$12 to $30", "5 remainder 2". */

/**
 * Writes a share as a fraction, a range or proportion with an arrow between its ends, a quotient with its remainder as words;
 * drops how precisely a number is written. Leaves any other text.
 */
export function withPlainPhrases(text: string): string {
  return (
    text
      .replace(/^(?:minus|negative)\s(?=\d)/i, '-')
      // 3.14 to 2 decimal places
      .replace(
        /(?<=\d\s?)[,(]?\s?(?:(?:rounded|correct|accurate)\s)?(?:to\s)?(?:\d|one|two|three|four)\s?(?:decimal places?|decimals?|d\.?p\.?|significant (?:figures|digits)|s\.?f\.?|sig\.? figs?)\)?$/,
        '',
      )
      // 3 out of 4, 1 in 5, 5 over 4
      .replace(/^\$?(?:(\d+)\s(?:out of|over)|(1)\sin)\s(\d+)\$?$/, '\\frac{$1$2}{$3}')
      // 3 to 4, \$12 \text{ to } \$30, \$12 - \$30
      .replace(
        /(?<=^\\?\$?\d[^;=]{0,30})(?:\sto\s|\s?\\text\s?\{\s?to\s?\}\s?)(?=\\?\$?-?\d[^=]{0,30}$)/,
        ' \\to ',
      )
      .replace(/(?<=^\\\$\d[\d.,]{0,20})\s?-\s?(?=\\\$\d[\d.,]{0,20}$)/, ' \\to ')
      // 5 R 2, 5 with remainder 2
      .replace(
        /^(\d+)(?:\s?[rR]\s?|,?\s(?:with (?:an? )?)?remainder (?:of )?)(\d+)$/,
        '\\text{$1 remainder $2}',
      )
  );
}
