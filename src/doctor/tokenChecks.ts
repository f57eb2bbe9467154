import type { TokenRow } from '../text/rows.js';
import { finding } from './findings.js';
import type { RowCheck, SideCheck } from './check.js';
import { quote, thoughtOf, type Side } from './specimen.js';
import type { Student } from './student.js';

/** Among so many last tokens the end token is looked for: a template may write something behind it. */
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
  if (id === undefined) return []; // endTrained says so
  return [finding('end-not-a-stop', `it ends with ${tokenizer.decode([id])}, id ${id}`)];
};

export const oneBos: SideCheck = ({ row }, _, { student: { tokenizer }, habits }) => {
  const { bosTokenId } = tokenizer;
  if (bosTokenId === undefined) return [];
  const first = row.ids.findIndex((id) => id !== bosTokenId);
  const bos = tokenizer.decode([bosTokenId]);
  if (first > 1) return [finding('two-bos', `it begins with ${first} times ${bos}`)];
  if (first === 0 && habits.addsBos) return [finding('no-bos', `it does not begin with ${bos}`)];
  return [];
};

export const promptIsPrefix: SideCheck = ({ row }, { prompt }) => {
  const before = row.ids.subarray(0, row.responseStart);
  if (before.length === prompt.length && before.every((id, i) => id === prompt[i])) return [];
  return [
    finding(
      'prompt-not-prefix',
      `${before.length} tokens come before the answer, generation starts from ${prompt.length}`,
    ),
  ];
};

export const headerNotTrained: SideCheck = (side, { record }, { student, habits }) => {
  if (typeof record.prompt === 'string' || habits.generationPrompt !== '') return [];
  const lead = leadOf(side, student);
  return lead === ''
    ? []
    : [finding('generation-prompt-trained', `${quote(lead)} is trained before the answer`)];
};

export const noEmptyThought: SideCheck = (side, _, { student }) => {
  const lead = leadOf(side, student);
  return lead.endsWith('</think>') && thoughtOf(lead) === ''
    ? [finding('empty-thought', `${quote(lead)} is trained before the answer`)]
    : [];
};

/** Of an answer this many tokens are enough to see that it begins with its own text. */
const HEAD = 64;
const BEGINNING = 16;

/** What is trained before the answer's own text, trimmed; '' also where that text is not found as it is. */
function leadOf({ row, content, trainedText }: Side, { tokenizer }: Student): string {
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

export const historyThinkingKept: RowCheck = ({ record, prompt }, { student: { tokenizer } }) => {
  if (typeof record.prompt === 'string') return [];
  const thoughts = record.prompt.map(({ content }) => thoughtOf(content)).filter((thought) => thought !== '');
  if (thoughts.length === 0) return [];
  const text = tokenizer.decode(prompt);
  const lost = thoughts.filter((thought) => !text.includes(thought));
  return lost.length === 0 ? [] : [finding('history-thinking-dropped', `${quote(lost[0]!)} is left out`)];
};

export const fitsLimit: SideCheck = ({ row }, _, { limit }) =>
  row.ids.length <= limit ? [] : [finding('too-long', `${row.ids.length} tokens, and the limit is ${limit}`)];

export const inVocabulary: SideCheck = ({ row }, _, { student: { vocabSize } }) => {
  const largest = row.ids.reduce((a, b) => Math.max(a, b), 0);
  return largest < vocabSize
    ? []
    : [finding('vocabulary', `id ${largest}, and the model has ${vocabSize} embeddings`)];
};

/** Less than this of a row's tokens is hardly worth its prompt. */
const LEAST_SHARE = 0.01;

export const shareTrained: SideCheck = ({ row }) => {
  const share = (row.ids.length - row.responseStart) / row.ids.length;
  if (share >= LEAST_SHARE) return [];
  return [
    finding('mask-share', `${row.ids.length - row.responseStart} of ${row.ids.length} tokens are trained`),
  ];
};

/** Text on both sides of the boundary that is tokenised again: merges reach over few characters. */
const WINDOW = 24;

/** The end of the prompt, and the same with the beginning of the answer. */
function boundaryTexts(tokenizer: Student['tokenizer'], { ids, responseStart }: TokenRow): [string, string] {
  const tail = tokenizer.decode(ids.subarray(Math.max(0, responseStart - WINDOW), responseStart));
  return [tail, tail + tokenizer.decode(ids.subarray(responseStart, responseStart + WINDOW))];
}

/** Rows in which the tokenizer would join the end of the prompt with the beginning of the answer. */
export async function boundaryMerges(sides: readonly Side[], { tokenizer }: Student): Promise<boolean[]> {
  const tokens = await tokenizer.encodeAll(sides.flatMap(({ row }) => boundaryTexts(tokenizer, row)));
  return sides.map((_, i) => {
    const [tail, both] = [tokens[2 * i]!, tokens[2 * i + 1]!];
    return tail.some((id, at) => both[at] !== id);
  });
}
