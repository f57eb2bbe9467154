import { describe, expect, it } from 'vitest';
import { formatTable } from './table.js';

describe('formatTable', () => {
  it('aligns text to the left and numbers to the right', () => {
    const table = formatTable(
      ['model', 'pass@1', 'against SFT', 'n'],
      [
        ['SFT', '33.8 ± 1.9', '', 600],
        ['SFT → REDI', '36.8 ± 2.0', '+3.0 ± 1.4', 600],
        ['before', '4.0 ± 0.8', '–', 48],
      ],
    );
    expect(table).toBe(
      [
        'model           pass@1  against SFT    n',
        '──────────  ──────────  ───────────  ───',
        'SFT         33.8 ± 1.9               600',
        'SFT → REDI  36.8 ± 2.0   +3.0 ± 1.4  600',
        'before       4.0 ± 0.8            –   48',
      ].join('\n'),
    );
  });

  it('keeps a column of mixed content to the left and leaves no blanks at line ends', () => {
    expect(
      formatTable(
        ['a', 'b'],
        [
          ['x', 'none'],
          ['y', 1],
        ],
      ),
    ).toBe('a  b\n─  ────\nx  none\ny  1');
  });

  it('counts wide characters twice', () => {
    expect(formatTable(['名', 'n'], [['数学', 1]])).toBe('名    n\n────  ─\n数学  1');
  });

  it('prints a heading without rows and refuses ragged rows', () => {
    expect(formatTable(['a', 'bc'], [])).toBe('a  bc\n─  ──');
    expect(() => formatTable(['a', 'b'], [['x']])).toThrow(RangeError);
  });
});
