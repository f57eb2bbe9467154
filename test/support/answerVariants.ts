import { Random } from '../../src/util/random.js';

/** A pair made from a gold answer, true or false by the way it was made. */
export interface Variant {
  gold: string;
  pred: string;
  expected: boolean;
  /** How it was made. */
  rule: string;
  /** Whether gold and answer are plain numbers. */
  plain: boolean;
}

/**
 * Rewrites of a gold answer that must be accepted and near misses that must not, by rules on the text alone: nothing
 * here parses LaTeX, so that a misreading of the verifier is not repeated. Seeded: the same gold and seed give the same
 * pairs. Golds of other shapes than numbers, expressions, lists, tuples and intervals give none.
 */
export function variantsOf(gold: string, seed: number): Variant[] {
  const random = new Random(seed);
  const bare = gold.replace(/(?<!\\)\$|\\quad/g, ' ').trim();
  const isGrouped = /^\d{1,3}(?:,(?:\\!)?\s?\d{3})+$/.test(bare);
  const text = isGrouped ? bare.replace(/\D/g, '') : bare;
  const plain = plainNumber(text);
  if (plain) return numberVariants(text, plain, random);
  if (
    /[=<>\\]?(?:=|<|>|\\[lg]eq?|\\ne|\\text|\\mbox|\\in\b|\\pm|\\begin|\\\$|\\cup|\\circ|%|'|\\dot|\\ddot|prime|_\{?\d+\}?$)/.test(
      text,
    )
  ) {
    return text.includes('\\cup') ? [] : otherVariants(text);
  }
  if (/\\infty/.test(text) && !/^[([]/.test(text)) return [];
  const parts = splitTop(text, /[,;]/);
  if (parts.length > 1) return listVariants(text, parts, random);
  const inside = bracketed(text);
  if (inside) return tupleVariants(text, inside, random);
  return expressionVariants(text, random);
}

interface Plain {
  n: bigint;
  /** Decimal places, the value being n / 10^places. */
  places: number;
}

function plainNumber(text: string): Plain | undefined {
  const match = /^([-+]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return undefined;
  const digits = BigInt(match[2]! + (match[3] ?? ''));
  return { n: match[1] === '-' ? -digits : digits, places: match[3]?.length ?? 0 };
}

function written({ n, places }: Plain): string {
  const sign = n < 0n ? '-' : '';
  const digits = (n < 0n ? -n : n).toString().padStart(places + 1, '0');
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

function numberVariants(gold: string, value: Plain, random: Random): Variant[] {
  const { n, places } = value;
  const scale = 10n ** BigInt(places);
  const k = BigInt(2 + random.nextInt(8));
  const shift = BigInt(1 + random.nextInt(90));
  const plus = (by: bigint) => written({ n: n + by, places });
  const rewrites: [string, string][] = [
    ['fraction', `\\frac{${n * k}}{${scale * k}}`],
    ['slash', `${n * k}/${scale * k}`],
    ['sum', `${plus(shift)} - ${written({ n: shift, places })}`],
    ['product', `\\frac{${n}}{${scale * k}} \\cdot ${k}`],
    ['negated twice', `-(-(${gold}))`],
    ['trailing zeros', written({ n: n * 1000n, places: places + 3 })],
    ['percent', `${written({ n: n * 100n, places })}\\%`],
    ['power of ten', `${gold} \\times 10^{3} \\div 1000`],
    ['scientific', `${written({ n, places: places + 2 })}e2`],
    ['root', `\\sqrt[3]{(${gold})^3}`],
    ['equation', `x = ${gold}`],
    ['unit', `${gold} \\text{ cm}`],
    ['size of brackets', `\\left( ${gold} \\right)`],
  ];
  if (places === 0 && n >= 10_000n) {
    rewrites.push(['thousands', String(n).replace(/(?<=\d)(?=(?:\d{3})+$)/g, ',')]);
    rewrites.push(['spaced thousands', String(n).replace(/(?<=\d)(?=(?:\d{3})+$)/g, '\\,')]);
  }
  if (places === 0 && n > 1n && n < 10_000n) {
    rewrites.push(['square root', `\\sqrt{${n * n}}`], ['binomial', `\\binom{${n}}{1}`]);
  }
  const misses: [string, string][] = [
    ['last digit up', plus(1n)],
    ['last digit down', plus(-1n)],
    ['one more', written({ n: n + scale, places })],
    ['tenfold', written({ n: n * 10n, places })],
    ['a tenth', written({ n, places: places + 1 })],
    ['negated', written({ n: -n, places })],
    ['doubled', written({ n: 2n * n, places })],
    ['a seventh more', `${gold}+\\frac{1}{7}`],
    ['as a percentage', `${gold}\\%`],
    ['half a fraction', `\\frac{${n}}{${2n * scale}}`],
    ['squared', `(${gold})^2`],
    ['with another', `${gold}, ${plus(1n)}`],
    ['as an interval', `[${gold}, ${plus(2n)}]`],
    ['a letter behind', `${gold}x`],
    ['last digit lost', String(n).slice(0, -1) || '1'],
  ];
  const isKept = ([rule, pred]: [string, string]) => {
    const other = plainNumber(pred);
    if (other && other.n * scale === n * 10n ** BigInt(other.places)) return false;
    if (n === 0n) return !/squared|doubled|half|percentage|letter|tenth|tenfold|negated/.test(rule);
    return !(rule === 'squared' && n === scale) && pred !== '-';
  };
  // Beyond six decimals rounding decides, which is tested elsewhere.
  const roundsAway = places > 5 || (places > 0 && n * n < 100n);
  return [
    ...made(gold, rewrites, true, true),
    ...made(
      gold,
      misses.filter(isKept).filter(([rule]) => !roundsAway || /one more|negated|doubled/.test(rule)),
      false,
      true,
    ),
  ];
}

const made = (gold: string, pairs: [string, string][], expected: boolean, plain = false): Variant[] =>
  pairs.map(([rule, pred]) => ({ gold, pred, expected, rule, plain }));

/** Ways to write one expression; each is right whatever `g` is. */
function rewritten(g: string): [string, string][] {
  return [
    ['parentheses', `\\left(${g}\\right)`],
    ['plus zero', `0 + (${g})`],
    ['times one', `1 \\cdot (${g})`],
    ['over one', `\\frac{${g}}{1}`],
    ['doubled and halved', `\\frac{2(${g})}{2}`],
    ['negated twice', `-(-(${g}))`],
    ['plus and minus seven', `7 + (${g}) - 7`],
    ['first power', `(${g})^{1}`],
    ['square over itself', `\\frac{(${g})^2}{${g}}`],
    ['display fractions', g.replace(/\\frac(?![a-z])/g, '\\dfrac')],
    ['a letter cancelled', `\\frac{(${g})(q+1)}{q+1}`],
    ['difference of squares', `\\frac{(${g})^2-9}{(${g})+3}+3`],
  ];
}

function missed(g: string, random: Random): [string, string][] {
  const misses: [string, string][] = [
    ['plus one', `(${g})+1`],
    ['doubled', `2(${g})`],
    ['negated', `-(${g})`],
    ['a seventh more', `(${g})+\\frac{1}{7}`],
    ['squared', `(${g})^2`],
    ['times a letter', `q(${g})`],
  ];
  // A decimal is compared at six places.
  if (!g.includes('.') && !/\de[-\d]/.test(g)) misses.push(['plus a small number', `(${g})+10^{-9}`]);
  // Another digit somewhere, where it is no part of a command or subscript.
  const digits = [...g.matchAll(/(?<![\w_{]_?\{?)[2-9](?![\d_])/g)];
  if (digits.length > 0) {
    const at = digits[random.nextInt(digits.length)]!.index;
    misses.push(['another digit', `${g.slice(0, at)}${Number(g[at]) - 1}${g.slice(at + 1)}`]);
  }
  return misses;
}

function expressionVariants(g: string, random: Random): Variant[] {
  const rewrites = rewritten(g);
  const terms = splitTop(g, /(?=[+-])/).filter((term) => term !== '');
  if (terms.length > 1 && terms.length < 9 && !/\de-/.test(g) && !/^\s*$/.test(terms[0]!)) {
    const reversed = [...terms].reverse().map((term) => (/^[+-]/.test(term) ? term : `+${term}`));
    rewrites.push(['terms reversed', reversed.join(' ').replace(/^\+/, '')]);
  }
  // A constant that squares to itself, or is nothing, has fewer near misses.
  const isTrivial = /^[-+]?[01]$/.test(g);
  return isTrivial
    ? made(g, rewrites, true)
    : [...made(g, rewrites, true), ...made(g, missed(g, random), false)];
}

function listVariants(gold: string, parts: string[], random: Random): Variant[] {
  const distinct = new Set(parts.map((part) => part.trim()));
  const permuted = [...parts];
  for (let at = permuted.length - 1; at > 0; at--) {
    const other = random.nextInt(at + 1);
    [permuted[at], permuted[other]] = [permuted[other]!, permuted[at]!];
  }
  const rewrites: [string, string][] = [
    ['permuted', permuted.join(', ')],
    ['a set', `\\{${parts.join(',')}\\}`],
    ['"and"', `${parts.slice(0, -1).join(', ')} \\text{ and } ${parts.at(-1)!}`],
    ['repeated', [...parts, parts[0]!].join(', ')],
  ];
  const isScalar = parts.every((part) => !bracketed(part.trim()));
  if (isScalar)
    rewrites.push(['rewritten', parts.map((part) => rewritten(part)[random.nextInt(6)]![1]).join(', ')]);
  const misses: [string, string][] = [['one more', `${gold}, 987654`]];
  if (distinct.size > 1)
    misses.push(['first lost', parts.slice(1).join(', ')], ['last lost', parts.slice(0, -1).join(', ')]);
  if (distinct.size < parts.length) misses.splice(1);
  if (isScalar) misses.push(['first changed', [`${parts[0]!}+1000`, ...parts.slice(1)].join(', ')]);
  return [...made(gold, rewrites, true), ...made(gold, misses, false)];
}

interface Bracketed {
  open: string;
  close: string;
  parts: string[];
}

/** The parts inside of one pair of brackets around all of `text`. */
function bracketed(text: string): Bracketed | undefined {
  const bare = text.replace(/\\left\s*|\\right\s*/g, '');
  const [open, close] = [bare[0] ?? '', bare.at(-1) ?? ''];
  if (!/[([]/.test(open) || !/[)\]]/.test(close)) return undefined;
  let depth = 0;
  for (let at = 0; at < bare.length; at++) {
    if (/[([{]/.test(bare[at]!)) depth++;
    if (/[)\]}]/.test(bare[at]!) && --depth === 0 && at < bare.length - 1) return undefined;
  }
  const parts = splitTop(bare.slice(1, -1), /,/);
  return parts.length > 1 ? { open, close, parts } : undefined;
}

function tupleVariants(gold: string, { open, close, parts }: Bracketed, random: Random): Variant[] {
  const together = (items: readonly string[], left = open, right = close) =>
    `${left}${items.join(', ')}${right}`;
  const sized = `\\left${open}${parts.join(' , ')}\\right${close}`;
  const each = parts.map((part) => (part.includes('infty') ? part : rewritten(part)[random.nextInt(6)]![1]));
  const rewrites: [string, string][] = [
    ['size of brackets', sized],
    ['each rewritten', together(each)],
    ['named', `x = ${together(parts)}`],
  ];
  const misses: [string, string][] = [
    ['one more', together([...parts, '5'])],
    ['last lost', together(parts.slice(0, -1))],
    ['first changed', together([parts[0]!.includes('infty') ? '-77' : `${parts[0]!}+1`, ...parts.slice(1)])],
  ];
  if (parts.length === 2) misses.push(['other brackets', together(parts, open === '(' ? '[' : '(', close)]);
  const swapped = [parts[1]!, parts[0]!, ...parts.slice(2)];
  if (parts[0]!.trim() !== parts[1]!.trim()) misses.push(['swapped', together(swapped)]);
  return [...made(gold, rewrites, true), ...made(gold, misses, false)];
}

/** Relations, units, words, matrices: only what changes nothing, and what adds something. */
function otherVariants(gold: string): Variant[] {
  if (/\\text|\\mbox|\\begin|\\pm|_\{?\d+\}?$/.test(gold)) {
    return [{ gold, pred: ` ${gold} `, expected: true, rule: 'blanks', plain: false }];
  }
  return [];
}

/** `text` split at `separator` outside of brackets, braces and bars. */
function splitTop(text: string, separator: RegExp): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  const sticky = new RegExp(separator.source, 'y');
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '\\' && /[{}]/.test(text[at + 1] ?? '')) at++;
    else if (/[([{]/.test(character)) depth++;
    else if (/[)\]}]/.test(character)) depth--;
    else if (depth === 0 && at > from) {
      sticky.lastIndex = at;
      if (!sticky.test(text) || /[\^_,]\s*$/.test(text.slice(from, at))) continue;
      parts.push(text.slice(from, at));
      from = sticky.lastIndex > at ? sticky.lastIndex : at;
    }
  }
  parts.push(text.slice(from));
  return parts;
}
