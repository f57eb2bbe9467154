import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ChatTokenizer } from '../text/tokenizer.js';
import { writeFileAtomic } from '../util/files.js';
import type { Progress } from '../util/progress.js';
import { countRows } from '../data/countRows.js';
import { isParquet, parquetSize } from '../data/parquet.js';
import { Quarantine } from '../data/quarantine.js';
import { readTraceRows } from '../data/traceRows.js';
import { isUnpaired } from '../data/traceShapes.js';
import { verdictsOf } from './verdictRules.js';
import { assignGroups, type TypeA } from './ablation.js';
import { candidateOf, type Candidate, type Pair } from './candidates.js';
import { countGroups, emptyCounts } from './counts.js';
import { Decontaminator, loadEvaluationSets } from './decontaminate.js';
import { DuplicateFinder } from './duplicates.js';
import { filterCandidates, type Filtered, type Filters, type LengthFilter } from './filters.js';
import { LengthMeter } from './lengths.js';
import { checkOptions, type CurateOptions } from './options.js';
import { ablationSftRow, inverted, prefRow, sftRow } from './outputs.js';
import { RowFile } from './rowFile.js';
import { isBlank, judgeRow, type DropReason } from './rules.js';
import { rankOf } from './selection.js';
import { Spool } from './spool.js';
import { accountOf, hintsOf, type Counts, type Lacking, type Summary } from './summary.js';

/** Rows are put through the filters together, so many characters of traces at a time. */
const BATCH_CHARACTERS = 1 << 22;
/** Ctrl-C is noticed between so many rows. */
const ROWS_BETWEEN_PAUSES = 64;
/** Files that only some runs write; one of an earlier run would be taken for this one's. */
const OPTIONAL_FILES = ['contaminated.jsonl', 'pref_inverted.jsonl'];

/**
 * Makes D_SFT and D_Pref of trace rows: writes sft.jsonl, pref.jsonl, dropped.jsonl, duplicates.jsonl and summary.json
 * into `out`, and quarantine.jsonl, contaminated.jsonl and pref_inverted.jsonl where there is something to say. The
 * files appear when all are whole. Rows stream; what goes into the two sets waits in files below `out`, as much again
 * as the sets.
 * @throws UserError for wrong options and files that cannot be read; the signal's reason when it is aborted
 */
export async function curate(
  options: CurateOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<Summary> {
  checkOptions(options);
  const spoolDir = join(options.out, '.curate-spool');
  const clear = () => {
    rmSync(spoolDir, { recursive: true, force: true });
  };
  mkdirSync(options.out, { recursive: true });
  clear(); // a killed run leaves it
  process.on('exit', clear);
  try {
    return await new Curation(options, spoolDir, progress, signal).run();
  } finally {
    clear();
    process.off('exit', clear);
  }
}

/** A row that may be written, as far as the choice among all of them needs to know it. */
interface Entry {
  ordinal: number;
  originalIndex: number;
  key: number;
  rank: number;
  /** It has a pair, which is of use in the ablation alone. */
  paired: boolean;
  tooLong: boolean;
}

class Curation {
  readonly #summary: Counts;
  readonly #lacking: Lacking = { validity: 0, judge: 0 };
  readonly #dropped: { ordinal: number; originalIndex: number; reason: DropReason }[] = [];
  readonly #entries: Entry[] = [];
  readonly #duplicates = new DuplicateFinder();

  constructor(
    private readonly options: CurateOptions,
    private readonly spoolDir: string,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
  ) {
    this.#summary = emptyCounts(options);
  }

  async run(): Promise<Summary> {
    const { out, files, decontaminate, rule } = this.options;
    const filters = await this.#filters();
    using quarantine = new Quarantine(join(out, 'quarantine.jsonl'));
    using duplicates = new RowFile(out, 'duplicates.jsonl');
    using contaminated = decontaminate.length > 0 ? new RowFile(out, 'contaminated.jsonl') : undefined;
    const spool = new Spool<Candidate>(this.spoolDir, await bytesOf(files));

    for await (const row of this.#filtered(filters, quarantine)) {
      const { originalIndex: original_index, ordinal } = row.candidate;
      for (const overlap of row.overlaps) contaminated?.add({ original_index, ...overlap });
      if (row.duplicate) {
        const { kind, of, similarity } = row.duplicate;
        duplicates.add({ original_index, duplicate_of: of, kind, similarity: round(similarity) });
      }
      this.#count(row);
      if (row.reason) this.#drop(ordinal, original_index, row.reason);
      else {
        spool.add(row.candidate);
        this.#entries.push(this.#entry(row.candidate));
      }
    }
    const s = this.#summary;
    s.quarantined = quarantine.count;
    s.records = s.rows + s.quarantined + s.merged;
    s.duplicates.search_cut_short = this.#duplicates.cutShort;

    using sft = new RowFile(out, 'sft.jsonl');
    using pref = new RowFile(out, 'pref.jsonl');
    using prefInverted = rule === 'ablation' ? new RowFile(out, 'pref_inverted.jsonl') : undefined;
    await this.#write(spool, { sft, pref, prefInverted });
    using dropped = new RowFile(out, 'dropped.jsonl');
    this.#dropped.sort((a, b) => a.ordinal - b.ordinal);
    for (const { originalIndex, reason } of this.#dropped)
      dropped.add({ original_index: originalIndex, reason });

    const summary: Summary = { ...s, account: accountOf(s), hints: hintsOf(this.#lacking) };
    // Without a summary the files of two runs may be mixed.
    for (const name of ['summary.json', ...OPTIONAL_FILES]) rmSync(join(out, name), { force: true });
    for (const file of [sft, pref, prefInverted, dropped, duplicates, contaminated, quarantine])
      file?.commit();
    writeFileAtomic(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    return summary;
  }

  async #filters(): Promise<Filters> {
    const { decontaminate, minCv, dropContaminated, duplicates } = this.options;
    const sets = await loadEvaluationSets(decontaminate);
    this.#summary.contamination.sets = sets.map(({ name, problems }) => ({
      name,
      problems: problems.length,
      rows: 0,
    }));
    let filter: LengthFilter | undefined;
    const { lengths } = this.#summary;
    if (lengths) {
      const meter = new LengthMeter(ChatTokenizer.load(lengths.model), lengths.count);
      filter = { meter, limits: lengths.limits, sft: lengths.sft_limited };
    }
    return {
      minCv,
      decontaminator: sets.length > 0 ? new Decontaminator(sets) : undefined,
      dropContaminated,
      lengths: filter,
      duplicates: this.#duplicates,
      dropDuplicates: duplicates === 'drop',
    };
  }

  /** Reads all rows; those that the rules leave go through the filters and come out in input order. */
  async *#filtered(filters: Filters, quarantine: Quarantine): AsyncGenerator<Filtered> {
    const { files, rule, verdicts } = this.options;
    const s = this.#summary;
    const total = await countRows(files);
    let batch: Candidate[] = [];
    let characters = 0;
    for await (const row of readTraceRows(files, (bad) => {
      quarantine.add(bad);
    })) {
      const ordinal = s.rows++;
      if (ordinal % ROWS_BETWEEN_PAUSES === 0) await this.#pause();
      this.progress.update(Math.min(total, s.rows + s.merged + quarantine.count), total, 'reading');
      s.generations.total += row.generations?.length ?? 0;
      s.generations.blank += row.generations?.filter(isBlank).length ?? 0;
      if (isUnpaired(row.fields)) s.merged += row.generations!.length - 1;
      const judged = judgeRow(row, rule, verdicts);
      if (typeof judged === 'string') {
        this.#drop(ordinal, row.originalIndex, judged);
        if (judged === 'invalid_problem' && row.fields.problem_is_valid === undefined)
          this.#lacking.validity++;
        if (judged === 'verdicts_missing' && verdictsOf(row, 'mv')) this.#lacking.judge++;
        continue;
      }
      const candidate = candidateOf(row, judged, ordinal, this.options);
      batch.push(candidate);
      for (const { chosen, rejected } of candidate.pairs)
        characters += chosen.text.length + rejected.text.length;
      characters += candidate.right.text.length;
      if (characters > BATCH_CHARACTERS) {
        yield* await filterCandidates(batch, filters);
        batch = [];
        characters = 0;
      }
    }
    yield* await filterCandidates(batch, filters);
  }

  /** Signals are delivered between turns of the event loop only. */
  async #pause(): Promise<void> {
    await setImmediate();
    this.signal.throwIfAborted();
  }

  #drop(ordinal: number, originalIndex: number, reason: DropReason): void {
    this.#dropped.push({ ordinal, originalIndex, reason });
    this.#summary.dropped[reason]++;
    this.#summary.dropped_rows++;
  }

  #count({ overlaps, duplicate }: Filtered): void {
    const { contamination, duplicates } = this.#summary;
    if (overlaps.length > 0) contamination.rows++;
    for (const { set } of overlaps) contamination.sets.find(({ name }) => name === set)!.rows++;
    if (duplicate) duplicates[duplicate.kind]++;
  }

  #entry({ ordinal, originalIndex, key, rightCount, total, pairs }: Candidate): Entry {
    const { keep } = this.options;
    return {
      ordinal,
      originalIndex,
      key,
      rank: keep ? rankOf(rightCount, total, keep.by) : 0,
      paired: pairs.length > 0,
      tooLong: pairs.every(isTooLong),
    };
  }

  /** The rows of both sets in their order. */
  async #write(
    spool: Spool<Candidate>,
    files: { sft: RowFile; pref: RowFile; prefInverted: RowFile | undefined },
  ): Promise<void> {
    const { rule, seed } = this.options;
    const left = this.#leftOut();
    const typeA: TypeA[] = rule === 'ablation' ? this.#entries.filter(({ paired }) => paired) : [];
    const groups = assignGroups(typeA, seed);
    const total = this.#entries.length;
    let done = 0;
    for (const candidate of spool.drain()) {
      if (done % ROWS_BETWEEN_PAUSES === 0) await this.#pause();
      this.progress.update(++done, total, 'writing');
      if (left.has(candidate.ordinal)) {
        this.#drop(candidate.ordinal, candidate.originalIndex, 'not_selected');
        continue;
      }
      this.#countPairs(candidate);
      if (rule === 'redi') {
        files.sft.add(sftRow(candidate, candidate.right));
        for (const pair of candidate.pairs) if (!isTooLong(pair)) files.pref.add(prefRow(candidate, pair));
      } else {
        const assignment = groups.get(candidate.ordinal);
        files.sft.add(ablationSftRow(candidate, assignment));
        const [pair] = candidate.pairs;
        if (pair && assignment?.paired) {
          if (assignment.group === 1) files.pref.add(prefRow(candidate, pair));
          else files.prefInverted!.add(prefRow(candidate, inverted(pair)));
        }
      }
    }
    const s = this.#summary;
    s.sft = files.sft.rows;
    s.pref = files.pref.rows;
    if (files.prefInverted) s.ablation = countGroups(groups, s, files.prefInverted.rows);
  }

  /** The ordinals of rows that others outrank; where ranks are equal, the place in the output decides. */
  #leftOut(): Set<number> {
    const { keep } = this.options;
    if (!keep) return new Set();
    const ranked = this.#entries.toSorted(
      (a, b) => b.rank - a.rank || a.key - b.key || a.ordinal - b.ordinal,
    );
    return new Set(ranked.slice(keep.count).map(({ ordinal }) => ordinal));
  }

  #countPairs({ pairs }: Candidate): void {
    const { sft_only: only, pairs: counts } = this.#summary;
    counts.formed += pairs.length;
    for (const { excess } of pairs) {
      if (excess.length > 0) counts.too_long++;
      for (const part of excess) counts[part]++;
    }
    if (pairs.length === 0) only.no_wrong_trace++;
    else if (pairs.every(isTooLong)) only.pair_too_long++;
  }
}

function isTooLong({ excess }: Pair): boolean {
  return excess.length > 0;
}

/** About how much text the files hold. */
async function bytesOf(files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) bytes += isParquet(file) ? (await parquetSize(file)).bytes : statSync(file).size;
  return bytes;
}

function round(x: number): number {
  return Math.round(x * 1000) / 1000;
}
