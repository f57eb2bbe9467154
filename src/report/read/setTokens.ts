/** @file Brings the numbers of tokens to the responses of a set's rows, and what objectives do to these tokens. */
import { basename, dirname, resolve } from 'node:path';
import type { ChatTokenizer } from '../../text/tokenizer.js';
import { plainNumber } from '../../util/exactJson.js';
import { counted } from '../../util/counted.js';
import type { TokenColumn, TrainingRun } from '../model.js';
import type { FoundFolder } from './folders.js';
import { addGradients, type GradientFound } from './gradients.js';
import { settingsOf } from './json.js';
import { locate, type Tokenizers } from './locate.js';
import {
  describeColumns,
  mergeTokens,
  placeOf,
  rowsOf,
  saysSame,
  sourceIn,
  type SourceRow,
  type TokenSource,
} from './rowTokens.js';
import {
  filesOf,
  openRow,
  originsOf,
  type OpenRow,
  type OpenSetOfRows,
  type OpenTrace,
  type TraceOptions,
} from './openRow.js';

/** What a run's objective did to the rows of a set. */
export interface RunGradient extends GradientFound {
  run: TrainingRun;
  /** Whether the run has seen a row: pairs alone are in pref.jsonl. */
  saw: (row: OpenRow) => boolean;
}

/** All sources of tokens of a report, and how many tokens it may still show. */
export class SetTokens {
  readonly #sources: TokenSource[];
  readonly #placed = new Set<TokenSource>();
  readonly #candidates: ChatTokenizer[];
  readonly #tokenizers: Tokenizers;
  readonly #options: TraceOptions;
  #left: number;

  constructor(options: TraceOptions, tokenizers: Tokenizers) {
    const { found, columns, mayRead, limits } = options;
    const tokenizerOf = (model: unknown, own: string) => tokenizers.of(model, own);
    this.#options = options;
    this.#tokenizers = tokenizers;
    this.#left = limits.tokens;
    const folders = found.filter(({ record: { command, ...record } }) =>
      command === 'score' ? settingsOf(record).tokens === true : command === 'columns',
    );
    this.#sources = [
      ...folders.map((folder) => sourceIn(folder, tokenizerOf, mayRead)),
      ...columns.map((file): TokenSource => ({ name: basename(file), file, kind: 'columns', isNamed: true })),
    ];
    const models = found.flatMap(({ dir, record }) => {
      const { tokenizer, model } = settingsOf(record);
      return [tokenizer, model].flatMap((one) => tokenizerOf(one, dir) ?? []);
    });
    this.#candidates = [...new Set(models)];
  }

  /** Takes tokens off what may be shown. @returns whether there is room for them */
  take(tokens: number): boolean {
    if (tokens > this.#left) return false;
    this.#left -= tokens;
    return true;
  }

  /** Adds all numbers that are known of a set's responses. */
  async addTo({
    folder,
    rows,
    notes,
  }: OpenSetOfRows): Promise<{ columns: TokenColumn[]; gradients: RunGradient[] }> {
    const own = this.#sources.filter((source) => this.#isOf(source, folder));
    const wrote = this.#options.found.find(
      ({ dir, record }) => record.command === 'collect' && dir === folder.dir,
    );
    const drew = wrote ?? this.#collectionOf(folder);
    if (drew) {
      const tokenizer = this.#tokenizers.of(settingsOf(drew.record).model, drew.dir);
      if (tokenizer) for (const trace of tracesOf(rows)) if (trace.own) trace.tokenizer = tokenizer;
    }
    for (const source of own) this.#attach(source, rows, notes);
    const gradients: RunGradient[] = [];
    const { keys, above } = keysOf(rows);
    const described = describeColumns(keys, own, above);
    for (const run of this.#runsOn(folder, own)) {
      const of = this.#gradientOf(run, described, own);
      const saw = seenBy(run);
      gradients.push({ run, saw, ...(await addGradients([...rows.values()].filter(saw), of)) });
    }
    const pushes = gradients
      .filter((gradient) => gradient.rows > 0)
      .map(({ run, rows: count }): TokenColumn => {
        const about = `−dLoss/dlog p in ${run.name} (${run.objective}) at its beginning, times the ${counted(count, 'row')} that are here: what is above 0 becomes likelier`;
        return { key: gradientKey(run), name: `gradient, ${run.name}`, about, kind: 'gradient' };
      });
    if (keys.size === 0) notes.push(this.#howTo(folder));
    return { columns: [...described, ...pushes], gradients };
  }

  /** Sets of the rows of files that a user has named and that are of no other set. */
  unplaced(most: number): OpenSetOfRows[] {
    return this.#sources
      .filter((source) => source.kind === 'columns' && !this.#placed.has(source))
      .map((source) => {
        const folder: FoundFolder = {
          dir: dirname(source.file),
          name: source.name,
          record: { command: 'columns' },
        };
        const notes: string[] = [];
        const tokenizer = source.tokenizer ?? this.#candidates[0];
        if (!tokenizer)
          notes.push(
            `The tokenizer of ${source.name} is not on this machine: name a folder of a run beside it whose model is.`,
          );
        const rows = tokenizer ? rowsOfFile(source, tokenizer, most) : new Map<string, OpenRow>();
        return { folder, rows, notes, files: [source.file] };
      })
      .filter(({ rows, notes }) => rows.size > 0 || notes.length > 0);
  }

  /** A source in a folder belongs to the curation whose file it scored; one that was named, to those whose rows it has. */
  #isOf({ data, isNamed }: TokenSource, { dir }: FoundFolder): boolean {
    return isNamed ?? (data !== undefined && dirname(data) === resolve(dir));
  }

  #collectionOf(folder: FoundFolder): FoundFolder | undefined {
    const files = originsOf(filesOf(folder), this.#options.found);
    return this.#options.found.find(
      (one) => one.record.command === 'collect' && files.some((file) => dirname(file) === resolve(one.dir)),
    );
  }

  #attach(source: TokenSource, rows: ReadonlyMap<string, OpenRow>, notes: string[]): void {
    let [seen, other] = [0, 0];
    for (const { fields, responses } of rowsOf(source)) {
      const index = plainNumber(fields.original_index);
      const row = index === undefined ? undefined : rows.get(String(index));
      if (!row) continue;
      for (const [at, { role, tokens }] of responses.entries()) {
        const trace = placeOf(row, fields, role, at);
        if (!trace) continue;
        const tokenizer = this.#tokenizerFor(source, trace, tokens.ids);
        if (tokenizer && mergeTokens(trace, tokens)) {
          trace.tokenizer = tokenizer;
          seen++;
        } else other++;
      }
    }
    if (seen > 0) this.#placed.add(source);
    if (other > 0 && (seen > 0 || !source.isNamed))
      notes.push(
        source.tokenizer || source.isNamed
          ? `${counted(other, 'response')} of ${source.name} are left out: their tokens are not those of the rows here.`
          : `The tokens of ${source.name} are not shown: the tokenizer of ${source.model ?? 'its model'} is not on this machine.`,
      );
  }

  /** A folder's record names the tokenizer; for a file that a user has named it is the one that gives the text. */
  #tokenizerFor(source: TokenSource, { text }: OpenTrace, ids: readonly number[]): ChatTokenizer | undefined {
    if (!source.isNamed) return source.tokenizer;
    const tokenizer = [source.tokenizer, ...this.#candidates].find((one) => one && saysSame(one, ids, text));
    source.tokenizer ??= tokenizer;
    return tokenizer;
  }

  /** Runs that were trained on the files of a set. */
  #runsOn({ dir }: FoundFolder, sources: readonly TokenSource[]): TrainingRun[] {
    const files = new Set(sources.map(({ file }) => resolve(file)));
    return this.#options.runs.filter((run) => {
      const data = locate(run.settings.data, run.dir);
      return data !== undefined && (dirname(data) === resolve(dir) || files.has(resolve(data)));
    });
  }

  #gradientOf(run: TrainingRun, columns: readonly TokenColumn[], sources: readonly TokenSource[]) {
    const logps = columns.filter(({ kind }) => kind === 'logp').map(({ key }) => key);
    const of = (model: unknown) => {
      const wanted = locate(model, run.dir) ?? model;
      const source = sources.find(
        (one) =>
          one.context === undefined &&
          one.model !== undefined &&
          (locate(one.model, dirname(one.file)) ?? one.model) === wanted,
      );
      const name =
        source && logps.find((key) => key === source.name || key === `${source.name}: ${source.as ?? ''}`);
      return name ?? (logps.length === 1 ? logps[0] : undefined);
    };
    const { model, reference = 'start' } = run.settings;
    const record = this.#options.found.find(({ dir }) => dir === run.dir)?.record ?? {};
    const { objective } = settingsOf(record);
    return {
      objective,
      key: gradientKey(run),
      start: of(model),
      reference: of(reference === 'start' ? model : reference),
    };
  }

  /** Which command makes what a set lacks. */
  #howTo({ dir, record }: FoundFolder): string {
    const run = this.#options.runs.find((one) => {
      const data = locate(one.settings.data, one.dir);
      return data !== undefined && dirname(data) === resolve(dir);
    });
    const named = run?.settings.model ?? settingsOf(record).model;
    const { shown } = this.#options;
    const model = typeof named === 'string' ? shown(named) : 'MODEL';
    const data =
      record.command === 'curate'
        ? `${shown(dir)}/${run && String(run.settings.data).endsWith('sft.jsonl') ? 'sft' : 'pref'}.jsonl`
        : 'ROWS';
    return record.command === 'collect'
      ? 'There are no log-probs of tokens: `redistill collect --keep-tokens` keeps those of a model that runs here, and `redistill columns` makes those of curated rows.'
      : `There are no log-probs of tokens: \`redistill columns ${data} --model ${model} --as before --out before.jsonl\` makes them, and \`redistill report … --columns before.jsonl\` shows them.`;
  }
}

/** Of a curation's rows those with a pair, or all that have a right response. */
function seenBy({ settings: { data } }: TrainingRun): (row: OpenRow) => boolean {
  const ofPairs = typeof data === 'string' && basename(data).startsWith('pref');
  return ({ made }) => made.some(({ wrong }) => !ofPairs || wrong !== undefined);
}

const gradientKey = (run: TrainingRun): string => `gradient: ${run.id}`;

function* tracesOf(rows: ReadonlyMap<string, OpenRow>): Generator<OpenTrace> {
  for (const { traces } of rows.values()) yield* traces.values();
}

/** Columns that tokens of a set have, and those of them with a number above 0. */
function keysOf(rows: ReadonlyMap<string, OpenRow>): { keys: Set<string>; above: Set<string> } {
  const [keys, above] = [new Set<string>(), new Set<string>()];
  for (const { own, tokenizer } of tracesOf(rows))
    if (tokenizer)
      for (const [key, values] of own?.columns ?? []) {
        keys.add(key);
        if (!above.has(key) && values.some((value) => value > 0)) above.add(key);
      }
  return { keys, above };
}

/** Rows of a file of tokens by itself: all of their texts are decoded. */
function rowsOfFile(source: TokenSource, tokenizer: ChatTokenizer, most: number): Map<string, OpenRow> {
  const rows = new Map<string, OpenRow>();
  let line = 0;
  for (const { fields, responses } of rowsOf(source)) {
    line++;
    if (rows.size >= most) break;
    const row = openRow(idOf(fields, line, rows), responses.length > 1 ? 'pair' : 'right alone');
    row.problem = tokenizer.decode(responses[0]!.promptIds, { contentOnly: true }).trim();
    for (const [place, { role, tokens }] of responses.entries())
      row.traces.set(place, {
        ...{ name: role, text: tokenizer.decode(tokens.ids, { contentOnly: true }), verdicts: [] },
        ...{ own: tokens, tokenizer },
      });
    const roles = responses.map(({ role }) => role);
    const [right, wrong] = [roles.findIndex((role) => role !== 'rejected'), roles.indexOf('rejected')];
    row.made.push({ right: Math.max(0, right), ...(wrong >= 0 && right >= 0 && { wrong }) });
    if (responses.length > 2 || (responses.length === 2 && wrong < 0)) row.fate = 'samples';
    rows.set(row.id, row);
  }
  return rows;
}

function idOf(fields: SourceRow['fields'], line: number, taken: ReadonlyMap<string, unknown>): string {
  const index = plainNumber(fields.original_index);
  const id = index === undefined ? String(line) : String(index);
  return taken.has(id) ? `${id}, line ${line}` : id;
}
