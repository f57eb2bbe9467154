/** @file Writes the samples of problems with rewards and advantages, as rows of sequences. */
import { setImmediate } from 'node:timers/promises';
import { countRows } from '../data/countRows.js';
import { rowError } from '../data/jsonl.js';
import { distinctFiles } from '../data/distinctFiles.js';
import { JsonLinesFile } from '../data/jsonLinesFile.js';
import { rewardGroup, type RewardScalars, type RewardSettings } from '../rewards/rewards.js';
import { UserError } from '../util/errors.js';
import type { Progress } from '../util/progress.js';
import { deriveSeed, Random } from '../util/random.js';
import { readSampleGroups, type SampleGroup } from './sampleGroups.js';
import type { VerdictSource } from './verdictSources.js';

export interface RewardFileSettings extends RewardSettings {
  data: string | readonly string[];
  verdicts: VerdictSource;
  seed: number;
}

/** What became of the rows. */
export interface RewardSummary {
  rows: number;
  /** Rows without a response, and those that the advantage leaves out. */
  empty: number;
  left_out: number;
  /** Rows that were written, and those of them whose advantages are all 0. */
  written: number;
  without_gradient: number;
  /** Samples that were written, and those of them that are right. */
  samples: number;
  right: number;
}

/** Ctrl-C is noticed between so many rows. */
const ROWS_BETWEEN_PAUSES = 64;

/**
 * Writes a row of sequences for each problem; each sequence has `correct`, `reward`, `advantage`, `pass_rate`, `baseline` and
 * `value` among its `scalars`, and keeps what else it had. The file appears when it is whole.
 * @throws UserError as `readSampleGroups` does, naming the row where a sample lacks what a reward needs, and where no row
 * can be written; the signal's reason when it is aborted
 */
export async function writeRewards(
  settings: RewardFileSettings,
  out: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<RewardSummary> {
  const files = distinctFiles(settings.data);
  const total = await countRows(files);
  const summary = { rows: 0, empty: 0, left_out: 0, written: 0, without_gradient: 0, samples: 0, right: 0 };
  using output = new JsonLinesFile(out);
  for await (const group of readSampleGroups(files, settings.verdicts)) {
    if (summary.rows % ROWS_BETWEEN_PAUSES === 0) {
      await setImmediate();
      signal.throwIfAborted();
    }
    progress.update(Math.min(total, ++summary.rows), total);
    const { samples } = group;
    const scalars = samples.length > 0 ? scalarsOf(group, settings, summary.rows) : undefined;
    if (!scalars) {
      summary[samples.length === 0 ? 'empty' : 'left_out']++;
      continue;
    }
    summary.written++;
    summary.samples += samples.length;
    summary.right += samples.filter(({ right }) => right).length;
    if (scalars.every(({ advantage }) => advantage === 0)) summary.without_gradient++;
    output.write({
      ...group.fields,
      sequences: samples.map(({ sequence, right }, i) => ({
        ...sequence,
        scalars: { ...(sequence.scalars as object | undefined), correct: right ? 1 : 0, ...scalars[i] },
      })),
    });
  }
  if (summary.rows === 0) throw new UserError(`${files.join(', ')} has no rows.`);
  if (summary.written === 0)
    throw new UserError(
      `${files.join(', ')}: nothing can be written: of ${summary.rows} rows, ${summary.empty} have no response, and the advantage ${settings.advantage} leaves out ${summary.left_out} whose samples are all right or all wrong.`,
    );
  output.commit();
  return summary;
}

/** @throws UserError naming the row */
function scalarsOf(
  { file, line, samples, unit }: SampleGroup,
  settings: RewardFileSettings,
  ordinal: number,
): RewardScalars[] | undefined {
  const { cosine_length: cosine, overlong, unlikely, seed } = settings;
  const counting = cosine !== undefined ? 'cosine_length' : overlong !== undefined ? 'overlong' : undefined;
  if (counting !== undefined && unit !== 'tokens')
    throw rowError(
      file,
      line,
      `"${counting}" counts tokens, and the row has neither ids nor "completion_tokens" of its samples`,
    );
  if (unlikely !== undefined && samples.some(({ meanLogp }) => meanLogp === undefined))
    throw rowError(
      file,
      line,
      '"unlikely" needs the column "behaviour" of all samples, the log-probs of their ids',
    );
  const draw = new Random(deriveSeed(seed, 'flip', ordinal)).nextFloat();
  try {
    return rewardGroup(samples, settings, draw);
  } catch (error) {
    if (error instanceof RangeError) throw rowError(file, line, error.message);
    throw error;
  }
}
