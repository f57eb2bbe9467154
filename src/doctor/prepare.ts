import type { Role } from '../objectives/objective.js';
import { encodePrompt, tokenRow, type RowOptions, type TokenRow } from '../text/rows.js';
import type { ChatMessage } from '../text/template.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { messageOf, UserError } from '../util/errors.js';
import { RowError } from '../data/jsonl.js';
import { parseRecord, type Text, type TrainingRecord } from '../data/records.js';
import { finding, type Finding } from './findings.js';
import type { Student } from './student.js';

/** An answer of a row, as training has it. */
export interface Side {
  role: Role;
  /** The answer's text. */
  content: string;
  /** Thinking that the message has in a field of its own. */
  reasoning: string | undefined;
  row: TokenRow;
  /** What the trained tokens say; made when it is first asked for. */
  trainedText: () => string;
}

/** A row that training could take, with its answers as tokens. */
export interface Specimen {
  line: number;
  /** The row as it is in the file. */
  fields: Record<string, unknown>;
  record: TrainingRecord;
  /** The tokens that generation starts from. */
  prompt: Int32Array;
  sides: Side[];
}

/** A row that training could not take, with the reason. */
export interface Refused {
  line: number;
  fields: Record<string, unknown>;
  refused: Finding[];
}

/** Makes a row of the file ready for the checks, by the code that training uses. */
export async function prepareRow(
  fields: Record<string, unknown>,
  line: number,
  student: Student,
): Promise<Specimen | Refused> {
  const refuse = (...refused: Finding[]): Refused => ({ line, fields, refused });
  let record: TrainingRecord;
  try {
    record = parseRecord(fields, '', line);
  } catch (error) {
    if (!(error instanceof RowError)) throw error;
    return refuse(explainUnreadable(fields, error));
  }
  if (student.sft && record.kind === 'preference')
    record = { kind: 'messages', line, prompt: record.prompt, response: record.chosen };
  const disorder = rolesOutOfOrder(record.prompt);
  if (disorder !== undefined) return refuse(finding('roles', disorder));

  const { tokenizer, layout, system } = student;
  const sft = record.kind === 'messages';
  const options: RowOptions = { layout, sft, ...(system !== undefined && { system }) };
  const answers: [Role, Text][] =
    record.kind === 'messages'
      ? [['demonstration', record.response]]
      : [
          ['chosen', record.chosen],
          ['rejected', record.rejected],
        ];
  const sides = await Promise.all(
    answers.map(([role, answer]) => prepareSide(tokenizer, role, record.prompt, answer, options)),
  );
  const refusals = sides.filter((side) => 'code' in side);
  if (refusals[0]) return refuse(refusals[0]);
  return {
    line,
    fields,
    record,
    prompt: await encodePrompt(tokenizer, record.prompt, options),
    sides: sides.filter((side): side is Side => !('code' in side)),
  };
}

async function prepareSide(
  tokenizer: ChatTokenizer,
  role: Role,
  prompt: Text,
  answer: Text,
  options: RowOptions,
): Promise<Side | Finding> {
  let row: TokenRow;
  try {
    row = await tokenRow(tokenizer, prompt, answer, options, (problem) => new UserError(problem));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return explainRefusal(tokenizer, prompt, answer, options, error.message);
  }
  const message = typeof answer === 'string' ? undefined : answer[0]!;
  let text: string | undefined;
  return {
    role,
    content: message?.content ?? (answer as string),
    reasoning: message && reasoningOf(message),
    row,
    trainedText: () => (text ??= tokenizer.decode(row.ids.subarray(row.responseStart))),
  };
}

/** Fields that hold a message's thinking apart, under the names that servers give it. */
function reasoningOf(message: ChatMessage): string | undefined {
  const fields = message as ChatMessage & Record<string, unknown>;
  for (const name of ['reasoning_content', 'reasoning', 'thinking']) {
    const value = fields[name];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  return undefined;
}

/** What is between the first `<think>`, or the beginning, and the last `</think>`; '' where nothing is. */
export function thoughtOf(content: string): string {
  const end = content.lastIndexOf('</think>');
  if (end < 0) return '';
  const start = content.indexOf('<think>');
  return content.slice(start >= 0 && start < end ? start + '<think>'.length : 0, end).trim();
}

/** Why the template, or the tokens it wrote, would not do. */
function explainRefusal(
  tokenizer: ChatTokenizer,
  prompt: Text,
  answer: Text,
  { system }: RowOptions,
  problem: string,
): Finding {
  if (typeof prompt === 'string' || typeof answer === 'string') return finding('end-not-trained', problem);
  const asked = system === undefined ? prompt : [{ role: 'system', content: system }, ...prompt];
  let whole: string;
  let start: string;
  try {
    whole = tokenizer.renderChat([...asked, ...answer]);
    start = tokenizer.renderChat(asked, { addGenerationPrompt: true });
  } catch (error) {
    return finding('template-refuses', messageOf(error));
  }
  const { content } = answer[0]!;
  const thought = thoughtOf(content);
  if (thought !== '' && !whole.includes(thought))
    return finding('thinking-dropped', `its thinking, ${quote(thought)}, is not in what the template writes`);
  const kept = whole.startsWith(start) && whole.includes(content.trim());
  return finding(kept ? 'end-not-trained' : 'template-rewrites', problem);
}

/** What is wrong with a row that is no training row. */
function explainUnreadable(fields: Record<string, unknown>, error: RowError): Finding {
  const { chosen, rejected } = fields;
  if (isConversation(chosen) && isConversation(rejected) && !Array.isArray(fields.prompt)) {
    const prompts = [chosen, rejected].map((all) =>
      JSON.stringify(all.slice(0, -1).map(({ role, content }) => [role, content])),
    );
    if (prompts[0] !== prompts[1])
      return finding(
        'different-prompts',
        `chosen answers ${quote(chosen.at(-2)?.content ?? '')} and rejected ${quote(rejected.at(-2)?.content ?? '')}`,
      );
  }
  for (const name of ['messages', 'completion', 'chosen', 'rejected']) {
    const answer = fields[name];
    const last: unknown = isConversation(answer) ? answer.at(-1)!.content : answer;
    if (typeof last === 'string' && last.trim() === '')
      return finding('empty-answer', `"${name}" has an empty answer`);
    if (isConversation(answer) && answer.at(-1)!.role !== 'assistant')
      return finding(
        'roles',
        `the last message of "${name}" is the ${answer.at(-1)!.role}'s, not the assistant's`,
      );
  }
  return finding('unreadable-row', error.problem);
}

function isConversation(value: unknown): value is ChatMessage[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (message: unknown) =>
        typeof message === 'object' &&
        message !== null &&
        typeof (message as Partial<ChatMessage>).role === 'string' &&
        typeof (message as Partial<ChatMessage>).content === 'string',
    )
  );
}

/** Who may speak behind whom; '' is the beginning, and the assistant's answer follows the last message. */
const FOLLOWS: Record<string, readonly string[]> = {
  system: ['', 'system', 'developer'],
  developer: ['', 'system', 'developer'],
  user: ['', 'system', 'developer', 'assistant'],
  assistant: ['user', 'tool'],
  tool: ['assistant', 'tool'],
};

function rolesOutOfOrder(prompt: Text): string | undefined {
  if (typeof prompt === 'string') return undefined;
  let before = '';
  for (const [i, { role }] of [...prompt, { role: 'assistant' }].entries()) {
    if (!Object.hasOwn(FOLLOWS, role)) return `message ${i + 1} has the role "${role}", which is none`;
    if (!FOLLOWS[role]!.includes(before))
      return before === ''
        ? `the first message is the ${role}'s`
        : `message ${i + 1} is the ${role}'s, behind one of the ${before}'s`;
    before = role;
  }
  return undefined;
}

const QUOTED = 60;

/** The beginning of a text, on one line. */
export function quote(text: string): string {
  const line = text.trim().slice(0, QUOTED).replace(/\s+/gu, ' ');
  return `"${line}${text.trim().length > QUOTED ? '…' : ''}"`;
}
