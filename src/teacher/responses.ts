/** @file Has problems answered into a folder's journal, and joins the answers with the rows of the problems. The step that `collect` and `evaluate` share. */
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { hasField, readProblemRows, readProblems, rowsDigest, type ProblemRow } from '../data/problems.js';
import { rowError } from '../data/jsonl.js';
import { Quarantine } from '../data/quarantine.js';
import { counted } from '../util/counted.js';
import { UserError } from '../util/errors.js';
import { withFolder } from '../util/folderLock.js';
import { makeFolder } from '../util/folders.js';
import { inLine } from '../util/printable.js';
import type { Progress } from '../util/progress.js';
import { Collector, type GradeAtOnce, type Verifier } from './collector.js';
import { journalHeader, readHeader, requireSameRun, type JournalHeader } from './header.js';
import { Journal } from './journal.js';
import { Meter, type Budget, type Prices } from './meter.js';
import type { RequestId, Sampler } from './requests.js';
import { PromptFile, type Asked } from './promptFile.js';
import {
  checkAnswerSettings,
  prefixRefusal,
  promptFor,
  storedSampling,
  type AnswerSettings,
} from './settings.js';
import {
  journalEntry,
  knownAnswer,
  nextSample,
  type JournalEntry,
  type ProblemState,
  type Wanted,
} from './states.js';

/** A model that is asked, with what tells it apart from others. */
export interface AskedModel {
  /** As it is named in rows. */
  name: string;
  /** What a journal is compared by, such as {"model": …}: answers of another model do not belong into it. */
  identity: Record<string, unknown>;
  sampler: Sampler;
}

export interface ResponsesOptions {
  settings: AnswerSettings;
  /** Default: as many as `settings.samples` says. */
  wanted?: Wanted;
  /** The folder of the journal and of what is made from it. */
  out: string;
  model: AskedModel;
  /** Verifies answers as they arrive; a journal holds the verdicts of one preset only. */
  verify?: Verifier;
  preset?: string;
  /** Grades responses as they arrive, for whoever looks on. */
  grade?: GradeAtOnce;
  /** Looks at the row of every problem before anything is asked; what it throws refuses the run. */
  checkRow?: (row: ProblemRow) => void;
  /** Fields that some row of the file must have: where none has one, its name is a wrong one. */
  neededFields?: readonly string[];
  budget?: Budget;
  prices?: Prices;
  progress: Progress;
  signal: AbortSignal;
}

/** A problem's row with its journaled answers, in the order of their numbers. */
export interface AnsweredRow {
  row: ProblemRow;
  entries: JournalEntry[];
}

/** What a run has in its folder. */
export interface Responses {
  states: readonly ProblemState[];
  wanted: Wanted;
  meter: Meter;
  /** What of the settings an answer depends on, for its row. */
  sampling: Readonly<Record<string, unknown>>;
  /** Rows of the problem file that cannot be used; `quarantine.jsonl` has them. */
  setAside: number;
  /**
   * The rows of the problems that have answers, in the order of the file.
   * @param instead what stands for the answers that are missing to a problem that was given up
   */
  rows(instead?: (id: RequestId) => JournalEntry): AsyncGenerator<AnsweredRow>;
}

/**
 * Has every problem answered as often as the settings say, then hands what is there to `use`. Answers are journaled in
 * `<out>/journal.jsonl` as they arrive; what the journal has is never asked for again, so that calling this again
 * resumes a run however it ended.
 * @throws UserError for input that does not fit, where every request fails, or where the disk is full; OtherRun for
 * settings other than the journal's; the signal's reason when it is aborted
 */
export async function withResponses<T>(
  options: ResponsesOptions,
  use: (responses: Responses) => Promise<T>,
): Promise<T> {
  const { out } = options;
  checkAnswerSettings(options.settings);
  try {
    makeFolder(out);
    return await withFolder(out, () => answer(options, use));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code ?? '')) throw error;
    throw new UserError(
      `The disk of ${out} is full: free some space and run the same command again; the answers up to now are kept.`,
    );
  }
}

async function answer<T>(options: ResponsesOptions, use: (responses: Responses) => Promise<T>): Promise<T> {
  const { out, settings, model, progress, signal } = options;
  const { wanted = { samples: settings.samples, untilRight: false } } = options;
  const { data, problem_field: problem, answer_field: gold } = settings;
  using setAside = new Quarantine(join(out, 'quarantine.jsonl'));
  const { problems, usable, digest } = await readProblems(
    data,
    (bad) => {
      setAside.add(bad);
    },
    { problem, answer: gold },
    settings,
  );
  const states = problems.map((row): ProblemState => ({ ...row, answers: [] }));
  const prompt = await openPrompt(settings);
  await lookAtRows(options, states, prompt);
  const sampling = { ...storedSampling(settings), ...prompt?.identity };
  const header: JournalHeader = {
    journal: 'redistill answers',
    version: 2,
    problems: { rows: usable, sha256: digest },
    settings: {
      ...model.identity,
      ...sampling,
      ...(options.preset && { preset: options.preset }),
      ...(problem && { problem_field: problem }),
      ...(gold && { answer_field: gold }),
    },
  };
  const meter = new Meter(options.prices, options.budget ?? {});
  const { journal, begun } = await openJournal(out, states, meter);
  try {
    await goOn(journal, begun, header, options);
    keepSetAside(setAside, progress);
    if (states.some((state) => nextSample(state, wanted) !== undefined)) {
      const { verify, grade } = options;
      const { sampler } = model;
      const queue = new Collector(
        {
          settings,
          wanted,
          ...(verify && { verify }),
          ...(grade && { grade }),
          ...(prompt && { prompt }),
          replays: sampler.replays,
          progress,
        },
        states,
        meter,
        journal,
      );
      await sampler.run(queue, signal);
    }
    return await use({
      states,
      wanted,
      meter,
      sampling,
      setAside: setAside.count,
      rows: (instead) =>
        answeredRows(
          data,
          { problem, answer: gold },
          digest,
          states,
          wanted.samples,
          journal,
          signal,
          instead,
        ),
    });
  } finally {
    await journal.close();
  }
}

async function openPrompt(settings: AnswerSettings): Promise<PromptFile | undefined> {
  const { prompt, data, api } = settings;
  const refusesPrefix = prefixRefusal(settings);
  return prompt === undefined
    ? undefined
    : PromptFile.open(prompt, data, { api, ...(refusesPrefix !== undefined && { refusesPrefix }) });
}

/**
 * Reads the rows of the problems again, where what is sent depends on more of them than the problem, and says it.
 * @throws UserError naming file and line of a row that does not fit
 */
async function lookAtRows(
  { settings, checkRow, neededFields = [] }: ResponsesOptions,
  states: readonly ProblemState[],
  prompt: PromptFile | undefined,
): Promise<void> {
  const { data, problem_field: problem, answer_field: answer, prefix_field: prefixField } = settings;
  const missing = new Set(neededFields);
  if (!prompt && prefixField === undefined && !checkRow && missing.size === 0) return;
  const byPlace = new Map(states.map((state) => [state.place, state]));
  const written = prompt && new Questions();
  let place = 0;
  for await (const row of readProblemRows(data, () => undefined, { problem, answer })) {
    const state = byPlace.get(place++);
    for (const field of missing) if (hasField(row.fields, field)) missing.delete(field);
    if (!state) continue;
    checkRow?.(row);
    if (!prompt && prefixField === undefined) continue;
    const asked = prompt?.rehearse(row) ?? { prompt: promptFor(settings, state.problem) };
    written?.add(row, asked);
    if (prompt && prompt.questions > 1) state.row = row;
    state.asked = {
      ...asked,
      ...(prefixField !== undefined && { prefix: prefixOf(row, prefixField, data) }),
    };
  }
  const [field] = missing;
  if (field !== undefined && place > 0) throw new UserError(`No row of ${data} has the field "${field}".`);
  if (written?.areAllAlike)
    throw new UserError(
      `${settings.prompt!}: "user" asks the same of every problem (${written.first}): write {{ problem }} where the problem is to stand.`,
    );
}

/** Whether problems that differ are asked for in one and the same text. */
class Questions {
  readonly #problems = new Set<string>();
  readonly #texts = new Set<string>();

  add({ problem }: ProblemRow, { prompt, prefix }: Asked): void {
    if (this.#texts.size > 1) return;
    this.#problems.add(problem);
    const isWhole = typeof prompt === 'string';
    // Demonstrations between them may differ by themselves.
    const system = isWhole ? [] : prompt.filter(({ role }) => role === 'system');
    this.#texts.add(JSON.stringify([isWhole ? prompt : prompt.at(-1)!.content, system, prefix]));
  }

  get areAllAlike(): boolean {
    return this.#problems.size > 1 && this.#texts.size === 1;
  }

  /** The question, cut to a line. */
  get first(): string {
    return inLine((JSON.parse([...this.#texts][0]!) as [string])[0], 60);
  }
}

function prefixOf({ fields, line }: ProblemRow, name: string, data: string): string {
  const prefix = fields[name];
  if (typeof prefix === 'string') return prefix;
  throw rowError(data, line, `"${name}", with which the response begins, must be a text`);
}

/** Puts the rows that cannot be used in their place; a run that is refused leaves those of before. */
function keepSetAside(setAside: Quarantine, progress: Progress): void {
  setAside.commit();
  const { first, count, path } = setAside;
  if (first)
    progress.log(
      `${counted(count, 'row')} set aside in ${path} (the first: line ${first.line}, ${first.problem})`,
    );
}

/**
 * The journal and its last header, with what it holds entered into the states and the meter. Answers to problems that
 * are not selected stay in it; one without an answer, of a run that failed before its first, is begun anew.
 */
async function openJournal(
  out: string,
  states: readonly ProblemState[],
  meter: Meter,
): Promise<{ journal: Journal; begun: JournalHeader | undefined }> {
  const path = join(out, 'journal.jsonl');
  const byPlace = new Map(states.map((state) => [state.place, state]));
  let begun: JournalHeader | undefined;
  let answers = 0;
  const journal = await Journal.open(path, (line, place) => {
    if (place.offset === 0) {
      begun = readHeader(line, out);
      return;
    }
    const entry = journalEntry.safeParse(line);
    if (!entry.success) {
      begun = journalHeader.safeParse(line).data;
      if (begun) return;
      throw new UserError(`${path} has a line at byte ${place.offset} that is not an answer: remove it.`);
    }
    answers++;
    const { id } = entry.data;
    const state = byPlace.get(id.problem);
    if (state) state.answers[id.sample] = knownAnswer(entry.data, place);
    meter.add(entry.data);
  });
  if (answers > 0 || begun === undefined) return { journal, begun };
  await journal.clear();
  return { journal, begun: undefined };
}

/**
 * Begins a journal, or looks whether this run may go on with it. Where problems were added at the end of the file, it is
 * told so in a header of its own.
 * @throws OtherRun where it may not
 */
async function goOn(
  journal: Journal,
  begun: JournalHeader | undefined,
  header: JournalHeader,
  { out, settings, progress }: ResponsesOptions,
): Promise<void> {
  if (begun === undefined) {
    await journal.append(header);
    return;
  }
  const [then, now] = [begun.problems, header.problems];
  const isSame = then.sha256 === now.sha256;
  const hasGrown = !isSame && then.rows < now.rows && (await digestOf(settings, then.rows)) === then.sha256;
  requireSameRun(begun, header, isSame || hasGrown, out);
  if (!hasGrown) return;
  await journal.append(header);
  progress.log(`${now.rows - then.rows} problems were added to the ${then.rows} of before`);
}

/** The digest of the first rows of a problem file. */
async function digestOf(
  { data, problem_field: problem, answer_field: answer }: AnswerSettings,
  rows: number,
): Promise<string> {
  const digest = rowsDigest();
  let left = rows;
  for await (const row of readProblemRows(data, () => undefined, { problem, answer })) {
    digest.add(row);
    if (--left === 0) break;
  }
  return digest.value();
}

const ROWS_BETWEEN_PAUSES = 64;

/** @throws UserError where the problem file is not the one that was read before */
async function* answeredRows(
  path: string,
  names: { problem: string | undefined; answer: string | undefined },
  digest: string,
  states: readonly ProblemState[],
  samples: number,
  journal: Journal,
  signal: AbortSignal,
  instead?: (id: RequestId) => JournalEntry,
): AsyncGenerator<AnsweredRow> {
  const byPlace = new Map(states.map((state) => [state.place, state]));
  const now = rowsDigest();
  let place = 0;
  for await (const row of readProblemRows(path, () => undefined, names)) {
    now.add(row);
    // A journal may hold more than is asked for now.
    const state = byPlace.get(place);
    const entries: JournalEntry[] = [];
    for (let sample = 0; state && sample < samples; sample++) {
      const answer = state.answers[sample];
      if (answer) entries.push(journalEntry.parse(journal.read(answer.place)));
      else if (state.failure && instead) entries.push(instead({ problem: state.place, sample }));
    }
    if (entries.length > 0) yield { row, entries };
    if (++place % ROWS_BETWEEN_PAUSES === 0) await setImmediate(); // signals are delivered
    signal.throwIfAborted();
  }
  if (now.value() !== digest)
    throw new UserError(`${path} was changed in the meantime: put it back and run the same command again.`);
}
