/** @file Shows rows on the terminal with the trained tokens marked. */

import type { ShownRow } from './examine.js';
import { shorten, visible, type Gap, type Span } from './spans.js';

/** Pieces kept at each end of a prompt or a response. */
const KEEP = 200;

const CODES = { dim: 2, bold: 1, red: 31, green: 32, yellow: 33, inverse: 7 } as const;
type Style = keyof typeof CODES;

/**
 * Shows rows with their trained tokens in green, or in red for rejected responses, and special tokens inverse; without
 * colour the trained part stands between ⟦ and ⟧.
 */
export function showRows(rows: readonly ShownRow[], colour: boolean): string {
  const paint = (text: string, ...styles: Style[]): string =>
    colour && text !== '' ? `\u001B[${styles.map((style) => CODES[style]).join(';')}m${text}\u001B[0m` : text;
  const piece = (span: Span | Gap, style: Style): string =>
    'skipped' in span
      ? paint(` … ${span.skipped} tokens … `, 'bold')
      : paint(visible(span.text), ...(span.special ? (['inverse', style] as const) : [style]));
  const response = ({ role, spans }: ShownRow['responses'][number]): string => {
    const pieces = shorten(spans, KEEP);
    const [prompt, trained] = [false, true].map((part) => pieces.filter((span) => span.trained === part));
    const shown = trained!.map((span) => piece(span, role === 'rejected' ? 'red' : 'green')).join('');
    return [
      paint(`${role}: ${tokens(spans, false)} tokens of prompt, ${tokens(spans, true)} trained`, 'bold'),
      prompt!.map((span) => piece(span, 'dim')).join('') + (colour ? shown : `⟦${shown}⟧`),
      '',
    ].join('\n');
  };
  return rows
    .map(({ verdict: { line, verdict, problems }, responses }) =>
      [
        paint(`── line ${line}: ${verdict}`, 'bold'),
        ...problems.map(({ severity, code, side, detail }) =>
          paint(
            `   ${severity} ${code}: ${side === undefined ? '' : `${side}: `}${detail}`,
            severity === 'error' ? 'red' : 'yellow',
          ),
        ),
        ...responses.map(response),
      ].join('\n'),
    )
    .join('\n');
}

/** Counts the tokens on one side of the boundary. */
export const tokens = (spans: readonly Span[], trained: boolean): number =>
  spans.reduce((sum, span) => sum + (span.trained === trained ? span.ids.length : 0), 0);
