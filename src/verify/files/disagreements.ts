import { endOf } from '../../teacher/judgePrompt.js';
import type { Finding, RowToVerify } from './verifiedRows.js';

/** The head of the file of disagreements. */
export const DISAGREEMENTS_TITLE = `# Where the rules and the judge differ

One section an answer. A right answer that the rules call wrong would be trained against; a wrong one that they call
right would be imitated.
`;

const SHOWN_CHARS = 2000;

/** The rules' verdict that the judge's is held against is the one that the named rules (LandMV, …) use. */
export function disagrees({ reparsed, judgement }: Finding): boolean {
  return typeof judgement?.correct === 'boolean' && judgement.correct !== reparsed;
}

/** A section of Markdown about the row's answer number `index` (from 0), on which the two verdicts differ. */
export function describeDisagreement(
  { file, line, problem, candidates, trace }: RowToVerify,
  index: number,
  { verdict, reparsed, judgement }: Finding,
): string {
  const { golds, text } = candidates[index]!;
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
    fenced('End of the response', endOf(text, SHOWN_CHARS)),
    '',
  ].join('\n');
}

/** The text as it is, whatever Markdown it holds: the fence is longer than any run of backticks in it. */
function fenced(title: string, text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `\n${title}:\n\n${fence}text\n${text}\n${fence}`;
}
