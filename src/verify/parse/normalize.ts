/** @file Brings the text of one answer into the form that the lexer reads. */

/** Maps characters that people type or paste to the LaTeX or sign that the lexer knows. */
const CHARACTERS: Readonly<Record<string, string>> = {
  '−': '-',
  '–': '-',
  '—': '-',
  '‐': '-',
  '‑': '-',
  '＋': '+',
  '×': '\\times ',
  '∗': '*',
  '÷': '\\div ',
  '·': '\\cdot ',
  '⋅': '\\cdot ',
  '∙': '\\cdot ',
  '⁄': '/',
  '∕': '/',
  '√': '\\sqrt ',
  π: '\\pi ',
  '∞': '\\infty ',
  '≤': '\\le ',
  '⩽': '\\le ',
  '≥': '\\ge ',
  '⩾': '\\ge ',
  '≠': '\\ne ',
  '≈': '\\approx ',
  '≡': '\\equiv ',
  '∪': '\\cup ',
  '∩': '\\cap ',
  '∈': '\\in ',
  '∉': '\\notin ',
  '∅': '\\emptyset ',
  ℝ: '\\mathbb{R}',
  ℤ: '\\mathbb{Z}',
  ℕ: '\\mathbb{N}',
  ℚ: '\\mathbb{Q}',
  ℂ: '\\mathbb{C}',
  '±': '\\pm ',
  '∓': '\\mp ',
  '²': '^2',
  '³': '^3',
  '½': '\\frac{1}{2}',
  '¼': '\\frac{1}{4}',
  '¾': '\\frac{3}{4}',
  '′': "'",
  '’': "'",
  '″': "''",
  '“': '"',
  '”': '"',
  '，': ', ',
  '、': ', ',
  '；': '; ',
  '：': ':',
  '（': '(',
  '）': ')',
  '％': '%',
  '。': '.',
  α: '\\alpha ',
  β: '\\beta ',
  γ: '\\gamma ',
  δ: '\\delta ',
  ε: '\\epsilon ',
  θ: '\\theta ',
  λ: '\\lambda ',
  μ: '\\mu ',
  ρ: '\\rho ',
  σ: '\\sigma ',
  τ: '\\tau ',
  φ: '\\phi ',
  ω: '\\omega ',
  Δ: '\\Delta ',
  Ω: '\\Omega ',
  '\u00a0': ' ',
  '\u2009': ' ',
  '\u202f': ' ',
};
const TYPED = new RegExp(`[${Object.keys(CHARACTERS).join('')}]`, 'gu');

/**
 * Brings one answer into the form that the lexer reads: typed signs become LaTeX, doubled backslashes single ones;
 * thousands separators are removed, and so is what only surrounds an answer (dollar signs, Markdown emphasis, a full
 * stop). Every rule is linear in the length.
 */
export function normalize(answer: string): string {
  let text = answer.replace(TYPED, (character) => CHARACTERS[character]!);
  // The answer "x + 1, where x is …" is x + 1.
  text = beforeConditions(text);
  // 4:30 p.m. is 4:30 pm.
  text = text.replace(/(?<=\d\s?)([AaPp])\.\s?([Mm])\b\.?/g, '$1$2');
  // 1 h 20 min has units without a font.
  text = text.replace(
    /^(\d+)\s?h\s?(\d+)\s?m(?:in)?(?:\s?(\d+)\s?s)?$/,
    (_, h: string, m: string, s?: string) =>
      `${h}\\text{ h }${m}\\text{ min }${s === undefined ? '' : `${s}\\text{ s}`}`,
  );
  // 95{minutes} has lost its \text.
  text = text.replace(/(?<=\d)\{([A-Za-z]{2,20})\}/g, '\\text{ $1}');
  // A doubled backslash before a letter was escaped twice unless it ends a row. Before `begin` it cannot end one:
  // then all backslashes were escaped twice.
  if (text.includes('\\\\begin{')) text = text.replaceAll('\\\\', '\\');
  if (!/matrix|array|cases|aligned/.test(text)) text = text.replace(/\\\\(?=[A-Za-z{}[\](),!;:$%|])/g, '\\');
  text = withoutDelimiters(trimAnswer(text));
  return (
    text
      .replace(/\\!\s*/g, '')
      // 10{,}080 and 10\,080 are 10080; before a group of any other length the comma is a decimal one.
      .replace(/(?<=\d)\s?\{,\s?\}\s?(?=\d{3}(?!\d))/g, '')
      .replace(/(?<=\d)\{,\}(?=\d)/g, '.')
      .replace(/(?<=\d)\\,(?=\d{3}(?!\d))/g, '')
      .replace(/\{,\}/g, ',')
  );
}

/** Cuts off what an answer says about its letters after "where". */
export function beforeConditions(text: string): string {
  const at = text.search(/\bwhere\b/);
  return at <= 0
    ? text
    : text
        .slice(0, at)
        .replace(/\\(?:text|mbox)\{\s?,?\s?$/, '')
        .trimEnd();
}

/** Removes dollar signs that delimit formulas, as in "$1$, $2$": a single one is a currency and stays. */
function withoutDelimiters(text: string): string {
  const delimiter = /(?<!\\)\$/g;
  return (text.match(delimiter)?.length ?? 0) > 1 ? text.replace(delimiter, ' ') : text;
}

/** Limits the layers of surroundings that are removed. */
const MAX_LAYERS = 12;

/** Removes what surrounds an answer: blanks, dollar signs, `\(…\)`, Markdown emphasis, closing punctuation. */
export function trimAnswer(answer: string): string {
  let text = answer.trim();
  let before = '';
  for (let layer = 0; before !== text && layer < MAX_LAYERS; layer++) {
    before = text;
    text = text.replace(/^(?:\*\*|__|[$`"]|\\\(|\\\[(?!\d+\s*,)|\\displaystyle\b|\\[ ,;:!])\s*/, '');
    text = text.replace(/(?<!\\)(?:\*\*|__|[.,;:`"]|(?<!\\left|\\right)\\[ ,;:!])$/, '').trimEnd();
    text = text.replace(/(?:(?<!\\)\$|\\\)|\\\]|(?<!\\)\\)$/, '').trimEnd();
  }
  return text;
}
