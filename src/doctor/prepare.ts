/** @file Makes a row of the file ready for the checks, by the code that training uses. */

import { RowError } from '../data/jsonl.js';
import { parseRecord, type TrainingRecord } from '../data/records.js';
import { responseText } from '../data/responseText.js';
import { UnencodableText } from '../text/encoder.js';
import { contentText, reasoningOf } from '../text/messages.js';
import { isIds, isInParts, sidesOf, tokenSide, type Side } from '../text/sides.js';
import { encodePrompt, type TokenRow } from '../text/tokenRows.js';
import { TextTooLong } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';
import type { PreparedRow, PreparedSide, RefusedRow } from './check.js';
import { finding, type Finding } from './findings.js';
import { explainRefusal, explainUnreadable, rolesOutOfOrder } from './refusals.js';
import type { Student } from './student.js';

/** Reads a row and tokenises its responses; a row that training could not take comes back with the reasons. */
export async function prepareRow(
  fields: Record<string, unknown>,
  line: number,
  student: Student,
): Promise<PreparedRow | RefusedRow> {
  const refuse = (found: Finding): RefusedRow => ({ line, fields, refused: [found] });
  let record: TrainingRecord;
  try {
    record = parseRecord(fields, '', line);
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    return refuse(explainUnreadable(fields, error));
  }
  const asked = sidesOf(record, student.data ?? 'pairs');
  for (const { prompt } of asked) {
    const disorder = isIds(prompt) ? undefined : rolesOutOfOrder(prompt);
    if (disorder !== undefined) return refuse(finding('roles', disorder));
  }

  const prepared = await Promise.all(asked.map((side) => prepareSide(record, side, student)));
  const sides: PreparedSide[] = [];
  for (const side of prepared) {
    if ('code' in side) return refuse(side);
    sides.push(side);
  }
  if (record.kind === 'group') {
    const { ids, responseStart } = sides[0]!.row;
    const { prompt } = asked[0]!;
    const promptIds = ids.subarray(0, responseStart);
    return { line, fields, prompt: isIds(prompt) ? '' : prompt, promptIds, sides, isInParts: true };
  }
  const { prompt, inputs } = record;
  return {
    line,
    fields,
    prompt,
    promptIds: await encodePrompt(student.tokenizer, prompt, { system: student.system, inputs }),
    sides,
  };
}

async function prepareSide(
  record: TrainingRecord,
  side: Side,
  student: Student,
): Promise<PreparedSide | Finding> {
  const { tokenizer, layout, system } = student;
  const { role } = side;
  let row: TokenRow;
  try {
    row = await tokenSide(tokenizer, side, { layout, system }, (message) => new UserError(message));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (error instanceof TextTooLong)
      return finding('too-long', `its text has ${error.characters} characters, more than any that is taken`);
    if (error instanceof UnencodableText) return finding('untokenisable', error.message);
    if (record.kind === 'group' || isInParts(side)) return finding('unreadable-row', error.message);
    return explainRefusal(student, record, side.response, error.message);
  }
  let text: string | undefined;
  const trainedText = () => (text ??= tokenizer.decode(row.ids.subarray(row.responseStart)));
  if (isInParts(side)) {
    const content = tokenizer.decode(row.ids.subarray(row.responseStart), { contentOnly: true });
    return { role, content, reasoning: undefined, said: content.trim(), row, trainedText };
  }
  const { response } = side;
  const message = typeof response === 'string' ? undefined : response[0]!;
  return {
    role,
    content: message ? contentText(message) : (response as string),
    reasoning: message && reasoningOf(message),
    said: (message ? responseText(message) : (response as string)).trim(),
    row,
    trainedText,
  };
}
