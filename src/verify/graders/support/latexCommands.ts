/** @file Holds what pylatexenc writes for commands with arguments. Commands without any are in latexSymbols.ts. */

import { LatexError } from './latexErrors.js';
import { SYMBOLS } from './latexSymbols.js';
import { strip } from './python.js';

/** The arguments of commands: `{` an expression, `[` an optional one in brackets, `*` an optional star. */
export const ARGUMENTS = new Map<string, string>([
  ...each('frac nicefrac braket ketbra texorpdfstring', '{{'),
  ...each('sqrt footnote xleftarrow xrightarrow color hphantom vphantom', '[{'),
  ...each('textcolor colorbox', '[{{'),
  ...each('hspace vspace', '*{'),
  ['\\', '*['],
  ...each('emph textrm textit textbf textmd textsc textsf textsl texttt textup text mbox ensuremath', '{'),
  ...each('mathrm mathbb mathbf mathit mathsf mathtt mathcal mathscr mathfrak label ref ket bra', '{'),
  ...each('overline underline widehat widetilde wideparen overleftarrow overrightarrow', '{'),
  ...each('overleftrightarrow underleftarrow underrightarrow overbrace underbrace', '{'),
  ...each('\' ` " c ^ ~ H k = b . d r u v', '{'),
  ...each('not vec dot hat check breve acute grave tilde bar ddot', '{'),
]);

/** The texts of commands with arguments: `#1` stands for the text of the first argument. */
const TEMPLATES = new Map<string, string>([
  ...each('frac nicefrac', '#1/#2'),
  ['sqrt', '√(#2)'],
  ['ket', '|#1⟩'],
  ['bra', '⟨#1|'],
  ['braket', '⟨#1|#2⟩'],
  ['ketbra', '|#1⟩⟨#2|'],
  ['texorpdfstring', '#2'],
  ['footnote', '[#2]'],
  ['ref', '<ref>'],
  ['vspace', '\n'],
  ['\\', '\n'],
  ...each('textcolor colorbox', '#3'),
  ...each('emph textrm textit textbf textsc textsl text mathrm', '#1'),
  ...each('overline underline widehat widetilde wideparen overleftarrow overrightarrow', '#1'),
  ...each('overleftrightarrow underleftarrow underrightarrow overbrace underbrace', '#1'),
]);

/** The combining characters that accents add after every character of their argument. */
const ACCENTS = new Map<string, string>([
  ...each("' acute", '\u0301'),
  ...each('` grave', '\u0300'),
  ...each('" ddot', '\u0308'),
  ...each('^ hat', '\u0302'),
  ...each('~ tilde', '\u0303'),
  ...each('. dot', '\u0307'),
  ...each('u breve', '\u0306'),
  ...each('v check', '\u030c'),
  ['c', '\u0327'],
  ['H', '\u030b'],
  ['k', '\u0328'],
  ['=', '\u0304'],
  ['b', '\u0331'],
  ['d', '\u0323'],
  ['r', '\u030a'],
  ['vec', '\u20d7'],
  ['bar', '\u0305'],
  ['not', '\u0338'],
]);

/** The code points of A and a in the mathematical alphabets, and the letters that are elsewhere. */
const ALPHABETS = new Map<string, { upper: number; lower: number; except: string }>([
  ['mathbf', { upper: 0x1d400, lower: 0x1d41a, except: '' }],
  ['mathit', { upper: 0x1d434, lower: 0x1d44e, except: 'hℎ' }],
  ['mathsf', { upper: 0x1d5a0, lower: 0x1d5ba, except: '' }],
  ['mathtt', { upper: 0x1d670, lower: 0x1d68a, except: '' }],
  ['mathbb', { upper: 0x1d538, lower: 0x1d552, except: 'CℂHℍNℕPℙQℚRℝZℤ' }],
  ['mathcal', { upper: 0x1d49c, lower: 0x1d4b6, except: 'BℬEℰFℱHℋIℐLℒMℳRℛeℯgℊoℴ' }],
  ['mathscr', { upper: 0x1d49c, lower: 0x1d4b6, except: 'BℬEℰFℱHℋIℐLℒMℳRℛeℯgℊoℴ' }],
  ['mathfrak', { upper: 0x1d504, lower: 0x1d51e, except: 'CℭHℌIℑRℜZℨ' }],
]);

/** Marks that become other characters; the longest come first. */
export const SPECIALS: readonly (readonly [string, string])[] = [
  ['---', '—'],
  ['--', '–'],
  ['``', '“'],
  ["''", '”'],
  ['!`', '¡'],
  ['?`', '¿'],
  ['~', '\u00a0'],
  ['&', '   '],
];

/** Gives the text of a command with its arguments; '' if the command is not known. */
export function commandText(name: string, args: readonly string[]): string {
  const template = TEMPLATES.get(name);
  if (template !== undefined)
    return template.replace(/#(\d)/g, (_, number: string) => args[Number(number) - 1]!);
  const alphabet = ALPHABETS.get(name);
  if (alphabet !== undefined) return Array.from(args[0]!, (letter) => inAlphabet(letter, alphabet)).join('');
  const accent = ACCENTS.get(name);
  if (accent !== undefined) return accented(args[0]!, accent);
  return SYMBOLS.get(name) ?? '';
}

/**
 * Gives the text of a command without its arguments, which happens if it is an argument itself or ends the text:
 * pylatexenc then leaves the `%s` of its template as they are.
 * @throws LatexError where pylatexenc raises an error
 */
export function bareCommandText(name: string): string {
  if (name === 'sqrt' || name === 'footnote' || name === 'textcolor' || name === 'colorbox') {
    throw new LatexError(`\\${name} without an argument`);
  }
  if (ACCENTS.has(name)) return ` ${ACCENTS.get(name)!}`.normalize('NFC');
  if (/^(?:text|math|emph)/.test(name) && ARGUMENTS.has(name)) return '';
  return TEMPLATES.get(name)?.replace(/#\d/g, '%s') ?? SYMBOLS.get(name) ?? '';
}

function accented(text: string, accent: string): string {
  return Array.from(strip(text), (letter) => {
    const base = letter === 'ı' ? 'i' : letter === 'ȷ' ? 'j' : letter;
    return (base + accent).normalize('NFC');
  }).join('');
}

function inAlphabet(letter: string, alphabet: { upper: number; lower: number; except: string }): string {
  const exception = Array.from(alphabet.except);
  for (let i = 0; i < exception.length; i += 2) if (exception[i] === letter) return exception[i + 1]!;
  const code = letter.codePointAt(0)!;
  if (letter >= 'A' && letter <= 'Z') return String.fromCodePoint(alphabet.upper + code - 65);
  if (letter >= 'a' && letter <= 'z') return String.fromCodePoint(alphabet.lower + code - 97);
  return letter;
}

function each(names: string, value: string): [string, string][] {
  return names.split(' ').map((name) => [name, value]);
}
