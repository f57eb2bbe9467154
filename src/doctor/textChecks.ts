/** @file Checks a row's texts: control tokens, broken characters, thinking, responses that were cut off. */

import { isCutOff, taughtFinishReason } from '../data/finishReasons.js';
import { contentText } from '../text/messages.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import type { PreparedRow, PreparedSide, RowCheck, SideCheck } from './check.js';
import { finding, ofSide, quote } from './findings.js';

/** Tells whether a response is to be learned; the faults of a rejected one do no harm. */
const learned = ({ role }: PreparedSide) => role !== 'rejected';

/** Returns the texts of the prompt's messages. A plain text may be a conversation in a template already. */
const messagesOf = ({ prompt }: PreparedRow): string[] =>
  typeof prompt === 'string' ? [] : prompt.map(contentText);

export const noControlTokens: RowCheck = (row, { traits: { framingTokens } }) => {
  if (!framingTokens) return [];
  const inPrompt = messagesOf(row).flatMap((text) => {
    const token = framingTokens.exec(text)?.[0];
    return token === undefined ? [] : [finding('control-token', `the prompt contains ${token}`)];
  });
  const inResponses = row.sides.flatMap(({ role, content }) => {
    const found = framingTokens.exec(content);
    if (!found) return [];
    const [token] = found;
    const atEnd = content.slice(found.index + token.length).trim() === '';
    const detail = atEnd ? `the response ends with ${token}` : `the response contains ${token}`;
    return [ofSide(finding('control-token', detail), role)];
  });
  return [...inPrompt.slice(0, 1), ...inResponses];
};

const BROKEN: readonly [string, RegExp][] = [
  ['U+FFFD, which stands for undecodable bytes', /\uFFFD/u],
  // UTF-8 read as Windows-1252: ’ becomes â€™, é becomes Ã©, a no-break space becomes Â and itself.
  ['wrongly decoded letters', /â€.|Ã[\u0080-\u00BF]|Â[\u0080-\u00BF]/u],
  ['control characters', /(?![\t\n\r])\p{Cc}/u],
  // Zero-width spaces, bidirectional marks, byte order marks; joiners belong to Persian, Hindi and emoji.
  ['invisible characters', /[\u00AD\u200B\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/u],
];

export const soundText: RowCheck = (row) => {
  const { prompt, sides } = row;
  const prompts = typeof prompt === 'string' ? [prompt] : messagesOf(row);
  for (const [place, texts] of [
    ['the prompt', prompts],
    ['a response', sides.map(({ content }) => content)],
  ] as const) {
    for (const text of texts) {
      for (const [what, pattern] of BROKEN) {
        const at = text.search(pattern);
        if (at >= 0)
          return [
            finding(
              'broken-text',
              `${place} has ${what} near ${quote(text.slice(Math.max(0, at - 20), at))}`,
            ),
          ];
      }
    }
  }
  return [];
};

/** Tells whether generation starts inside a thought. */
function startsThinking({ promptIds }: PreparedRow, tokenizer: ChatTokenizer): boolean {
  return tokenizer.decode(promptIds.subarray(-8)).trimEnd().endsWith('<think>');
}

export const thinkingClosed: SideCheck = (side, row, { student: { tokenizer } }) => {
  if (!learned(side)) return [];
  const text = startsThinking(row, tokenizer) ? `<think>${side.trainedText()}` : side.content;
  const start = text.lastIndexOf('<think>');
  return start > text.lastIndexOf('</think>')
    ? [finding('thinking-unclosed', `no </think> follows ${quote(text.slice(start))}`)]
    : [];
};

export const thinkingOpened: SideCheck = (side, row, { student: { tokenizer } }) => {
  const { content } = side;
  const end = content.indexOf('</think>');
  if (!learned(side) || end < 0 || content.slice(0, end).includes('<think>')) return [];
  return startsThinking(row, tokenizer)
    ? []
    : [finding('thinking-unopened', `no <think> precedes ${quote(content.slice(Math.max(0, end - 20)))}`)];
};

export const notCutOff: SideCheck = (side, { fields }) => {
  if (!learned(side)) return [];
  const { content } = side;
  const reason = taughtFinishReason(fields);
  if (isCutOff(reason)) return [finding('cut-off', `the teacher stopped with ${quote(reason!)}`)];
  const end = content.lastIndexOf('</think>');
  if (end >= 0 && content.slice(end + '</think>'.length).trim() === '')
    return [finding('cut-off', 'nothing follows its thinking')];
  const box = content.lastIndexOf('\\boxed{');
  if (box >= 0 && !closes(content, box + '\\boxed'.length))
    return [finding('cut-off', `it ends in ${quote(content.slice(box))}`)];
  return [];
};

/** Tells whether the brace at `start` is closed again. */
function closes(text: string, start: number): boolean {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return true;
  }
  return false;
}
