/** @file Says how many of something there are: one of them, or several. */

/** "1 problem", "300 problems". */
export const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** The form of a word that goes with so many: `numbered(n, 'is', 'are')`. */
export const numbered = (n: number, one: string, several: string): string => (n === 1 ? one : several);
