/** @file Holds the methods of Python's `str`. */

import { wantInt, type Bound } from './arguments.js';
import { allowElements, allowText, TemplateError } from './budget.js';
import * as texts from './text.js';
import {
  charactersOf,
  countCharacters,
  listOf,
  Markup,
  textOf,
  truthy,
  Tuple,
  typeName,
  type Value,
} from './values.js';

/** A method: its parameters as `bind` reads them, and what it does. Texts that it returns are marked if `self` is. */
export interface Method {
  signature: string;
  run: (self: string, args: Bound, isMarked: boolean) => Value;
}

function wantText(value: Value | undefined): string {
  const text = value === undefined ? undefined : textOf(value);
  if (text === undefined) throw new TemplateError(`a text is needed, not ${typeName(value ?? null)}`);
  return text;
}

/** A text, or undefined for None and for an argument that is not given. */
const optionalText = (value: Value | undefined) => (value == null ? undefined : wantText(value));

/** A text that is put into another: marked texts escape it. */
const inserted = (value: Value | undefined, isMarked: boolean) =>
  isMarked ? texts.escaped(wantText(value) === value ? value : (value ?? null)).text : wantText(value);

/** Resolves the optional start and end that many methods take, as slices do. */
function within(self: string, from: Value | undefined, to: Value | undefined) {
  const characters = charactersOf(self);
  const index = (value: Value | undefined, otherwise: number) => {
    const at = value == null ? otherwise : wantInt(value, otherwise);
    return Math.max(0, at < 0 ? at + characters.length : at);
  };
  const [start, end] = [index(from, 0), Math.min(index(to, characters.length), characters.length)];
  return {
    start,
    end,
    isPlace: start <= characters.length && start <= end,
    part: characters.slice(start, end).join(''),
  };
}

function find(self: string, [part, from, to]: Bound, last: boolean): number {
  const { start, isPlace, part: text } = within(self, from, to);
  const wanted = wantText(part);
  const at = isPlace ? (last ? text.lastIndexOf(wanted) : text.indexOf(wanted)) : -1;
  return at < 0 ? -1 : start + countCharacters(text.slice(0, at));
}

const finder = (last: boolean, mustExist: boolean): Method => ({
  signature: 'sub start? end? /',
  run: (self, args) => {
    const at = find(self, args, last);
    if (at < 0 && mustExist) throw new TemplateError('substring not found');
    return BigInt(at);
  },
});

const affix = (test: (text: string, part: string) => boolean): Method => ({
  signature: 'part start? end? /',
  run: (self, [part, from, to]) => {
    const { part: text, isPlace } = within(self, from, to);
    const parts = part instanceof Tuple ? part.items.map(wantText) : [wantText(part)];
    return isPlace && parts.some((wanted) => test(text, wanted));
  },
});

const stripper = (ends: texts.Ends): Method => ({
  signature: 'chars? /',
  run: (self, [unwanted]) => texts.strip(self, optionalText(unwanted), ends),
});

const plain = (run: (self: string) => Value): Method => ({ signature: '', run: (self) => run(self) });

/** Tests that a text is not empty and consists of one kind of characters. */
const madeOf = (kind: RegExp) => plain((self) => kind.test(self));

const splitter = (split: typeof texts.split): Method => ({
  signature: 'sep? maxsplit?',
  run: (self, [separator, most]) => {
    allowText(self.length);
    const parts = split(self, optionalText(separator), wantInt(most, -1));
    allowElements(parts.length);
    return parts;
  },
});

const justified = (before: (missing: number, width: number) => number): Method => ({
  signature: 'width fillchar? /',
  run: (self, [width, fill], isMarked) => {
    const filler = fill === undefined ? ' ' : inserted(fill, isMarked);
    if (countCharacters(filler) !== 1) {
      throw new TemplateError('The fill character must be exactly one character long');
    }
    const total = wantInt(width, 0);
    const missing = Math.max(0, total - countCharacters(self));
    allowText(self.length + missing * filler.length);
    const left = before(missing, total);
    return filler.repeat(left) + self + filler.repeat(missing - left);
  },
});

/** Parts a text at a separator: what stands before it, itself, and what stands after it. */
const parter = (last: boolean): Method => ({
  signature: 'sep /',
  run: (self, [separator]) => {
    const wanted = wantText(separator);
    if (wanted === '') throw new TemplateError('empty separator');
    const at = last ? self.lastIndexOf(wanted) : self.indexOf(wanted);
    if (at < 0) return new Tuple(last ? ['', '', self] : [self, '', '']);
    return new Tuple([self.slice(0, at), wanted, self.slice(at + wanted.length)]);
  },
});

const swapCase = (self: string) =>
  self.replace(/[\p{Lu}\p{Ll}\p{Lt}]/gu, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));

/** `str.title`: a letter after anything that is not cased is large. */
const title = (self: string) =>
  self.replace(/(?<![\p{Lu}\p{Ll}\p{Lt}])[\p{Lu}\p{Ll}\p{Lt}][\p{Lu}\p{Ll}\p{Lt}]*/gu, texts.capitalize);

function expandTabs(self: string, size: number): string {
  allowText(self.length + (self.split('\t').length - 1) * Math.max(0, size));
  let column = 0;
  return self.replace(/[\t\n\r]|[^\t\n\r]+/g, (run) => {
    if (run === '\n' || run === '\r') {
      column = 0;
      return run;
    }
    const text = run === '\t' ? ' '.repeat(size > 0 ? size - (column % size) : 0) : run;
    column += countCharacters(text);
    return text;
  });
}

const cased = /[\p{Lu}\p{Ll}\p{Lt}]/u;
export const isLower = (self: string) => cased.test(self) && !/[\p{Lu}\p{Lt}]/u.test(self);
export const isUpper = (self: string) => cased.test(self) && !/[\p{Ll}\p{Lt}]/u.test(self);

/** The methods by name. `format` is elsewhere, since it looks into values. */
export const stringMethods: ReadonlyMap<string, Method> = new Map(
  Object.entries({
    capitalize: plain(texts.capitalize),
    casefold: plain((self) => self.toLowerCase().replaceAll('ß', 'ss').replaceAll('ς', 'σ')),
    center: justified((missing, width) => Math.floor(missing / 2) + (missing & width & 1)),
    count: {
      signature: 'sub start? end? /',
      run: (self, [part, from, to]) => {
        const { part: text, isPlace } = within(self, from, to);
        const wanted = wantText(part);
        if (!isPlace) return 0n;
        return BigInt(wanted === '' ? countCharacters(text) + 1 : text.split(wanted).length - 1);
      },
    },
    endswith: affix((text, part) => text.endsWith(part)),
    expandtabs: { signature: 'tabsize?', run: (self, [size]) => expandTabs(self, wantInt(size, 8)) },
    find: finder(false, false),
    index: finder(false, true),
    isalnum: madeOf(/^[\p{L}\p{N}]+$/u),
    isalpha: madeOf(/^\p{L}+$/u),
    isascii: madeOf(/^[\0-\x7f]*$/),
    isdecimal: madeOf(/^\p{Nd}+$/u),
    isdigit: madeOf(/^[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒]+$/u),
    isidentifier: madeOf(/^[\p{XIDS}_][\p{XIDC}]*$/u),
    islower: plain(isLower),
    isnumeric: madeOf(/^\p{N}+$/u),
    isspace: madeOf(new RegExp(`^[${texts.SPACE}]+$`)),
    istitle: plain((self) => cased.test(self) && title(self) === self),
    isupper: plain(isUpper),
    join: {
      signature: 'iterable /',
      run: (self, [items], isMarked) => {
        const parts = listOf(items!).map((item) => (isMarked ? texts.escaped(item).text : wantText(item)));
        allowText(parts.reduce((sum, part) => sum + part.length + self.length, 0));
        return parts.join(self);
      },
    },
    ljust: justified(() => 0),
    lower: plain((self) => self.toLowerCase()),
    lstrip: stripper({ left: true, right: false }),
    partition: parter(false),
    removeprefix: {
      signature: 'prefix /',
      run: (self, [prefix]) =>
        self.startsWith(wantText(prefix)) ? self.slice(wantText(prefix).length) : self,
    },
    removesuffix: {
      signature: 'suffix /',
      run: (self, [suffix]) =>
        self.endsWith(wantText(suffix)) ? self.slice(0, self.length - wantText(suffix).length) : self,
    },
    replace: {
      signature: 'old new count? /',
      run: (self, [old, by, count], isMarked) =>
        texts.replace(self, wantText(old), inserted(by, isMarked), wantInt(count, -1)),
    },
    rfind: finder(true, false),
    rindex: finder(true, true),
    rjust: justified((missing) => missing),
    rpartition: parter(true),
    rsplit: splitter(texts.splitFromRight),
    rstrip: stripper({ left: false, right: true }),
    split: splitter(texts.split),
    splitlines: {
      signature: 'keepends?',
      run: (self, [keepEnds]) => {
        const lines = texts.splitLines(self, truthy(keepEnds ?? false));
        allowElements(lines.length);
        return lines;
      },
    },
    startswith: affix((text, part) => text.startsWith(part)),
    strip: stripper({ left: true, right: true }),
    swapcase: plain(swapCase),
    title: plain(title),
    upper: plain((self) => self.toUpperCase()),
    zfill: {
      signature: 'width /',
      run: (self, [width]) => {
        const missing = Math.max(0, wantInt(width, 0) - countCharacters(self));
        allowText(self.length + missing);
        const sign = /^[-+]/.exec(self)?.[0] ?? '';
        return sign + '0'.repeat(missing) + self.slice(sign.length);
      },
    },
  } satisfies Record<string, Method>),
);

/** Marks the texts that a method of a marked text returns. */
export function marked(value: Value): Value {
  if (typeof value === 'string') return new Markup(value);
  if (Array.isArray(value)) return (value as readonly Value[]).map(marked);
  return value instanceof Tuple ? new Tuple(value.items.map(marked)) : value;
}
