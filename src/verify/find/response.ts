/** @file Finds the part of a model's output that is its response: no thinking, no further turns, no invented questions. */

import { withPlainSigns } from '../parse/characters.js';
import { isRefused } from './denial.js';
import { withoutPadding } from './padding.js';
import { isStillThinking, textAfterThinking } from './thinking.js';

/** Limits the characters of a response, counted from its end, in which a box, a phrase or a number is searched for. */
export const MAX_RESPONSE = 120_000;

/** Texts of the tokens at which a turn ends or the next one begins. gpt-oss goes on behind `<|end|>`. */
const TURN_ENDS =
  /<\|(?:im_start|im_end|endoftext|end_of_text|eot_id|eom_id|eos|return|call|start_header_id|user|User)\|>|<\/s>|<(?:end_of_turn|start_of_turn|eos)>|<｜(?:end▁of▁sentence|User)｜>|\[\/?INST\]|<\|end\|>(?!\s*<\|start\|>assistant)|<\|start\|>user/;

const ANSWER = '(?:answer|réponse|respuesta|antwort|risposta|resposta|ответ|答案|答え|回答)';
/** What says that a text has given its answer. Each word is looked for once, however often it stands in a row. */
const STATED = new RegExp(
  `\\\\[bf]box|\\\\boxed|####\\s*[-$\\d\\\\]|<\\/answer>|${ANSWER}(?:(?!${ANSWER})[^\\n]){0,40}?(?:\\bis\\b|[:=：是])`,
  'iu',
);
/** What no text lacks in which `STATED` finds something. */
const MAY_STATE = /\bis\b|[:=：是]|box|####|<\/answer>/i;
/** What no text lacks in which `MAY_STATE` finds something: single characters are found sooner. */
const SIGNS_OF_STATING = /[isbx:=：是#<]/i;
/**
 * A question that the model asks itself after its answer, at the beginning of a line. Bounded, since lines may be blank; those that
 * begin with another letter are left at once.
 */
const NEXT_QUESTION =
  /(?:\n|<\/answer>)(?![ \t>*#]{0,20}[^ \t>*#nqpeihustвf问])[ \t>*#]{0,20}(?:Next )?(?:Question|Problem|Exercise|Example|Instruction|Human|User|Student|Task|Input|Q|Вопрос|Pregunta|Frage|问题)[ \t]{0,5}\d{0,5}[ \t*]{0,5}(?:[:：.]|(?<=\n[ \t>]{0,4}[*#][^\n]{0,40})\n)/giu;

/** A story of a line that ends in its question, behind a blank line, and its answer: base models go on so without a heading. */
const NEXT_STORY =
  /\n\n(?=[A-Z][^\n?]{20,600}(?:How|What|Find|Calculate)[^\n?]{5,200}\?[ \t]*\n[^]{0,2000}?answer)/;

/** What a model says after its thinking. */
export interface Response {
  /** The text in which the answer is searched for. */
  readonly text: string;
  /** What it marks as its answer and nothing else, in `<answer>` tags or under the key "answer" of a JSON object. */
  readonly marked: string | undefined;
  /** Whether it was longer and says before `text` what the answer is: then no number is guessed to be it. */
  readonly isCut: boolean;
}

/**
 * Gives the part of an output in which the answer is searched for: up to the next turn, what follows the thinking
 * unless nothing does, and up to a question that the model asks itself after its answer. Undefined if `afterThinking`
 * is set and no thinking ends.
 */
export function responseOf(output: string, afterThinking: boolean): Response | undefined {
  const turn = output.search(TURN_ENDS);
  const own = (turn > 0 ? output.slice(0, turn) : output).trimEnd();
  // A question that the model asks itself may have its own thinking.
  const first = textAfterThinking(own, 'first');
  if (first === undefined && afterThinking) return undefined;
  const said = first === undefined ? undefined : beforeNextQuestion(first);
  const answer = said === undefined ? undefined : (textAfterThinking(said, 'last') ?? said);
  const response =
    answer === undefined || (answer.trim() === '' && !afterThinking) ? beforeNextQuestion(own) : answer;
  const marked = markedAnswer(response);
  const { last, before } = lastPart(response);
  return {
    // Blanks in a row separate no more than a few.
    text: plainText(last)
      .replace(PICTURES, ' ')
      .replace(/[ \t~]{4,}/g, '   ')
      .replace(/\n\s*\n/g, '\n\n')
      // All lines are quoted.
      .replace(/^>\s?[^\n]*(?:\n>\s?[^\n]*)+\s*$/, (quoted) => quoted.replace(/^>\s?/gm, '')),
    marked: marked === undefined ? undefined : plainText(marked.slice(-MAX_RESPONSE)),
    isCut: statedIn(before) !== null,
  };
}

/** Finds the first place at which a text says what the answer is. */
const statedIn = (text: string): RegExpExecArray | null =>
  SIGNS_OF_STATING.test(text) && MAY_STATE.test(text) ? STATED.exec(text) : null;

/**
 * Whether an output has the form of a response: thinking that it begins with has ended, and what follows says what its answer is, in a
 * box, behind "the answer is" or a mark.
 */
export const isInForm = (output: string): boolean =>
  !isStillThinking(output) && statedIn(textAfterThinking(output) ?? output) !== null;

/** Drops comments, what is struck out and marks that are not shown, and writes all signs as the plain ones. */
const plainText = (text: string): string =>
  withPlainSigns(
    text.replace(
      /<!--[^]{0,2000}?-->|<\/?(?:b|strong|i|em|u|mark|p|div|span|center)>|~~(?=\S)[^~\n]{0,300}~~|<(s|del)>[^<\n]{0,300}<\/\1>|<<[^<>\n]{0,100}>>|<\|(?:begin|end)_of_(?:solution|answer)\|>/g,
      '',
    ),
  );

/** The characters that are looked at together, from the end. */
const CHUNK = 2 * MAX_RESPONSE;

/** Emoji and ticks, which say nothing; a cross may say that something is wrong. */
const PICTURES = /(?![❌✖✗✘©®™])[\p{Extended_Pictographic}✓✔☑]\ufe0f?/gu;

/** Limits the characters within which the last part of a text begins with a line or sentence, if one begins there. */
const BEGINNING = 2000;

/**
 * Gives the last characters of a long text, from the beginning of a line or sentence, and what stands before them. Padding counts
 * as a few characters, so that it hides no answer. Only the last box with its line where the last part has none.
 */
function lastPart(text: string): { last: string; before: string } {
  if (text.length <= MAX_RESPONSE) return { last: text, before: '' };
  let whole = '';
  let start = text.length;
  while (start > 0 && whole.length < MAX_RESPONSE) {
    const chunk = text.slice(Math.max(0, start - CHUNK), start);
    whole = withoutPadding(chunk) + whole;
    start = Math.max(0, start - CHUNK);
  }
  if (start === 0 && whole.length <= MAX_RESPONSE) return { last: whole, before: '' };
  const part = whole.slice(-MAX_RESPONSE);
  const before = text.slice(0, start) + whole.slice(0, -MAX_RESPONSE);
  // A box ranks before what is said later.
  const box = /boxed\s?\{/.test(part) || !text.includes('boxed{') ? -1 : before.lastIndexOf('boxed{');
  if (box >= 0)
    return {
      last: (before + part).slice(
        before.lastIndexOf('\n', box) + 1 || Math.max(0, box - BEGINNING),
        box + 2 * BEGINNING,
      ),
      before,
    };
  const line = part.slice(0, BEGINNING).search(/(?<=\n|[.!?]\s)[^]/);
  const blank = part.slice(BEGINNING).search(/\s/);
  const from = line >= 0 ? line : blank >= 0 ? BEGINNING + blank : part.length;
  return { last: part.slice(from), before };
}

function beforeNextQuestion(response: string): string {
  // Padding takes longer to look through than it says.
  const text = response.length > MAX_RESPONSE ? withoutPadding(response) : response;
  const stated = statedIn(text);
  if (!stated) return text;
  NEXT_QUESTION.lastIndex = stated.index;
  const next = NEXT_QUESTION.exec(text);
  if (next) return text.slice(0, next.index);
  const story = NEXT_STORY.exec(text.slice(stated.index));
  const end = stated.index + (story?.index ?? 0);
  // "Answer: Let us see." has stated nothing.
  return /\d/.test(text.slice(stated.index, end)) ? text.slice(0, end) : text;
}

const TAGGED = /<(?:final_?)?answer>([^]*?)(?:<\/(?:final_?)?answer>|$)/gi;
const KEY =
  /"(?:final[_ ]?)?(?:answer|result|solution)"\s*:\s*(?:("(?:[^"\\\n]|\\.){0,4000}")|(-?[\d.][\d.eE+-]{0,60})(?=\s{0,9}(?:[,}\]\n]|$)))/gi;

/**
 * Gives the text that a response marks as its answer and nothing else: in `<answer>` tags or under the key "answer" of
 * a JSON object. Undefined where it marks none so.
 */
function markedAnswer(text: string): string | undefined {
  const end = text.slice(-CHUNK);
  const response = withoutComments(/<answer>|"answer"/i.test(end) ? end : text);
  const tag = [...response.matchAll(TAGGED)].at(-1);
  if (tag)
    return isRefused(response, { start: tag.index, end: tag.index + tag[0].length }) ? '' : tag[1]!.trim();
  if (!response.includes('{') || !response.includes('"')) return undefined;
  if (!/^\s{0,1000}(?:```\w*\s{0,9})?\{|```(?:json)?\s*\{|\n\{\s{0,9}"/.test(response)) return undefined;
  const found = [...response.matchAll(KEY)].at(-1);
  if (!found) return undefined;
  return found[1] === undefined ? found[2] : unquoted(found[1]);
}

/** Drops comments, `<!-- … -->`, in one pass. */
function withoutComments(text: string): string {
  let plain = '';
  let from = 0;
  for (let open = text.indexOf('<!--'); open >= 0; open = text.indexOf('<!--', from)) {
    const close = text.indexOf('-->', open);
    if (close < 0) break;
    plain += text.slice(from, open);
    from = close + 3;
  }
  return plain + text.slice(from);
}

/** Reads a JSON string; one with LaTeX's single backslashes as it is written. */
function unquoted(quoted: string): string {
  try {
    // \\f of \\frac and \\t of \\times are escapes to JSON, but not meant so.
    if (!/(?<!\\)(?:\\\\)*\\(?:[bfnrt][a-z]|u(?![0-9a-f]{4}))/i.test(quoted))
      return String(JSON.parse(quoted));
  } catch {
    // It is read as it is written.
  }
  return quoted.slice(1, -1).replace(/\\"/g, '"');
}
