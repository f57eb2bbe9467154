/** @file Checks a row's tokens: what is trained, where responses begin and end, ids and lengths. */

import { contentText } from '../text/messages.js';
import type { TokenRow } from '../text/tokenRows.js';
import type { PreparedSide, RowCheck, SideCheck } from './check.js';
import { finding, quote } from './findings.js';
import type { Student } from './student.js';
import { thoughtOf } from './thinking.js';

/** How many last tokens are searched for the end token: a template may write something after it. */
const TAIL = 8;

export const endTrained: SideCheck = ({ row }, _, { student: { tokenizer } }) => {
  const tail = row.ids.subarray(Math.max(row.responseStart, row.ids.length - TAIL));
  if (tokenizer.stopTokenIds.some((id) => tail.includes(id))) return [];
  return [finding('end-not-trained', `its last trained tokens are ${quote(tokenizer.decode(tail))}`)];
};

export const endKnownElsewhere: SideCheck = ({ row }, _, { student: { tokenizer } }) => {
  const tail = row.ids.subarray(Math.max(row.responseStart, row.ids.length - TAIL));
  if (tokenizer.namedStopTokenIds.some((id) => tail.includes(id))) return [];
  const id = tail.find((candidate) => tokenizer.stopTokenIds.includes(candidate));
  if (id === undefined) return []; // which endTrained finds
  return [finding('end-not-a-stop', `it ends with ${tokenizer.decode([id])}, id ${id}`)];
};

export const oneBos: SideCheck = ({ row }, _, { student: { tokenizer }, traits }) => {
  const { bosTokenId } = tokenizer;
  if (bosTokenId === undefined) return [];
  const first = row.ids.findIndex((id) => id !== bosTokenId);
  const bos = tokenizer.decode([bosTokenId]);
  if (first > 1) return [finding('two-bos', `it begins with ${first} × ${bos}`)];
  if (first === 0 && traits.addsBos) return [finding('no-bos', `it does not begin with ${bos}`)];
  return [];
};

export const promptIsPrefix: SideCheck = ({ row }, { promptIds }) => {
  const before = row.ids.subarray(0, row.responseStart);
  if (before.length === promptIds.length && before.every((id, i) => id === promptIds[i])) return [];
  return [
    finding(
      'prompt-not-prefix',
      `${before.length} tokens come before the response, but generation starts from ${promptIds.length}`,
    ),
  ];
};

export const headerNotTrained: SideCheck = (side, { prompt }, { student, traits }) => {
  if (typeof prompt === 'string' || traits.generationPrompt !== '') return [];
  const lead = leadOf(side, student);
  return lead === ''
    ? []
    : [finding('generation-prompt-trained', `${quote(lead)} is trained before the response`)];
};

export const noEmptyThought: SideCheck = (side, _, { student }) => {
  const lead = leadOf(side, student);
  return lead.endsWith('</think>') && thoughtOf(lead) === ''
    ? [finding('empty-thought', `${quote(lead)} is trained before the response`)]
    : [];
};

/** How many tokens, and how many characters, show that a response begins with its own text. */
const HEAD = 64;
const BEGINNING = 16;

/** Returns the text that is trained before the response's own, trimmed; '' also if its own text is not found. */
function leadOf({ row, content, trainedText }: PreparedSide, { tokenizer }: Student): string {
  const text = content.trim();
  const head = tokenizer.decode(row.ids.subarray(row.responseStart, row.responseStart + HEAD));
  if (head.trimStart().startsWith(text.slice(0, BEGINNING))) return '';
  const trained = trainedText();
  const at = trained.lastIndexOf(text);
  return at < 0 ? '' : trained.slice(0, at).trim();
}

export const reasoningTrained: SideCheck = ({ reasoning, trainedText }) =>
  reasoning === undefined || trainedText().includes(reasoning)
    ? []
    : [
        finding(
          'thinking-dropped',
          `the message's separate thinking, ${quote(reasoning)}, is not in what the template writes`,
        ),
      ];

export const historyThinkingKept: RowCheck = ({ prompt, promptIds }, { student: { tokenizer } }) => {
  if (typeof prompt === 'string') return [];
  const thoughts = prompt
    .map((message) => thoughtOf(contentText(message)))
    .filter((thought) => thought !== '');
  if (thoughts.length === 0) return [];
  const text = tokenizer.decode(promptIds);
  const dropped = thoughts.filter((thought) => !text.includes(thought));
  return dropped.length === 0
    ? []
    : [finding('history-thinking-dropped', `${quote(dropped[0]!)} is left out`)];
};

export const fitsLimit: SideCheck = ({ row }, _, { limit }) =>
  row.ids.length <= limit
    ? []
    : [finding('too-long', `it has ${row.ids.length} tokens, and the limit is ${limit}`)];

export const inVocabulary: SideCheck = ({ row }, _, { student: { vocabSize } }) => {
  const largest = row.ids.reduce((a, b) => Math.max(a, b), 0);
  return largest < vocabSize
    ? []
    : [finding('vocabulary', `it has id ${largest}, and the model has ${vocabSize} embeddings`)];
};

/** The least share of a row's tokens that is worth its prompt. */
const LEAST_SHARE = 0.01;

export const shareTrained: SideCheck = ({ row }) => {
  const share = (row.ids.length - row.responseStart) / row.ids.length;
  if (share >= LEAST_SHARE) return [];
  return [
    finding('mask-share', `${row.ids.length - row.responseStart} of ${row.ids.length} tokens are trained`),
  ];
};

/** Tokens on each side of the boundary that are tokenised again: merges reach over few characters. */
const WINDOW = 24;

/** Returns the end of the prompt, and the same with the beginning of the response. */
function boundaryTexts(tokenizer: Student['tokenizer'], { ids, responseStart }: TokenRow): [string, string] {
  const tail = tokenizer.decode(ids.subarray(Math.max(0, responseStart - WINDOW), responseStart));
  return [tail, tail + tokenizer.decode(ids.subarray(responseStart, responseStart + WINDOW))];
}

/** How many of a response's first tokens are compared. */
const COMPARED = 12;

/**
 * Tells for each response whether prompt and response as one text have other tokens at the boundary: one that reaches
 * over it, or none where the row has one (a SentencePiece tokenizer puts a space before a text by itself).
 */
export async function boundaryMerges(
  sides: readonly PreparedSide[],
  { tokenizer }: Student,
): Promise<boolean[]> {
  const tokens = await tokenizer.encodeAll(sides.flatMap(({ row }) => boundaryTexts(tokenizer, row)));
  return sides.map(({ row: { ids, responseStart } }, i) => {
    const [tail, both] = [tokens[2 * i]!, tokens[2 * i + 1]!];
    const response = ids.subarray(responseStart, responseStart + COMPARED);
    return [...tail, ...response].some((id, at) => both[at] !== id);
  });
}

/** Columns that objectives take for natural log-probs of the row's tokens. */
const LOG_PROBS = ['behaviour', 'teacher', 'hindsight'];
/** Rounding may leave so much above 0. */
const ROUNDING = 1e-3;

export const logProbsBelowZero: SideCheck = ({ row: { columns = {} } }) =>
  LOG_PROBS.flatMap((name) => {
    const at = columns[name]?.findIndex((value) => value > ROUNDING) ?? -1;
    return at === -1 ? [] : [finding('no-log-prob', `"${name}" has ${columns[name]![at]!} for token ${at}`)];
  });
