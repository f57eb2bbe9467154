/** @file Reads the samples of problems with their verdicts, from trace rows and from rows of sequences. Rewards and advice begin here. */
import { z } from 'zod';
import type { GroupSequence } from '../data/groups.js';
import { errorInRow } from '../data/errorInRow.js';
import { rowError, type BadLine, type JsonLine } from '../data/jsonl.js';
import { readRows } from '../data/readRows.js';
import { parseRecord, type GroupRecord } from '../data/records.js';
import type { TraceRow } from '../data/traceRow.js';
import { readTraceRows } from '../data/traceRows.js';
import type { Sample } from '../rewards/sample.js';
import { calledTools } from '../text/messages.js';
import { plainNumber } from '../util/exactJson.js';
import { promptOf, responseOf } from './candidateRow.js';
import { isBlank } from './usableSides.js';
import { isRight, verdictsOf, type VerdictSource } from './verdictSources.js';

/** A sample, and the sequence that a training row has for it. */
export interface GroupSample extends Sample {
  /** Role, prompt, response and what else there is, as JSON has it. */
  readonly sequence: Readonly<Record<string, unknown>>;
}

/** The samples of a problem, without those that are blank. */
export interface SampleGroup {
  file: string;
  line: number;
  /** What lengths count. */
  unit: 'tokens' | 'characters';
  samples: GroupSample[];
  /** The fields of a training row of them besides `sequences`. */
  fields: Record<string, unknown>;
}

/**
 * Streams the samples of problems. A file is either of trace rows, in any shape that `readTraceRows` knows, pairs among them, or of
 * rows with `sequences`, which come before those of the other files. A trace that was cut off is wrong, and goes without an end
 * token. A sequence is right by its scalar `correct`, else by `reward`, above 0, else by its role, `chosen` or `rejected`.
 * Lengths are tokens where the row has them of all samples: ids, or `completion_tokens` in `generation_details`, or `chosen_len`
 * and `rejected_len`; else characters.
 * @throws UserError naming file, line and field of the first row that does not fit
 */
export async function* readSampleGroups(
  paths: readonly string[],
  verdicts: VerdictSource,
): AsyncGenerator<SampleGroup> {
  const traces: { path: string; rows: AsyncGenerator<JsonLine> }[] = [];
  for (const path of paths) {
    const { rows, first } = await begun(readRows(path));
    if (first?.sequences === undefined) {
      traces.push({ path, rows });
      continue;
    }
    for await (const { line, row } of rows) yield ofSequences(path, groupRecord(row, path, line), row);
  }
  const refuse = ({ file, line, problem }: BadLine) => {
    throw rowError(file, line, problem);
  };
  const names = traces.map(({ path }) => path);
  for await (const row of readTraceRows(names, refuse, () => traces.shift()!.rows))
    yield ofTraces(row, verdicts);
}

/** Looks at the first row of a file, which may be a pipe; `rows` begins with it. */
async function begun(
  all: AsyncGenerator<JsonLine>,
): Promise<{ rows: AsyncGenerator<JsonLine>; first?: JsonLine['row'] }> {
  const head = await all.next();
  if (head.done) return { rows: all };
  const rows = (async function* () {
    yield head.value;
    yield* all;
  })();
  return { rows, first: head.value.row };
}

function groupRecord(row: JsonLine['row'], path: string, line: number): GroupRecord {
  try {
    const record = parseRecord(row, path, line);
    if (record.kind === 'group') return record;
  } catch (error) {
    throw errorInRow(path, line, error);
  }
  throw rowError(path, line, '"sequences" are missing, which the first row has');
}

function ofTraces(row: TraceRow, source: VerdictSource): SampleGroup {
  const { file, line, generations, cutOff = [], originalIndex, columns, problem } = row;
  if (!problem || problem.trim() === '')
    throw rowError(file, line, 'the field "problem" is missing or empty');
  if (!generations || generations.length === 0) throw rowError(file, line, '"generations" are missing');
  const verdicts = verdictsOf(row, source);
  if (!verdicts)
    throw rowError(
      file,
      line,
      `"correctness" lacks the verdicts of ${WHOSE[source]}, one for each of the ${generations.length} generations: ` +
        `redistill verify adds those of the rules`,
    );
  const prompt = promptOf(row);
  const tokens = tokenCounts(row.fields, generations.length);
  const samples = generations.flatMap((text, i): GroupSample[] => {
    if (isBlank(text)) return [];
    if (calledTools(responseOf(row, i)).length > 0)
      throw rowError(file, line, `"generations.${i}" calls tools, which a row of sequences cannot hold`);
    const isCut = cutOff[i] === true;
    const right = isRight(verdicts[i]!, source) && !isCut;
    const own = ownTokens(row.fields, i, (problem) => rowError(file, line, problem));
    if (own) return [{ ...own, right }];
    const sequence = { role: 'sample', prompt, response: text, ...(isCut && { end: false }) };
    return [{ right, length: tokens?.[i] ?? text.length, sequence }];
  });
  const unit = tokens ? 'tokens' : 'characters';
  return { file, line, unit, samples, fields: { ...columns, original_index: originalIndex } };
}

const WHOSE: Readonly<Record<VerdictSource, string>> = {
  LandMV: 'judge and rules',
  LorMV: 'judge and rules',
  mv: 'the rules',
  llm: 'the judge',
};

const ids = z.array(z.int().nonnegative()).min(1);
const drawn = z.object({ prompt_ids: ids, ids, logps: z.array(z.number()), forced: z.array(z.int()) });

/**
 * A generation as the student drew it, where the row has its tokens: their ids are what is trained on, their log-probs are the column
 * `behaviour`, and forced ones have no weight.
 */
function ownTokens(
  { generation_details: details }: Record<string, unknown>,
  index: number,
  fault: (problem: string) => Error,
): Omit<GroupSample, 'right'> | undefined {
  const detail: unknown = Array.isArray(details) ? details[index] : undefined;
  if (typeof detail !== 'object' || detail === null || !('ids' in detail)) return undefined;
  const { data, error } = drawn.safeParse(detail);
  if (!data)
    throw fault(
      `"generation_details.${index}.${error.issues[0]!.path.join('.')}": ${error.issues[0]!.message}`,
    );
  const { prompt_ids: prompt, ids, logps, forced } = data;
  if (logps.length !== ids.length || forced.length !== ids.length)
    throw fault(
      `"generation_details.${index}" must have a number in "logps" and "forced" for each of its ${ids.length} ids`,
    );
  const weights = forced.map((put) => (put === 0 ? 1 : 0));
  const free = logps.filter((_, t) => weights[t] === 1);
  return {
    length: ids.length,
    ...(free.length > 0 && { meanLogp: free.reduce((sum, logp) => sum + logp, 0) / free.length }),
    sequence: {
      role: 'sample',
      prompt: { ids: prompt },
      response: [{ ids, ...(free.length < ids.length && { weights }) }],
      columns: { behaviour: logps },
    },
  };
}

/** Tokens of each generation, where the row has them of all. */
function tokenCounts(fields: Record<string, unknown>, count: number): number[] | undefined {
  const { generation_details: details, chosen_len: chosen, rejected_len: rejected } = fields;
  const given = Array.isArray(details)
    ? details.map((detail: unknown) => (detail as { completion_tokens?: unknown } | null)?.completion_tokens)
    : [chosen, rejected];
  const counts = given.map(plainNumber).filter((number) => number !== undefined && number > 0);
  return counts.length === count && given.length === count ? (counts as number[]) : undefined;
}

function ofSequences(
  file: string,
  { line, sequences, scalars }: GroupRecord,
  fields: Record<string, unknown>,
): SampleGroup {
  const lengths = sequences.map(tokensOf);
  const hasTokens = lengths.every((length) => length !== undefined);
  const samples = sequences.map((sequence, i): GroupSample => {
    const meanLogp = meanLogpOf(sequence);
    return {
      right: isRightSequence({ ...scalars, ...sequence.scalars }, sequence, () =>
        rowError(
          file,
          line,
          `"sequences.${i}" has no "reward" in its "scalars", and its role is not chosen or rejected`,
        ),
      ),
      length: hasTokens ? lengths[i]! : charactersOf(sequence),
      ...(meanLogp !== undefined && { meanLogp }),
      sequence: (fields.sequences as Record<string, unknown>[])[i]!,
    };
  });
  return { file, line, unit: hasTokens ? 'tokens' : 'characters', samples, fields };
}

function isRightSequence(
  { correct, reward }: Readonly<Record<string, number>>,
  { role }: GroupSequence,
  fault: () => Error,
): boolean {
  const verdict = correct ?? reward;
  if (verdict !== undefined) return verdict > 0;
  if (role !== 'chosen' && role !== 'rejected') throw fault();
  return role === 'chosen';
}

/** Tokens of a response of ids alone. */
function tokensOf({ response: { parts, end } }: GroupSequence): number | undefined {
  if (!parts.every(({ ids }) => ids)) return undefined;
  return parts.reduce((sum, { ids }) => sum + ids!.length, end ? 1 : 0);
}

const charactersOf = ({ response: { parts } }: GroupSequence): number =>
  parts.reduce((sum, { text, ids }) => sum + (text ?? ids!).length, 0);

/** The mean of the column `behaviour` over tokens that count: those of weight 0 nobody drew. */
function meanLogpOf(sequence: GroupSequence): number | undefined {
  const logps = sequence.columns?.behaviour;
  if (!isNumbers(logps) || logps.length !== tokensOf(sequence)) return undefined;
  const weights = sequence.response.parts.flatMap(({ ids, weights: given = 1 }) =>
    typeof given === 'number' ? ids!.map(() => given) : given,
  );
  const drawn = logps.filter((_, t) => weights[t] !== 0);
  return drawn.length === 0 ? undefined : drawn.reduce((sum, logp) => sum + logp, 0) / drawn.length;
}

const isNumbers = (column: unknown): column is readonly number[] => Array.isArray(column);
