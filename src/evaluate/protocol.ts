/** @file Whether two evaluations may be compared: the same problems, asked, sampled and graded alike. */
import { UserError } from '../util/errors.js';
import { readResults, readSummary, type EvaluationRecord, type EvaluationResults } from './summary.js';

/** An evaluation as it lies in its folder. */
export interface StoredEvaluation {
  dir: string;
  results: EvaluationResults;
  /** Absent where an earlier version wrote it. */
  record?: EvaluationRecord;
}

/** @throws UserError where it is missing, unfinished or damaged */
export function readEvaluation(dir: string): StoredEvaluation {
  const results = readResults(dir);
  const { evaluation } = readSummary(dir);
  return { dir, results, ...(evaluation && { record: evaluation }) };
}

/** What a prompt and a response depend on, by the names of settings. */
export const protocolFields = [
  ...['instruction', 'system', 'prompt', 'demonstrations', 'prefix_field', 'api', 'temperature', 'top_p'],
  ...['top_k', 'min_p', 'stop', 'max_tokens', 'calculator', 'rules', 'helper_model', 'think_tokens'],
  ...['forced_prefix', 'other'],
] as const;
export type ProtocolField = (typeof protocolFields)[number];

/** Who answers; two evaluations of the same model, or with other seeds, are compared as any others. */
const IDENTITY = ['model', 'model_sha256', 'seed', 'problem_field', 'answer_field', 'keep_tokens'];
/** What should make no difference, and does a little. */
const HARDWARE = ['dtype', 'device', 'batch_size'];

/**
 * Compares how two evaluations were made.
 * @param differIn the fields in which they are meant to differ, since those are what is compared
 * @returns what to be warned of
 * @throws UserError naming the field and both values, where they differ otherwise
 */
export function requireSameProtocol(
  before: StoredEvaluation,
  after: StoredEvaluation,
  differIn: readonly ProtocolField[],
): string[] {
  requireSameProblems(before, after);
  if (!before.record || !after.record) {
    const { dir } = before.record ? after : before;
    return [
      `${dir} does not say how it was made (an earlier version wrote it), so the protocols are not compared`,
    ];
  }
  const [a, b] = [before.record, after.record];
  const warnings: string[] = [];
  for (const key of new Set([...Object.keys(a.settings), ...Object.keys(b.settings)])) {
    const [was, is] = [a.settings[key], b.settings[key]].map(shown);
    if (was === is || IDENTITY.includes(key)) continue;
    const found = `"${key}" is ${was} in ${before.dir} and ${is} in ${after.dir}`;
    if (HARDWARE.includes(key)) {
      warnings.push(`${found}: a greedy response may differ by that alone`);
      continue;
    }
    const field = protocolFields.find((name) => name === key || `${name}_sha256` === key) ?? 'other';
    if (!differIn.includes(field))
      throw new UserError(
        `${found}, so a difference need not be the model's: evaluate both alike, or name ${field} in "differ_in" if that is what you compare.`,
      );
  }
  if (a.version !== b.version)
    warnings.push(
      `${before.dir} was graded by redistill ${a.version} and ${after.dir} by ${b.version}: \`redistill evaluate --regrade\` grades both by one`,
    );
  return warnings;
}

/** @throws UserError naming the first problem that differs */
function requireSameProblems(before: StoredEvaluation, after: StoredEvaluation): void {
  const digests = [before, after].map(({ dir, record }) => {
    return record ? `${record.data.file} (sha256 ${record.data.sha256.slice(0, 12)}…) in ${dir}` : dir;
  });
  const where = `the data are ${digests.join(' and ')}`;
  for (const [one, other] of [
    [before, after],
    [after, before],
  ] as const)
    for (const id of one.results.problems.keys())
      if (!other.results.problems.has(id))
        throw new UserError(`Problem ${id} is in ${one.dir} but not in ${other.dir}: ${where}.`);
  for (const what of ['problems', 'golds'] as const)
    for (const [id, text] of before.results[what])
      if (after.results[what].get(id) !== text)
        throw new UserError(
          `Problem ${id} has another ${what === 'golds' ? 'gold' : 'text'} in ${after.dir} than in ${before.dir}: ${where}.`,
        );
}

function shown(value: unknown): string {
  const text = value === undefined ? 'not set' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
