/** @file Makes D_SFT and D_Pref of trace rows: reads, filters, chooses and writes. What is chosen is the rule's business. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { bytesOf, countRows } from '../data/countRows.js';
import { JsonLinesFile } from '../data/jsonLinesFile.js';
import { Quarantine } from '../data/quarantine.js';
import type { TraceRow } from '../data/traceRow.js';
import { readTraceRows } from '../data/traceRows.js';
import { isUnpaired } from '../data/traceShapes.js';
import { UserError } from '../util/errors.js';
import { FileReplacement, replaceTogether } from '../util/files.js';
import { makeFolder } from '../util/folders.js';
import type { Progress } from '../util/progress.js';
import { entryOf, highestRanked, shortestPairs, type Entry } from './acrossRows.js';
import { isTooLong, type CandidateRow, type JudgedRow } from './candidateRow.js';
import { RowFilters, type Filtered } from './filters.js';
import { usableSides } from './usableSides.js';
import { Ledger } from './ledger.js';
import { normalizeFinalAnswer } from './normalizeAnswer.js';
import { optionalFiles, OutputFiles } from './outputFiles.js';
import { ruleNamed } from './rules/index.js';
import type { CurationRule, RuleReport } from './rules/rule.js';
import { dataFiles, refuseImpossible, ruleOf, type CurateSettings } from './settings.js';
import { Spool } from './spool.js';
import { nothingToWrite, type Summary } from './summary.js';

/** Rows go through the filters together, so many characters of traces at a time. */
const BATCH_CHARACTERS = 1 << 20;
/** Ctrl-C is noticed between so many rows. */
const ROWS_BETWEEN_PAUSES = 64;

/** One run of `curate`. */
interface Run {
  settings: CurateSettings;
  rule: CurationRule;
  filters: RowFilters;
  ledger: Ledger;
  progress: Progress;
  signal: AbortSignal;
}

/**
 * Makes D_SFT and D_Pref of trace rows: writes sft.jsonl, pref.jsonl, dropped.jsonl, duplicates.jsonl and summary.json
 * into `out`, and quarantine.jsonl, contaminated.jsonl and the files of the rule where there is something to say. The
 * files appear when all are whole. Rows stream; what goes into the two sets waits in files below `out`, as much again
 * as the sets.
 * @throws UserError for wrong settings, files that cannot be read and where no row can be written; the signal's reason
 * when it is aborted
 */
export async function curate(
  settings: CurateSettings,
  out: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Summary> {
  refuseImpossible(settings);
  const spoolDir = join(out, '.curate-spool');
  const clear = () => {
    rmSync(spoolDir, { recursive: true, force: true });
  };
  makeFolder(out);
  clear(); // a killed run leaves it
  process.on('exit', clear);
  try {
    const rule = ruleNamed(ruleOf(settings));
    const filters = await RowFilters.open(settings, rule);
    const ledger = new Ledger(settings, rule, filters);
    const spool = new Spool<CandidateRow>(spoolDir, await bytesOf(dataFiles(settings)));
    return await makeSets({ settings, rule, filters, ledger, progress, signal }, out, spool);
  } finally {
    clear();
    process.off('exit', clear);
  }
}

async function makeSets(run: Run, out: string, spool: Spool<CandidateRow>): Promise<Summary> {
  const { settings, rule, filters, ledger } = run;
  const open = (name: string) => new JsonLinesFile(join(out, `${name}.jsonl`));
  using quarantine = new Quarantine(join(out, 'quarantine.jsonl'));
  using duplicates = open('duplicates');
  using contaminated = settings.decontaminate.length > 0 ? open('contaminated') : undefined;
  const entries: Entry[] = [];
  for await (const filtered of filteredRows(run, quarantine)) {
    const { judged, reason, overlaps, duplicate, candidate } = filtered;
    const { ordinal, row } = judged;
    const original_index = row.originalIndex;
    for (const overlap of overlaps) contaminated?.write({ original_index, ...overlap });
    if (duplicate) {
      const { kind, of, similarity } = duplicate;
      duplicates.write({ original_index, duplicate_of: of, kind, similarity: round(similarity) });
    }
    ledger.find(filtered);
    if (reason) ledger.drop({ ordinal, originalIndex: row.originalIndex }, reason);
    else {
      spool.add(candidate!);
      entries.push(entryOf(candidate!, settings.keep === undefined ? undefined : settings.by));
    }
  }

  using sets = new OutputFiles(out, rule);
  const report = await writeRows(run, entries, spool, sets);
  using dropped = open('dropped');
  for (const row of ledger.droppedRows()) dropped.write(row);
  const summary = ledger.close(sets.rows, quarantine.count, filters.searchesCutShort, report);

  if (Object.values(sets.rows).every((rows) => rows === 0)) {
    const { first } = quarantine;
    throw new UserError(
      nothingToWrite(summary, first && `${first.file}, line ${first.line}: ${first.problem}`),
    );
  }

  using account = new FileReplacement(join(out, 'summary.json'));
  account.write(`${JSON.stringify(summary, null, 2)}\n`);
  const files = [sets, dropped, duplicates, ...(contaminated ? [contaminated] : []), quarantine, account];
  // Files that only some runs write would be taken for this one's.
  const absent = ['summary.json', ...optionalFiles].map((name) => join(out, name));
  replaceTogether(files, absent);
  return summary;
}

/** Reads all rows; those that can be used go through the filters and come out in input order. */
async function* filteredRows(run: Run, quarantine: Quarantine): AsyncGenerator<Filtered> {
  const { settings, rule, filters, ledger, progress } = run;
  const files = dataFiles(settings);
  const total = await countRows(files);
  let batch: JudgedRow[] = [];
  let characters = 0;
  for await (const read of readTraceRows(files, (bad) => {
    quarantine.add(bad);
  })) {
    const row = settings.normalize_answers ? withAnswersNormalized(read) : read;
    const ordinal = ledger.enter(row, isUnpaired(row.fields) ? row.generations!.length : 1);
    if (ordinal % ROWS_BETWEEN_PAUSES === 0) await pause(run);
    progress.update(Math.min(total, ledger.records + quarantine.count), total, 'reading');
    const sides = usableSides(row, rule, settings.verdicts);
    if (typeof sides === 'string') {
      ledger.dropUnusable(row, ordinal, sides);
      continue;
    }
    batch.push({ ordinal, row, sides });
    for (const { length } of row.generations!) characters += length;
    if (characters > BATCH_CHARACTERS) {
      yield* await filters.process(batch);
      batch = [];
      characters = 0;
    }
  }
  yield* await filters.process(batch);
}

/** Writes the rows in their order and drops those that others outrank. */
async function writeRows(
  run: Run,
  entries: readonly Entry[],
  spool: Spool<CandidateRow>,
  files: OutputFiles,
): Promise<RuleReport | undefined> {
  const { settings, rule, ledger, progress } = run;
  const { keep, shortest_pairs: most } = settings;
  const kept = keep === undefined ? entries : highestRanked(entries, keep);
  const ordinals = keep === undefined ? undefined : new Set(kept.map(({ ordinal }) => ordinal));
  const shortest = most === undefined ? undefined : shortestPairs(kept, most);
  const ruleRun = rule.begin(kept, settings);
  let done = 0;
  for (const row of spool.drain()) {
    if (done % ROWS_BETWEEN_PAUSES === 0) await pause(run);
    progress.update(++done, entries.length, 'writing');
    if (ordinals && !ordinals.has(row.ordinal)) {
      ledger.drop(row, 'not_selected');
      continue;
    }
    const offered = shortest
      ? row.pairs.filter((_, place) => shortest.get(row.ordinal)?.has(place))
      : row.pairs.filter((pair) => !isTooLong(pair));
    ledger.write(row, offered.length, files.write(ruleRun.write(row, offered)));
  }
  return ruleRun.report?.(files.rows);
}

/** Signals are delivered between turns of the event loop only. */
async function pause({ signal }: Run): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}

function withAnswersNormalized(row: TraceRow): TraceRow {
  const messages = row.messages?.map((message) =>
    message && typeof message.content === 'string'
      ? { ...message, content: normalizeFinalAnswer(message.content) }
      : message,
  );
  return {
    ...row,
    generations: row.generations?.map(normalizeFinalAnswer) ?? null,
    ...(messages && { messages }),
  };
}

function round(x: number): number {
  return Math.round(x * 1000) / 1000;
}
