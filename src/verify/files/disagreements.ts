/** @file Describes, for people to read, the responses on which the rules and the judge differ. */

import { textAfterThinking } from '../find/thinking.js';
import type { Assessment, RowToVerify } from './verifiedRows.js';

/** The heading of the file of disagreements. */
export const DISAGREEMENTS_TITLE = `# Where the rules and the judge differ

One section per response. A right answer that the rules call wrong would be trained against; a wrong one that they call
right would be imitated.
`;

const SHOWN_CHARS = 2000;

/** Tells whether the judge contradicts the rules, whose verdict is `reparsed`: the one that the curation rules use. */
export function disagrees({ reparsed, judgement }: Assessment): boolean {
  return typeof judgement?.correct === 'boolean' && judgement.correct !== reparsed;
}

/** Writes a section of Markdown about response `index` (from 0) of the row, on which the two verdicts differ. */
export function describeDisagreement(
  { file, line, problem, responses, trace }: RowToVerify,
  index: number,
  { verdict, reparsed, judgement }: Assessment,
): string {
  const { golds, text } = responses[index]!;
  const side = (right: boolean) => (right ? 'right' : 'wrong');
  const place = `${file}, line ${line}${trace ? `, generation ${index + 1}` : ''}`;
  const against = golds.length > 1 ? ` against the first reference answer` : '';
  return [
    `\n## ${place}: rules say ${side(reparsed)}, judge says ${side(judgement!.correct!)}\n`,
    `* Rules: ${verdict.reason} (${verdict.stage})${against}`,
    `* Judge: ${judgement!.explanation.replace(/\s+/g, ' ').trim() || 'no explanation'}`,
    fenced('Problem', problem ?? '(not given)'),
    fenced(golds.length > 1 ? 'Reference answers' : 'Reference answer', golds.join('\n')),
    fenced('Answer found', verdict.extracted ?? '(none)'),
    fenced('End of the response', endOf(text)),
    '',
  ].join('\n');
}

/** Gives the last characters of what follows the thinking, or of the whole response where nothing does. */
function endOf(response: string): string {
  const answer = textAfterThinking(response)?.trim() ?? '';
  const text = answer === '' ? response.trim() : answer;
  return text.length <= SHOWN_CHARS
    ? text
    : `[…] ${text.slice(-SHOWN_CHARS).replace(/^[\uDC00-\uDFFF]/, '')}`;
}

/** Quotes a text as it is, whatever Markdown it contains: the fence is longer than any run of backticks in it. */
function fenced(title: string, text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `\n${title}:\n\n${fence}text\n${text}\n${fence}`;
}
