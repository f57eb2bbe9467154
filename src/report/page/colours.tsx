/** @file The colours of lines: Okabe and Ito's, which the colour-blind can tell apart; from the ninth on with other dashes. */

const COLOURS = 7;

export const colourOf = (place: number): string => `--c${(place % COLOURS) + 1}`;

/** A line is dashed where it is the second of a kind, and in other ways where all colours are taken. */
export function dashOf(place: number, isDashed: boolean): number[] | undefined {
  const round = Math.floor(place / COLOURS);
  if (round > 0) return isDashed ? [2, 2 + 2 * round] : [8, 2 + 2 * round];
  return isDashed ? [5, 4] : undefined;
}

export function Swatch({ place, isDashed = false }: { place: number; isDashed?: boolean }) {
  return (
    <svg class="swatch" width="22" height="10" aria-hidden="true">
      <line
        x1="0"
        x2="22"
        y1="5"
        y2="5"
        stroke={`var(${colourOf(place)})`}
        stroke-width="2.5"
        stroke-dasharray={dashOf(place, isDashed)?.join(' ')}
      />
    </svg>
  );
}
