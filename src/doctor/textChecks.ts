import type { ChatTokenizer } from '../text/tokenizer.js';
import type { RowCheck, SideCheck } from './check.js';
import { finding, ofSide } from './findings.js';
import { quote, type Side, type Specimen } from './specimen.js';

/** Answers to be learned; a rejected one may be as bad as it likes. */
const learned = ({ role }: Side) => role !== 'rejected';

/** The prompt's texts. A text prompt may be a conversation that somebody has put into a template already. */
const messagesOf = ({ record: { prompt } }: Specimen): string[] =>
  typeof prompt === 'string' ? [] : prompt.map(({ content }) => content);

export const noControlTokens: RowCheck = (specimen, { habits: { specialTokens } }) => {
  if (!specialTokens) return [];
  const prompt = messagesOf(specimen).flatMap((text) => {
    const token = specialTokens.exec(text)?.[0];
    return token === undefined ? [] : [finding('control-token', `the prompt has ${token} in it`)];
  });
  const answers = specimen.sides.flatMap(({ role, content }) => {
    const found = specialTokens.exec(content);
    if (!found) return [];
    const where = content.slice(found.index + found[0].length).trim() === '' ? 'at its end' : 'in it';
    return [ofSide(finding('control-token', `the answer has ${found[0]} ${where}`), role)];
  });
  return [...prompt.slice(0, 1), ...answers];
};

const BROKEN: readonly [string, RegExp][] = [
  ['U+FFFD, which stands for what could not be read', /\uFFFD/u],
  // UTF-8 read as Windows-1252: ’ becomes â€™, é becomes Ã©, a no-break space becomes Â and itself.
  ['letters of another encoding', /â€.|Ã[\u0080-\u00BF]|Â[\u0080-\u00BF]/u],
  ['control characters', /(?![\t\n\r])\p{Cc}/u],
  // Zero-width spaces, bidirectional marks, byte order marks; joiners belong to Persian, Hindi and emoji.
  ['invisible characters', /[\u00AD\u200B\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/u],
];

export const soundText: RowCheck = (specimen) => {
  const { record, sides } = specimen;
  const prompts = typeof record.prompt === 'string' ? [record.prompt] : messagesOf(specimen);
  for (const [place, texts] of [
    ['the prompt', prompts],
    ['an answer', sides.map(({ content }) => content)],
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

/** Whether generation starts inside a thought. */
function startsThinking({ prompt }: Specimen, tokenizer: ChatTokenizer): boolean {
  return tokenizer.decode(prompt.subarray(-8)).trimEnd().endsWith('<think>');
}

export const thinkingClosed: SideCheck = (side, specimen, { student: { tokenizer } }) => {
  if (!learned(side)) return [];
  const text = startsThinking(specimen, tokenizer) ? `<think>${side.trainedText()}` : side.content;
  const start = text.lastIndexOf('<think>');
  return start > text.lastIndexOf('</think>')
    ? [finding('thinking-unclosed', `behind ${quote(text.slice(start))} comes no </think>`)]
    : [];
};

export const thinkingOpened: SideCheck = (side, specimen, { student: { tokenizer } }) => {
  const { content } = side;
  const end = content.indexOf('</think>');
  if (!learned(side) || end < 0 || content.slice(0, end).includes('<think>')) return [];
  return startsThinking(specimen, tokenizer)
    ? []
    : [
        finding(
          'thinking-unopened',
          `no <think> comes before ${quote(content.slice(Math.max(0, end - 20)))}`,
        ),
      ];
};

export const notCutOff: SideCheck = (side, { fields }) => {
  if (!learned(side)) return [];
  const { content } = side;
  if (finishReason(fields) === 'length')
    return [finding('cut-off', 'the teacher stopped at its limit of tokens')];
  const end = content.lastIndexOf('</think>');
  if (end >= 0 && content.slice(end + '</think>'.length).trim() === '')
    return [finding('cut-off', 'nothing follows its thinking')];
  const box = content.lastIndexOf('\\boxed{');
  if (box >= 0 && !closes(content, box + '\\boxed'.length))
    return [finding('cut-off', `it ends in ${quote(content.slice(box))}`)];
  return [];
};

/** As rows have it from an endpoint, or trace rows of the generation that was taken. */
function finishReason(fields: Record<string, unknown>): unknown {
  const { finish_reason: own, generation_details: details, chosen_gen_idx: index } = fields;
  if (own !== undefined || !Array.isArray(details) || typeof index !== 'number') return own;
  return (details[index] as { finish_reason?: unknown } | null | undefined)?.finish_reason;
}

/** Whether the brace at `start` is closed again. */
function closes(text: string, start: number): boolean {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return true;
  }
  return false;
}
