/** @file Brings the text of one answer into the form that the lexer reads. */

import { withPlainSigns } from './characters.js';
import { withPlainPhrases } from './phrases.js';

/** Maps characters that people type or paste to the LaTeX or sign that the lexer knows. */
const CHARACTERS: Record<string, string> = {
  '–': '-',
  '—': '-',
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
  '∛': '\\sqrt[3] ',
  '∜': '\\sqrt[4] ',
  '…': '\\ldots ',
  '∀': '\\forall ',
  '⊂': '\\subset ',
  '⊃': '\\supset ',
  '⊆': '\\subseteq ',
  '⊇': '\\supseteq ',
  '⊊': '\\subsetneq ',
  '⊋': '\\supsetneq ',
  '⊄': '\\not\\subset ',
  '⊈': '\\nsubseteq ',
  '∋': '\\ni ',
  '∥': '\\parallel ',
  '⊥': '\\perp ',
  '≅': '\\cong ',
  '∝': '\\propto ',
  '→': '\\to ',
  '←': '\\gets ',
  '↔': '\\leftrightarrow ',
  '↦': '\\mapsto ',
  '⇒': '\\Rightarrow ',
  '⟹': '\\implies ',
  '⇐': '\\Leftarrow ',
  '⇔': '\\iff ',
  '⟺': '\\iff ',
  '≪': '\\ll ',
  '≫': '\\gg ',
  '≺': '\\prec ',
  '≻': '\\succ ',
  '⊢': '\\vdash ',
  '⊨': '\\models ',
  '⊕': '\\oplus ',
  '⊗': '\\otimes ',
  '⋆': '\\star ',
  '¬': '\\neg ',
  '∃': '\\exists ',
  '∠': '\\angle ',
  '△': '\\triangle ',
  '∧': '\\land ',
  '∨': '\\lor ',
  '＝': '=',
  '＜': '<',
  '＞': '>',
  '［': '[',
  '］': ']',
  '｛': '\\{',
  '｝': '\\}',
  '．': '.',
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
  '¢': '\\text{ cents}',
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
  ϕ: '\\phi ',
  ϵ: '\\epsilon ',
  ζ: '\\zeta ',
  η: '\\eta ',
  κ: '\\kappa ',
  ν: '\\nu ',
  ξ: '\\xi ',
  χ: '\\chi ',
  ψ: '\\psi ',
  Γ: '\\Gamma ',
  Θ: '\\Theta ',
  Λ: '\\Lambda ',
  Φ: '\\Phi ',
  Ψ: '\\Psi ',
  Δ: '\\Delta ',
  Ω: '\\Omega ',
};
// ½ and its like
for (const [typed, n, d] of '½12 ⅓13 ⅔23 ¼14 ¾34 ⅕15 ⅖25 ⅗35 ⅘45 ⅙16 ⅚56 ⅛18 ⅜38 ⅝58 ⅞78'.split(' '))
  CHARACTERS[typed!] = `\\frac{${n}}{${d}}`;

const RAISED = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ';
const LOWERED = '₀₁₂₃₄₅₆₇₈₉₊₋ₙ';
const PLAIN = '0123456789+-n';
/** Rewrites digits of other scripts and small raised or lowered ones, blanks and dashes. */
function withPlainCharacters(text: string): string {
  return withPlainSigns(text)
    .replace(/[\uff21-\uff3a\uff41-\uff5a]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0xfee0))
    .replace(
      new RegExp(`[${RAISED}]+`, 'g'),
      (run) => `^{${run.replace(/[^]/g, (c) => PLAIN[RAISED.indexOf(c)]!)}}`,
    )
    .replace(
      new RegExp(`[${LOWERED}]+`, 'g'),
      (run) => `_{${run.replace(/[^]/g, (c) => PLAIN[LOWERED.indexOf(c)]!)}}`,
    );
}

/** Writes the Greek letter before a unit as the sign of the prefix: `5 μm`, `\mathrm{μg}`; 2μg may be a product. */
const withMicro = (text: string): string =>
  text.replace(
    /(\d\s+|\{\s?)μ\s?(?=(?:[mslLAVFHWCTJ]|mol|Pa|Sv|Hz)(?![A-Za-z]))|(\\(?:text|mathrm)\s?\{\s?)μ\s?(?=g)/g,
    (_, before?: string, font?: string) => `${before ?? font ?? ''}µ`,
  );

const TYPED = new RegExp(`[${Object.keys(CHARACTERS).join('')}]`, 'gu');

/**
 * Brings one answer into the form that the lexer reads: typed signs become LaTeX, doubled backslashes single ones;
 * thousands separators are removed, and so is what only surrounds an answer (dollar signs, Markdown emphasis, a full
 * stop). Every rule is linear in the length.
 */
export function normalize(answer: string): string {
  let text = withMicro(withPlainCharacters(answer)).replace(TYPED, (character) => CHARACTERS[character]!);
  text = withPlainNotation(
    withPlainNumbers(withPlainPhrases(withPlainWords(withPlainSets(withoutStyle(text))))),
  );
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
  // 8 x 4 is a product.
  text = text.replace(/(?<=\d\s)[xX](?=\s[$]?\d)/g, '\\times');
  // 10 m/s behind a blank is a speed, 10m/s may be a product.
  text = text.replace(RATE, (unit) => `\\text{ ${unit.replaceAll('²', '^2').replaceAll('³', '^3')}}`);
  // 95{minutes} has lost its \text.
  text = text.replace(/(?<=\d)\{([A-Za-z]{2,20})\}/g, '\\text{ $1}');
  // A doubled backslash before a letter was escaped twice unless it ends a row. Before `begin` it cannot end one:
  // then all backslashes were escaped twice.
  if (text.includes('\\\\begin{')) text = text.replaceAll('\\\\', '\\');
  if (!/matrix|array|cases|aligned/.test(text)) text = text.replace(/\\\\(?=[A-Za-z{}[\](),!;:$%|])/g, '\\');
  text = withoutLabel(withoutDelimiters(trimAnswer(text)));
  return (
    text
      .replace(/\\!\s*/g, '')
      // The height of a row: \\[4pt].
      .replace(/\\\\\s?\[-?[\d.]{1,6}\s?(?:pt|ex|em|cm|mm|in|px)\]/g, '\\\\ ')
      .replace(/\\text\s?\{\s?(\\?\$?-?\d[\d.,]{0,30}\s?\\?%?)\s?\}/g, '$1')
      // 10{,}080 and 10\,080 are 10080; before a group of any other length the comma is a decimal one.
      .replace(/(?<=\d)\s?\{,\s?\}\s?(?=\d{3}(?!\d))/g, '')
      .replace(/(?<=\d)\{,\}(?=\d)/g, '.')
      .replace(/(?<=\d)\\,(?=\d{3}(?!\d))/g, '')
      .replace(/\{,\}/g, ',')
      // {5.} ends with a full stop as well.
      .replace(/\s?[.,;](?=\}$)/, '')
  );
}

/** A unit over another behind a number and a blank. */
const RATE =
  /(?<=^-?\d[\d.,]*)\s(?:[kcm]?m|mi|ft|[km]?g|m?L|[kM]?J|N)\/(?:s|h|hr|min|[ckm]?m|m?L|k?g|mol|K)(?:\^\{?[23]\}?|[²³])?$/;

/** Writes the half-open brackets of ISO 31, `]0, 1[`, and ℝ⁺ as intervals; the two shapes of a Greek letter as one. */
function withPlainSets(text: string): string {
  let plain = text
    .replace(
      /(^|[^\w)}.\s]|\\(?:cup|cap|setminus))\s*\]\s*([^[\](){},;]{1,60})[,;]([^[\](){},;]{1,60})([[\]])/g,
      (_, before: string, from: string, to: string, close: string) =>
        `${before}(${from},${to}${close === '[' ? ')' : ']'}`,
    )
    .replace(/\[\s*([^[\](){},;]{1,60})[,;]([^[\](){},;]{1,60})\[/g, '[$1,$2)')
    .replace(/\\mathbb\s?\{?R\}?\s?(?:[\^_]\s?\{?\s?\+\s?\}?|_\s?\{\s?>\s?0\s?\})/g, '(0,\\infty)')
    .replace(/\\mathbb\s?\{?R\}?\s?(?:[\^_]\s?\{?\s?-\s?\}?|_\s?\{\s?<\s?0\s?\})/g, '(-\\infty,0)')
    .replace(/\\mathbb\s?\{?R\}?\s?_\s?\{\s?(?:\\geq?|\\geqslant|>=)\s?0\s?\}/g, '[0,\\infty)')
    .replace(/^\\(?:mathbf|bf)\s?\{([RZNQC])\}$/, '\\mathbb{$1}');
  for (const letter of ['epsilon', 'phi', 'theta', 'rho', 'sigma', 'kappa'])
    if (!new RegExp(`\\\\${letter}(?![A-Za-z])`).test(plain))
      plain = plain.replace(new RegExp(`\\\\var${letter}(?![A-Za-z])`, 'g'), `\\${letter}`);
  return plain;
}

/** Writes words between and behind values as signs: 且, "12 dollars and 50 cents", 5'6". */
function withPlainWords(text: string): string {
  return text
    .replace(/(?<!\p{Script=Han})(?:并?且|和|与|及)(?!\p{Script=Han})/gu, ' and ')
    .replace(/(?<!\p{Script=Han})或者?(?!\p{Script=Han})/gu, ' or ')
    .replace(/^(\d{1,2})'\s?(\d{1,2})(?:"|''|\\text\{''\})$/, '$1\\text{ feet }$2\\text{ inches}')
    .replace(
      /(?<=\d\s?(?:\\text\s?\{\s?)?(?:dollars?|euros?|pounds?|hours?|minutes?|feet|foot|years?|weeks?|days?|kg|kilograms?)\s?\}?),?\s+and\s+(?=\d+\s?(?:\\text\s?\{\s?)?(?:cents?|minutes?|seconds?|inch|inches|ounces?|months?|days?|hours?|g|grams?)\b)/g,
      ' ',
    );
}

/** Drops commands that only style or number a formula: colours, lines under it, tags. */
function withoutStyle(text: string): string {
  return text
    .replace(/\\(?:tag|label|ref|vspace|hspace|phantom|hphantom|vphantom)\*?\s?\{[^{}]{0,60}\}/g, '')
    .replace(/\\(?:textcolor|color|colorbox)\s?\{[^{}]{0,40}\}/g, '')
    .replace(/\\(?:underline|uline|emph|mathop|ensuremath|mathrm\s?(?=\{\s?\\))\s?(?=\{)/g, '')
    .replace(
      /\\(?:nonumber|notag|qed|qedhere|blacksquare|checkmark|tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge|bfseries|color)(?![A-Za-z])/g,
      '',
    );
}

/** Writes binomials, quotients and systems of equations in the one way that the grammar knows. */
function withPlainNotation(text: string): string {
  return text
    .replace(/\{([^{}]{1,200})\\choose(?![a-z])([^{}]{1,200})\}/g, '\\binom{$1}{$2}')
    .replace(/\{([^{}]{1,200})\\over(?![a-z])([^{}]{1,200})\}/g, '\\frac{$1}{$2}')
    .replace(/\{\}\s?[_^]\s?\{?(\w{1,9})\}?\s?C\s?_\s?\{?(\w{1,9})\}?/g, '\\binom{$1}{$2}')
    .replace(
      /(?:\\left)?\\\{\s*\\begin\s?\{array\}(?:\s?\{[lcr| ]*\})?([^]{1,2000}?)\\end\s?\{array\}(?:\s*\\right\.)?/g,
      '\\begin{cases}$1\\end{cases}',
    )
    .replace(
      /(?:\\left)?\\\{\s*(?=\\begin\s?\{(?:aligned|align|gathered|split|cases))|(?<=\\end\s?\{(?:aligned|align|gathered|split|cases)\})\s*\\right\./g,
      '',
    )
    .replace(
      /\\begin\{(aligned|align|gathered|split)\}([^]{1,2000}?)\\end\{\1\}/g,
      (_, name: string, lines: string) =>
        `\\begin{aligned}${lines.replaceAll('&', '').replace(/\\\\\s*(?==)/g, ' ')}\\end{aligned}`,
    );
}

/** Writes numbers with recurring decimals, groups of other lengths and `x 10^8` as LaTeX does. */
function withPlainNumbers(text: string): string {
  return (
    text
      // 0.333... and 0.1666\ldots; 3.14159... is only cut off.
      .replace(
        /(?<!\d)(\d+\.)(\d{2,60})\s?(?:\.{3}|\\[lc]?dots\b)/g,
        (_, whole: string, decimals: string) => whole + recurring(decimals),
      )
      // 0.1(6)
      .replace(/(?<![\d.])(\d+\.\d{0,40})\((\d{1,40})\)(?!\d)/g, '$1\\overline{$2}')
      // 0.\dot{1}4285\dot{7}
      .replace(
        /(?<!\d)(\d+\.\d{0,40})\\dot\s?\{?(\d)\}?(?:(\d{0,40})\\dot\s?\{?(\d)\}?)?/g,
        (_, whole: string, ...digits: (string | undefined)[]) =>
          `${whole}\\overline{${digits.slice(0, 3).join('')}}`,
      )
      // 1'234'567 and 12,34,567
      .replace(/(?<![\d'])\d{1,3}(?:'\d{3})+(?![\d'])/g, (number) => number.replaceAll("'", ''))
      .replace(/^-?\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?$/, (number) => number.replaceAll(',', ''))
      // 1.234.567 and 1.234,56
      .replace(/^-?\d{1,3}(?:\.\d{3}){2,}$/, (number) => number.replaceAll('.', ''))
      .replace(/^-?\d{1,3}(?:\.\d{3})+,\d+$/, (number) => number.replaceAll('.', '').replace(',', '.'))
      .replace(/(?<=\d)\s?x\s?(?=10\s?\^)/g, '\\times ')
  );
}

/** Puts a bar over the digits that end `decimals` at least twice (a single one three times): `1666` → `1\overline{6}`. */
function recurring(decimals: string): string {
  for (let length = 1; length <= decimals.length / 2; length++) {
    const block = decimals.slice(-length);
    let from = decimals.length;
    while (from >= length && decimals.slice(from - length, from) === block) from -= length;
    const times = (decimals.length - from) / length;
    if (times >= (length === 1 ? 3 : 2)) return `${decimals.slice(0, from)}\\overline{${block}}`;
  }
  return decimals;
}

/** Cuts off what an answer says about its letters after "where", and for which values it holds. */
export function beforeConditions(text: string): string {
  const at = text.search(
    /\bwhere\b|\\forall\b|(?:\\(?:text|mbox)\s?\{\s?,?\s?)?\bfor (?:all|every|any|each)\b/,
  );
  // In logic a quantifier behind another sign is part of the statement.
  const isLogic =
    /\\(?:exists|forall|nexists|neg|lnot|iff|implies|(?:Left)?[Rr]ightarrow|to|land|lor)(?![A-Za-z])\s{0,9}\S?\s{0,9}$/;
  return at <= 0 || (text.startsWith('\\forall', at) && isLogic.test(text.slice(0, at)))
    ? text
    : text
        .slice(0, at)
        .replace(/\\(?:text|mbox)\{\s?,?\s?$/, '')
        .replace(/(?<![\s,])(?:\\[ ,;:!]|\\q?quad|[\s,])+$/, '');
}

/** Drops what only introduces an answer: `=`, `\therefore`, `\text{The answer is }`, the name of a line before its equation. */
function withoutLabel(text: string): string {
  return text
    .replace(
      /^\\(?:textbf|text|mathbf|mathrm)\s?\{\s?\([A-E]\)\s?\}(?:\\[ ,;:!]|~|\s|\\q?quad)*(?=[\d\\$(-])/,
      '',
    )
    .replace(
      /^(?:=|\\therefore|\\implies|\\Rightarrow|\\Longrightarrow|\\to|\\rightarrow|\\approx)(?![A-Za-z])\s*/,
      '',
    )
    .replace(
      /^\\(?:text|mbox|textbf|mathrm)\s?\{(?![^{}]*\b(?:not|never|no|wrong|incorrect|false|less|more|fewer|than|cannot|whether|maybe|perhaps|possibly|bound|guess|if|least|most)\b)[^{}]{0,60}(?:\bis|\bare|\bequals|\btakes|\bneeds|\bexactly|\bthe number|:)\s?:?\s?\}\s*(?=\S)/,
      '',
    )
    .replace(
      /^\\(?:text|mbox|textbf|mathrm)\s?\{\s?(?:(?:the|my|our)\s)?(?:final\s)?answer\s(?:is|=)\s(-?\$?\d[\d.,/]{0,30}%?)\.?\s?\}$/i,
      '$1',
    )
    .replace(/^\\(?:text|mbox)\s?\{\s?(?:minus|negative)\s?\}\s*(?=\d|\\[dt]?frac|\\sqrt)/, '-')
    .replace(/^(?:\\ell|[A-Za-z]|\\text\{[^{}]{1,20}\})(?:_\{?\w\}?)?\s*:(?!=)\s*(?=[^:]*=)/, '');
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
