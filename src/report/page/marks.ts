/** @file What the sentinel said, as marks in figures, with numbers that do not stand on each other. */

/** A mark at a step; `isCalm` where nothing is wrong. */
export interface Mark {
  step: number;
  number: number;
  isCalm: boolean;
}

/** So near to each other numbers of several marks are one text. */
const APART = 18;

/**
 * The texts beside marks, from left to right: "2", and "3, 4" or "3–7" where several are near to each other.
 * @param marks with their places across the figure, in pixels
 */
export function labelsOf(marks: readonly { x: number; number: number; isCalm: boolean }[]) {
  const groups: { x: number; numbers: number[]; isCalm: boolean }[] = [];
  for (const { x, number, isCalm } of marks.toSorted((a, b) => a.x - b.x || a.number - b.number)) {
    const last = groups.at(-1);
    if (last && x - last.x < APART) {
      last.numbers.push(number);
      last.isCalm &&= isCalm;
    } else groups.push({ x, numbers: [number], isCalm });
  }
  return groups.map(({ x, numbers, isCalm }) => {
    const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
    const hasAll = numbers.length > 2 && most - least === numbers.length - 1;
    const text = hasAll ? `${least}–${most}` : numbers.length > 2 ? `${numbers[0]!}, …` : numbers.join(', ');
    return { x, text, isCalm };
  });
}
