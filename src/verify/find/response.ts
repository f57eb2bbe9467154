/** @file Finds the part of a model's output that is its response: no thinking, no further turns, no invented questions. */

import { withPlainSigns } from '../parse/characters.js';
import { textAfterThinking } from './thinking.js';

/** Limits the characters of a response, counted from its end, in which the answer is searched for. */
const MAX_RESPONSE = 120_000;

/** Texts of the tokens at which a turn ends or the next one begins. gpt-oss goes on behind `<|end|>`. */
const TURN_ENDS =
  /<\|(?:im_start|im_end|endoftext|end_of_text|eot_id|eom_id|eos|return|call|start_header_id|user|User)\|>|<\/s>|<(?:end_of_turn|start_of_turn|eos)>|<｜(?:end▁of▁sentence|User)｜>|\[\/?INST\]|<\|end\|>(?!\s*<\|start\|>assistant)|<\|start\|>user/;

/** What says that a text has given its answer. */
const STATED =
  /\\[bf]box|\\boxed|####\s*[-$\d\\]|<\/answer>|(?:answer|réponse|respuesta|antwort|risposta|resposta|ответ|答案|答え|回答)[^\n]{0,40}?(?:\bis\b|[:=：是])/iu;
/** A question that the model asks itself after its answer, at the beginning of a line. Bounded, since lines may be blank. */
const NEXT_QUESTION =
  /(?:\n|<\/answer>)[ \t>*#]{0,20}(?:Question|Problem|Exercise|Example|Instruction|Human|User|Q|Вопрос|Pregunta|Frage|问题)[ \t]{0,5}\d{0,5}[ \t*]{0,5}[:：.]/giu;

/**
 * Gives the part of an output in which the answer is searched for: up to the next turn, what follows the thinking
 * unless nothing does, and up to a question that the model asks itself after its answer. Undefined if `afterThinking`
 * is set and no thinking ends.
 */
export function responseText(output: string, afterThinking: boolean): string | undefined {
  const turn = output.search(TURN_ENDS);
  const own = lastPart((turn > 0 ? output.slice(0, turn) : output).trimEnd()).replace(
    /<<[^<>\n]{0,100}>>|<\|(?:begin|end)_of_(?:solution|answer)\|>/g,
    '',
  );
  const answer = textAfterThinking(own);
  if (answer === undefined && afterThinking) return undefined;
  const response = answer === undefined || (answer.trim() === '' && !afterThinking) ? own : answer;
  return withPlainSigns(beforeNextQuestion(response));
}

/** Gives the last characters of a long text. Blanks in a row count as one or two, so that padding hides no answer. */
function lastPart(text: string): string {
  if (text.length <= MAX_RESPONSE) return text;
  const isBlank = (at: number) => text.charCodeAt(at) <= 32;
  let start = text.length;
  for (let left = MAX_RESPONSE; left > 0 && start > 0; left--) {
    if (isBlank(--start)) while (start > 0 && isBlank(start - 1)) start--;
  }
  return text
    .slice(start)
    .replace(/\n\s*\n/g, '\n\n')
    .replace(/[^\S\n]{2,}/g, ' ');
}

function beforeNextQuestion(response: string): string {
  const stated = STATED.exec(response);
  if (!stated) return response;
  NEXT_QUESTION.lastIndex = stated.index;
  const next = NEXT_QUESTION.exec(response);
  return next ? response.slice(0, next.index) : response;
}

const TAGGED = /<answer>([^]*?)(?:<\/answer>|$)/gi;
const KEY =
  /"(?:final[_ ]?)?(?:answer|result|solution)"\s*:\s*(?:("(?:[^"\\\n]|\\.){0,4000}")|(-?[\d.][\d.eE+-]{0,60}))/gi;

/**
 * Gives the text that a response marks as its answer and nothing else: in `<answer>` tags or under the key "answer" of
 * a JSON object. Undefined where it marks none so.
 */
export function markedAnswer(response: string): string | undefined {
  const tagged = [...response.matchAll(TAGGED)].at(-1)?.[1];
  if (tagged !== undefined) return tagged.trim();
  if (!/^\s*(?:```\w*\s*)?\{|```(?:json)?\s*\{/.test(response)) return undefined;
  const found = [...response.matchAll(KEY)].at(-1);
  if (!found) return undefined;
  return found[1] === undefined ? found[2] : unquoted(found[1]);
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
