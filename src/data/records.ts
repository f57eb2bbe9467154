/** @file Reads training rows: messages, and pairs of a chosen and a rejected response. Knows no tokens. */
import { isDeepStrictEqual } from 'node:util';
import { calledTools, contentText } from '../text/messages.js';
import type { RowMessage, TemplateInputs } from '../text/template.js';
import { UserError } from '../util/errors.js';
import { errorInRow } from './errorInRow.js';
import { weightOf } from './fields.js';
import { parseScalars, parseSequences, type GroupSequence } from './groups.js';
import { describeHalfPairs, HalfPairs } from './halfPairs.js';
import { rowError } from './jsonl.js';
import { isAbsent, parseMessages, parseTemplateInputs, refuseWeights, saysSomething } from './messages.js';
import { readRows } from './readRows.js';

/** Messages, or a plain text to which no template is applied. */
export type Text = readonly RowMessage[] | string;

/** What an answer responds to, and what the template is given besides. */
interface Asked {
  line: number;
  prompt: Text;
  /** The row's tools and variables for the template; absent where it has none. */
  inputs?: TemplateInputs;
  /** How much each of its responses counts, with its sign. Default: 1. */
  weight?: number;
  /** Numbers of each of its responses, by name. */
  scalars?: Record<string, number>;
}

/** An answer to learn: the last message is the assistant's. */
export interface MessageRecord extends Asked {
  kind: 'messages';
  response: Text;
}

/** A right and a wrong answer to one prompt. */
export interface PreferenceRecord extends Asked {
  kind: 'preference';
  chosen: Text;
  rejected: Text;
}

/** Sequences that each have a prompt of their own. */
export interface GroupRecord extends Omit<Asked, 'prompt'> {
  kind: 'group';
  sequences: readonly GroupSequence[];
}

export type TrainingRecord = MessageRecord | PreferenceRecord | GroupRecord;

/**
 * Reads training rows of JSON lines, a JSON array or Parquet in TRL's layouts:
 *
 *     {"messages": […]}                                  the last message is the answer
 *     {"prompt": …, "completion": …}                     texts or message lists
 *     {"prompt": …, "chosen": …, "rejected": …}          texts or message lists
 *     {"chosen": […], "rejected": […]}                   the prompt is what both begin with
 *     {"sequences": […]}                                 not TRL's; see `parseSequences`
 *
 * A text `prompt` beside message lists (as in REDI's own files) is ignored, as TRL does: both lists hold the user's
 * turn. The answer is one message, the assistant's; columns that are null count as absent. A message's content is a
 * text, a list of text parts, or null beside tool calls. `tools` and `chat_template_kwargs`, as they are or as JSON
 * text, go to the chat template. `weight` says how much the row's responses count, with its sign, and an answer's message may have
 * one besides; `scalars` holds numbers of them by name; `label`, if it is true or false, is the `reward` 1 or −1 of a single response.
 * @param onNotice is told what in the rows will not be read as it is written
 * @throws UserError naming file, line and field, or where there are no rows
 */
export async function readTrainingRecords(
  path: string,
  onNotice?: (sentence: string) => void,
): Promise<TrainingRecord[]> {
  const records: TrainingRecord[] = [];
  const halfPairs = new HalfPairs();
  for await (const { record } of streamTrainingRecords(path, halfPairs)) records.push(record);
  if (halfPairs.found) onNotice?.(describeHalfPairs(path, halfPairs.found));
  return records;
}

/** A training row and the row of the file that it was read from. */
export interface SourceRecord {
  record: TrainingRecord;
  fields: Record<string, unknown>;
}

/** Does `readTrainingRecords` row by row. @param halfPairs looks at each row */
export async function* streamTrainingRecords(
  path: string,
  halfPairs: HalfPairs,
): AsyncGenerator<SourceRecord> {
  let isEmpty = true;
  for await (const { line, row } of readRows(path)) {
    isEmpty = false;
    let record: TrainingRecord;
    try {
      record = parseRecord(row, path, line);
      halfPairs.look(row, line);
    } catch (error) {
      throw errorInRow(path, line, error);
    }
    yield { record, fields: row };
  }
  if (isEmpty) throw new UserError(`${path} has no rows.`);
}

/** Reads one training row. @throws RowError naming file, line and field */
export function parseRecord(row: Record<string, unknown>, path: string, line: number): TrainingRecord {
  const fields = new RecordFields(row, path, line);
  const record = fields.has('sequences')
    ? group(fields)
    : fields.has('messages')
      ? conversation(fields)
      : answered(fields);
  const inputs = parseTemplateInputs(row, fields.fail);
  const weighed = { ...record, ...given(record, fields) };
  if (!inputs) return weighed;
  const prompts = record.kind === 'group' ? record.sequences.map(({ prompt }) => prompt) : [record.prompt];
  if (!prompts.every(Array.isArray) && saysSomething(inputs))
    throw fields.fail(
      'a row of texts is trained without a chat template, so its "tools" and "chat_template_kwargs" would be lost: give messages',
    );
  return { ...weighed, inputs };
}

/** What a row says of each of its responses. */
function given({ kind }: TrainingRecord, { row, fail }: RecordFields): Pick<Asked, 'weight' | 'scalars'> {
  const { weight, scalars, label } = row;
  const number = isAbsent(weight) ? 1 : weightOf(weight, 'weight', fail);
  if (number === 0) throw fail('"weight" is 0, so nothing of the row would be trained: leave it out');
  const reward = kind === 'messages' && typeof label === 'boolean' && { reward: label ? 1 : -1 };
  const all = { ...reward, ...(!isAbsent(scalars) && parseScalars(scalars, 'scalars', fail)) };
  return { ...(number !== 1 && { weight: number }), ...(Object.keys(all).length > 0 && { scalars: all }) };
}

/** {"sequences"} */
function group({ row, line, fail }: RecordFields): TrainingRecord {
  const other = ['messages', 'prompt', 'completion', 'chosen', 'rejected'].find(
    (name) => !isAbsent(row[name]),
  );
  if (other !== undefined) throw fail(`"sequences" stands beside "${other}": give one of them`);
  return { kind: 'group', line, sequences: parseSequences(row.sequences, fail) };
}

/** {"messages"} */
function conversation(fields: RecordFields): TrainingRecord {
  const all = fields.answer('messages');
  if (typeof all === 'string') throw fields.fail('"messages" must be a list of {"role", "content"}');
  if (all.length < 2) throw fields.fail('"messages" must hold a prompt before the answer');
  return { kind: 'messages', line: fields.line, prompt: all.slice(0, -1), response: all.slice(-1) };
}

/** {"prompt", "completion"}, {"prompt", "chosen", "rejected"}, {"chosen", "rejected"} */
function answered(fields: RecordFields): TrainingRecord {
  const { line } = fields;
  if (!fields.has('chosen') && !fields.has('rejected')) {
    if (!fields.has('completion'))
      throw fields.fail(
        'a training row has "messages", "prompt" and "completion", or "chosen" and "rejected"',
      );
    const prompt = fields.prompt();
    const response = fields.beside(prompt, 'completion', fields.answer('completion'));
    return { kind: 'messages', line, prompt, response };
  }
  const chosen = fields.answer('chosen');
  const rejected = fields.answer('rejected');
  if ((typeof chosen === 'string') !== (typeof rejected === 'string'))
    throw fields.fail('"chosen" and "rejected" must both be texts or both lists of messages');
  if (typeof chosen === 'string' || typeof rejected === 'string' || Array.isArray(fields.row.prompt)) {
    const prompt = fields.prompt();
    return {
      kind: 'preference',
      line,
      prompt,
      chosen: fields.beside(prompt, 'chosen', chosen),
      rejected: fields.beside(prompt, 'rejected', rejected),
    };
  }
  const shared = commonPrefix(chosen, rejected);
  if (shared === 0)
    throw fields.fail(
      'the messages of the prompt are missing: in "prompt" as a list, or at the beginning of both "chosen" and "rejected"',
    );
  if (shared < chosen.length - 1 || shared < rejected.length - 1)
    throw fields.fail('"chosen" and "rejected" must have the same messages before the last, the answer');
  return {
    kind: 'preference',
    line,
    prompt: chosen.slice(0, shared),
    chosen: chosen.slice(shared),
    rejected: rejected.slice(shared),
  };
}

/** The fields of a training row. Its methods throw the row's error where a field is not what it must be. */
class RecordFields {
  constructor(
    readonly row: Record<string, unknown>,
    readonly path: string,
    readonly line: number,
  ) {}

  readonly fail = (problem: string): Error => rowError(this.path, this.line, problem);

  has(name: string): boolean {
    return !isAbsent(this.row[name]);
  }

  /** A text or messages. */
  #text(name: string): Text {
    if (!this.has(name)) throw this.fail(`the field "${name}" is missing`);
    const value = this.row[name];
    if (typeof value === 'string') return value;
    const messages = parseMessages(value, name, this.fail);
    if (!messages) throw this.fail(`"${name}" must be a text or a list of {"role", "content"}`);
    return messages;
  }

  /** A text or messages that end with the assistant's. */
  answer(name: string): Text {
    const value = this.#text(name);
    const last: RowMessage =
      typeof value === 'string' ? { role: 'assistant', content: value } : value.at(-1)!;
    if (last.role !== 'assistant')
      throw this.fail(`the last message of "${name}" must be the assistant's, not "${last.role}"`);
    if (contentText(last).trim() === '' && calledTools(last).length === 0)
      throw this.fail(`the answer in "${name}" is empty`);
    if (typeof value !== 'string') refuseWeights(value.slice(0, -1), name, this.fail);
    if (!isAbsent(last.weight) && weightOf(last.weight, `${name}.weight`, this.fail) === 0)
      throw this.fail(
        `the answer in "${name}" has the weight 0, so nothing of it would be trained: leave it out`,
      );
    return value;
  }

  prompt(): Text {
    const prompt = this.#text('prompt');
    if (prompt === '')
      throw this.fail('"prompt" is empty, and the first token of an answer needs one before it');
    if (typeof prompt !== 'string') refuseWeights(prompt, 'prompt', this.fail);
    return prompt;
  }

  /** Checks that the answer stands alone beside a prompt: messages before it would be trained as if the model wrote them. */
  beside(prompt: Text, name: string, value: Text): Text {
    if ((typeof prompt === 'string') !== (typeof value === 'string'))
      throw this.fail(`"prompt" and "${name}" must both be texts or both lists of messages`);
    if (typeof value !== 'string' && value.length > 1)
      throw this.fail(`"${name}" must hold the answer alone, since "prompt" holds the messages before it`);
    return value;
  }
}

/** Counts the messages that both lists begin with, leaving each at least its last. */
function commonPrefix(a: readonly RowMessage[], b: readonly RowMessage[]): number {
  const most = Math.min(a.length, b.length) - 1;
  let shared = 0;
  while (shared < most && isDeepStrictEqual(a[shared], b[shared])) shared++;
  return shared;
}
