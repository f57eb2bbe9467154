/** @file The way of each row, in sentences: who answered, what verdicts said, what the rule took, what the doctor found, who trained on it. */
import { dirname, join, resolve } from 'node:path';
import { isCutOff } from '../../data/finishReasons.js';
import { plainNumber } from '../../util/exactJson.js';
import { counted } from '../../util/counted.js';
import type { FoundFolder } from './folders.js';
import { settingsOf, shortened } from './json.js';
import { locate } from './locate.js';
import type { RunGradient } from './setTokens.js';
import { linesOf, originsOf, type OpenRow, type OpenSetOfRows, type TraceOptions } from './openRow.js';

/** Writes the way of all rows of a set. */
export function waysOf(set: OpenSetOfRows, { found }: TraceOptions, gradients: readonly RunGradient[]): void {
  const { folder, rows, files } = set;
  const origins = originsOf(files, found);
  const collected = found.find(
    ({ dir, record }) =>
      record.command === 'collect' && origins.some((file) => dirname(file) === resolve(dir)),
  );
  const more = new Map<string, string[]>();
  const says = (id: string, words: string) => more.set(id, [...(more.get(id) ?? []), words]);
  repeats(folder.dir, rows, says);
  const seen = found
    .filter(({ record, dir }) => {
      const data = record.command === 'doctor' ? locate(settingsOf(record).data, dir) : undefined;
      return data !== undefined && dirname(data) === resolve(folder.dir);
    })
    .map((doctor) => ({ doctor, verdicts: verdictsIn(doctor, rows) }));
  for (const row of rows.values()) {
    row.way.push(origin(row, collected, files), ...judged(row));
    if (folder.record.command === 'curate')
      row.way.push({ name: folder.name, words: [ruled(row), ...(more.get(row.id) ?? [])].join('; ') });
    for (const { doctor, verdicts } of seen) {
      const words = verdicts.get(row.id);
      if (words !== undefined) row.way.push({ name: doctor.name, words, link: `doctor/${doctor.name}` });
    }
    row.way.push(...gradients.filter(({ saw }) => saw(row)).map((gradient) => trainedBy(row, gradient)));
  }
}

function origin({ traces }: OpenRow, collected: FoundFolder | undefined, files: readonly string[]) {
  const responses = `${counted(traces.size, 'response')} known`;
  if (collected)
    return {
      name: collected.name,
      words: `${responses}, of ${shortened(settingsOf(collected.record).model)}`,
    };
  return {
    name: 'data',
    words: `${responses}, from ${files.map((file) => shortened(file)).join(', ') || 'files that are not there'}`,
  };
}

function judged({ traces }: OpenRow) {
  const all = [...traces.values()];
  const graders = [...new Set(all.flatMap(({ verdicts }) => verdicts.map(({ by }) => by)))];
  const words = graders.map((by) => {
    const given = all.flatMap(({ verdicts }) => verdicts.filter((verdict) => verdict.by === by));
    const count = (right: boolean) => given.filter((verdict) => verdict.right === right).length;
    return `${count(true)} right and ${count(false)} wrong by ${by}`;
  });
  const cut = all.filter(({ finishReason }) => finishReason !== undefined && isCutOff(finishReason)).length;
  if (cut > 0) words.push(`${cut} cut off`);
  return words.length === 0 ? [] : [{ name: 'verdicts', words: words.join('; ') }];
}

function ruled({ fate, made }: OpenRow): string {
  if (made.length === 0) return fate;
  const names = made.map(({ right, wrong }) =>
    wrong === undefined
      ? `response ${right + 1} alone is right`
      : `response ${right + 1} chosen, response ${wrong + 1} rejected`,
  );
  return `kept: ${names.join('; ')}`;
}

/** A word of a file, whatever stands in its place. */
const wordOf = (value: unknown): string => (typeof value === 'string' ? value : '?');

/** What a curation found across rows: problems that repeat others, and that are in an evaluation. */
function repeats(
  dir: string,
  rows: ReadonlyMap<string, OpenRow>,
  says: (id: string, words: string) => void,
): void {
  const idIn = (row: Record<string, unknown>): string => String(plainNumber(row.original_index));
  for (const row of linesOf(join(dir, 'duplicates.jsonl')))
    if (rows.has(idIn(row)))
      says(idIn(row), `${wordOf(row.kind)} duplicate of row ${String(plainNumber(row.duplicate_of) ?? '?')}`);
  for (const row of linesOf(join(dir, 'contaminated.jsonl')))
    if (rows.has(idIn(row))) says(idIn(row), `shares words with ${wordOf(row.set)}: “${wordOf(row.words)}”`);
}

function verdictsIn({ dir }: FoundFolder, rows: ReadonlyMap<string, OpenRow>): Map<string, string> {
  const found = new Map<string, string>();
  for (const { original_index: index, verdict, problems, fate } of linesOf(join(dir, 'verdicts.jsonl'))) {
    const id = String(plainNumber(index));
    if (!rows.has(id) || found.has(id)) continue;
    const codes = Array.isArray(problems)
      ? problems.map((problem) => wordOf((problem as { code?: unknown } | null)?.code))
      : [];
    const left = fate === 'dropped' ? '; training leaves it out as too long' : '';
    found.set(id, `${wordOf(verdict)}${codes.length === 0 ? '' : `: ${codes.join(', ')}`}${left}`);
  }
  return found;
}

function trainedBy({ id, made }: OpenRow, { run, rows, shares, problem }: RunGradient) {
  const weight = made.find((one) => one.weight !== undefined)?.weight ?? 1;
  const share = shares.get(id);
  const words =
    share === undefined
      ? `its share of the gradient is not known: ${problem ?? 'not all of its tokens are here'}`
      : `${(100 * share).toPrecision(2)} % of the gradient (Σ|dLoss/dlog p|) that the ${counted(rows, 'row')} with tokens here have at the beginning`;
  return {
    name: run.name,
    words: `trained by ${run.objective}, weight ${weight}; ${words}`,
    link: `runs/${run.id}`,
  };
}
