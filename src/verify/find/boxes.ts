/**
 * @file Finds `\boxed{…}` in responses. The graders for comparability have their own reading
 * (graders/boxedAnswer.ts).
 */

/** One `\boxed{…}` of a text; `end` is the offset after its closing brace. */
export interface Box {
  readonly start: number;
  readonly end: number;
  readonly content: string;
}

/** A box; one whose `\b` was read as an escape or lost needs its brace. */
const BOX =
  /\\(?:[bf]|frame)(?:oxed|box)\s{0,3}(?:(\{)|([^\s{}$\\]+))?|(?:\u0008|(?<![\\\p{L}])b?)oxed(\{)/gu;

/** Limits the boxes that are considered, counted from the end. */
const MAX_BOXES = 40;

/**
 * Finds the outermost `\boxed` and `\fbox` of a text, in order. The last one may lack its closing brace: then it ends
 * with its line. Takes one pass over the text, however its braces nest.
 */
export function findBoxes(text: string): Box[] {
  const opens = new Map<number, number>();
  const bare: Box[] = [];
  for (const match of text.matchAll(BOX)) {
    const end = match.index + match[0].length;
    if ((match[1] ?? match[3]) !== undefined) opens.set(end - 1, match.index);
    else if (match[2] !== undefined) bare.push({ start: match.index, end, content: match[2] });
  }
  if (opens.size === 0) return bare.slice(-1);
  const boxes: Box[] = [];
  const open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '{') open.push(at);
    else if (character === '}') {
      const from = open.pop();
      const start = from === undefined ? undefined : opens.get(from);
      if (start === undefined) continue;
      // A box around others closes after them.
      while (boxes.length > 0 && boxes.at(-1)!.start > start) boxes.pop();
      boxes.push({ start, end: at + 1, content: text.slice(from! + 1, at) });
    }
  }
  const unclosed = open.filter((at) => opens.has(at)).at(-1);
  if (unclosed !== undefined && unclosed > (boxes.at(-1)?.end ?? 0)) {
    const content = /[^\n$]*/.exec(text.slice(unclosed + 1))![0];
    boxes.push({ start: opens.get(unclosed)!, end: unclosed + 1 + content.length, content });
  }
  return boxes
    .filter((box) => box.content.trim() !== '')
    .slice(-MAX_BOXES)
    .map((box) => ({ ...box, content: box.content.replace(/^\s*\\boxed\s?\{([^]*)\}\s*$/, '$1') }));
}

/** Joins the contents of boxes that are one answer; immediate repetitions count once. */
export function joined(boxes: readonly Box[]): string {
  const contents = boxes.map((box) => box.content.trim());
  return contents.filter((content, index) => content !== contents[index - 1]).join(', ');
}

/**
 * Gives the last box with those before it that belong to the same answer: a box less than ten characters away, or one
 * with another value less than 70 away, with a comma, "and" or "or" and no new clause between them, or one for another part,
 * case or quantity.
 */
export function lastGroup(text: string, boxes: readonly Box[]): Box[] {
  const group = boxes.slice(-1);
  for (let index = boxes.length - 2; index >= 0; index--) {
    const [box, next] = [boxes[index]!, group[0]!];
    const between = text.slice(box.end, Math.min(next.start, box.end + 70));
    const isOther = box.content.trim() !== next.content.trim();
    const near = next.start - box.end < 10;
    const listed =
      next.start - box.end < 70 && /\band\b|\bor\b|[,;]/.test(between) && !NEW_CLAUSE.test(between);
    const parts = isOther && areParts(text, index > 0 ? boxes[index - 1]!.end : 0, box, next);
    if (!parts && (LEADS_ON.test(between) || (!near && !(isOther && listed)))) break;
    group.unshift(box);
  }
  return group;
}

/** Limits the characters between boxes for two parts of an answer. */
const APART = 250;
/** What the box is for: "(a)", "Part 2", "Case 1", "If n is even", "For part b". */
const PART =
  /(?:^|[.;]\s|\n)[\s#*>-]*(?:(?:for\s)?\(?(?:part|case|question|problem)\s\(?[a-h\divx]{1,3}\)?|\(?[a-h]\)|\(?(?:i{1,3}|iv|v)\)|(?:if|when|for)\s(?!all|every|each|example)[^.\n:,]{1,40}[:,])/giu;
/** A quantity's name before its value: "Length:", "**Width** =", "The maximum value is", "Tom gets". */
const QUANTITY =
  /(?:^|\n|[.;]\s)[\s*>$-]*(\p{L}[\p{L} ]{0,40}?)\**\s?(?:[:=]|\s(?:is|gets|has|equals))\**[\s$*\\([]*$/u;
/** Names of what is no part, but leads to the answer or is it. */
const WHOLE =
  /^(?:step\b.*|.*\b(?:answer|result|total|final|finally|sum|solution|check|so|thus|hence|therefore)\b.*|[a-z])$/i;

/** Tells whether two boxes are for two parts: both have a mark of one before them, or the name of a quantity. */
function areParts(text: string, from: number, box: Box, next: Box): boolean {
  if (next.start - box.end > APART) return false;
  const before = text.slice(Math.max(from, box.start - APART), box.start);
  const between = text.slice(box.end, next.start);
  const marks = [before, between].map((piece) => [...piece.matchAll(PART)].at(-1)?.[0]);
  if (marks.every((mark) => mark !== undefined)) return true;
  const clauses = [box, next].map((one) => clauseAround(text, one));
  const isContrast = CONTRASTS.some(([one, other]) => {
    const [first, second] = clauses.map((clause) => [one.test(clause), other.test(clause)]);
    return first![0] !== first![1] && second![0] !== second![1] && first![0] !== second![0];
  });
  if (isContrast) return true;
  const names = [before, between].map((piece) => QUANTITY.exec(piece)?.[1]?.trim());
  return names.every((name) => name !== undefined && !WHOLE.test(name)) && names[0] !== names[1];
}

/** What one box is for and another is not: "for even n". */
const CONTRASTS = [
  [/\beven\b/i, /\bodd\b/i],
  [/\bmaximum\b/i, /\bminimum\b/i],
  [/\blargest\b/i, /\bsmallest\b/i],
] as const;

/** Gives the sentence around a box. */
function clauseAround(text: string, { start, end }: Box): string {
  const before = text
    .slice(Math.max(0, start - 80), start)
    .split(/[.!?]\s|\n/)
    .at(-1)!;
  return before + text.slice(end, end + 80).split(/[.!?](?=\s|$)|\n/, 1)[0]!;
}

/** Leaves out the boxes that are denied where they stand, "not \boxed{15} but \boxed{12}", unless all are. */
export function statedBoxes(text: string, boxes: readonly Box[]): readonly Box[] {
  const stated = boxes.filter(
    ({ start, end }) =>
      !/(?<!\p{L})not[\s$]{1,3}$/iu.test(text.slice(Math.max(0, start - 8), start)) &&
      !/^[\s$]{1,3}(?:is|was) not[.,;]?(?=\s*$|[.,;]\s)/.test(text.slice(end, end + 12)),
  );
  return stated.length > 0 ? stated : boxes;
}

/** Between two boxes: the second is what comes of the first. */
const LEADS_ON =
  /\b(?:answer|total|final|finally|sum|result|altogether|giving|gives|so that)\b|[-+*\/×]\s?\w{0,9}\s?=|\d[a-z]\s?=|^\s?=|\\(?:times|cdot)|[×·]/i;

const NEW_CLAUSE = /\b(?:but|thus|so|hence|therefore|then|because|since)\b|\.\s|\n\s*\n/;
