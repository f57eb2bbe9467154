/** @file Puts rows that have a right trace through the filters and lets the rule choose among their traces. */
import { contentText } from '../text/messages.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { deriveSeed, Random } from '../util/random.js';
import {
  candidateRow,
  promptOf,
  type CandidateRow,
  type JudgedRow,
  type PairLengths,
  responseOf,
  traceOf,
} from './candidateRow.js';
import { Decontaminator, loadEvaluationSets, type EvaluationSet, type Overlap } from './decontaminate.js';
import { DuplicateFinder, type Duplicate } from './duplicates.js';
import type { DropReason } from './usableSides.js';
import { lengthCounts, LengthMeter, type LengthLimits, type LengthRule, type Measurable } from './lengths.js';
import type { CurationRule, RowTraces } from './rules/rule.js';
import { cvOf, inOrder } from './selection.js';
import type { CurateSettings } from './settings.js';
import type { Sides } from './verdictSources.js';

/** A row on its way through the filters, and what they found. */
export interface Filtered {
  readonly judged: JudgedRow;
  /** Its traces, without those that are longer than `max_tokens`. */
  sides: Sides;
  /** Why it is dropped; undefined: it may be written. */
  reason?: DropReason;
  overlaps: Overlap[];
  duplicate?: Duplicate;
  /** Its traces that were measured against `max_tokens`, and how many of them are longer. */
  traces: { measured: number; tooLong: number };
  /** Absent where the row was dropped before the rule chose. */
  candidate?: CandidateRow;
}

/** Tokens of traces, by the index of the generation. */
type TokenCounts = ReadonlyMap<number, number>;

/** What decides about rows that have a right trace. */
export class RowFilters {
  readonly #settings: CurateSettings;
  readonly #rule: CurationRule;
  readonly #decontaminator: Decontaminator | undefined;
  readonly #duplicates = new DuplicateFinder();
  readonly #meter: LengthMeter | undefined;
  /** How pairs are limited; undefined: they are not. */
  readonly lengths: LengthRule | undefined;

  private constructor(
    settings: CurateSettings,
    rule: CurationRule,
    readonly evaluationSets: readonly EvaluationSet[],
  ) {
    this.#settings = settings;
    this.#rule = rule;
    if (evaluationSets.length > 0) this.#decontaminator = new Decontaminator(evaluationSets);
    if (settings.model !== undefined) this.#meter = new LengthMeter(ChatTokenizer.load(settings.model));
    if (settings.length_filter) this.lengths = lengthRule(settings, rule);
  }

  /** Loads evaluation sets and tokenizer. @throws UserError where they cannot be read */
  static async open(settings: CurateSettings, rule: CurationRule): Promise<RowFilters> {
    return new RowFilters(settings, rule, await loadEvaluationSets(settings.decontaminate));
  }

  /** Problems that could not be compared with all that they might repeat. */
  get searchesCutShort(): number {
    return this.#duplicates.cutShort;
  }

  /** Puts rows through the filters, in their order; tokens are counted for all together, on all cores. */
  async process(rows: readonly JudgedRow[]): Promise<Filtered[]> {
    const all = rows.map((judged) => this.#judgeProblem(judged));
    const live = () => all.filter(({ reason }) => !reason);
    const conversations = await this.#countConversations(live());
    for (const row of live()) this.#limitTraces(row, conversations.get(row));
    const responses = await this.#countResponses(live());
    for (const row of live()) this.#choose(row, responses.get(row), conversations.get(row));
    await this.#measurePairs(live());
    for (const row of live()) this.#findDuplicate(row);
    return all;
  }

  /** Applies what depends on the problem and the verdicts alone. */
  #judgeProblem(judged: JudgedRow): Filtered {
    const { min_cv: least, drop_contaminated: drops } = this.#settings;
    const { row, sides } = judged;
    const filtered: Filtered = { judged, sides, overlaps: [], traces: { measured: 0, tooLong: 0 } };
    if (least !== undefined && !(cvOf(sides.right.length, row.generations!.length) > least))
      return { ...filtered, reason: 'not_selected' };
    const overlaps = this.#decontaminator?.find(problemText(judged)) ?? [];
    if (overlaps.length > 0 && drops) return { ...filtered, overlaps, reason: 'contaminated' };
    return { ...filtered, overlaps };
  }

  /** Counts each trace with its prompt, where `max_tokens` or `shortest_pairs` asks. */
  async #countConversations(rows: readonly Filtered[]): Promise<Map<Filtered, TokenCounts>> {
    const { max_tokens: most, shortest_pairs: shortest } = this.#settings;
    if (most === undefined && shortest === undefined) return new Map();
    return byTrace(rows, await this.#meter!.measureConversations(rows.map(tracesOf)));
  }

  /** Counts each response, where the rule compares lengths and there is a model to count with. */
  async #countResponses(rows: readonly Filtered[]): Promise<Map<Filtered, TokenCounts>> {
    if (!this.#rule.comparesLengths || !this.#meter) return new Map();
    const counts = await this.#meter.measureParts(rows.map(tracesOf), lengthCounts.content);
    return byTrace(
      rows,
      counts.map(({ responses }) => responses),
    );
  }

  /** Leaves out traces beyond `max_tokens`. */
  #limitTraces(filtered: Filtered, conversations: TokenCounts | undefined): void {
    const { max_tokens: most } = this.#settings;
    if (most === undefined) return;
    const { right, wrong } = filtered.sides;
    const fits = (index: number) => conversations!.get(index)! <= most;
    const left = { right: right.filter(fits), wrong: wrong.filter(fits) };
    const measured = right.length + wrong.length;
    filtered.traces = { measured, tooLong: measured - left.right.length - left.wrong.length };
    filtered.sides = left;
    if (left.right.length === 0) filtered.reason = 'length';
  }

  /** Lets the rule choose. */
  #choose(
    filtered: Filtered,
    responses: TokenCounts | undefined,
    conversations: TokenCounts | undefined,
  ): void {
    const { shortest_pairs: shortest, chosen: order, seed } = this.#settings;
    const { judged, sides } = filtered;
    const texts = judged.row.generations!;
    const trace = (index: number) => traceOf(judged.row, index);
    const random = new Random(deriveSeed(seed, 'chosen', judged.row.originalIndex));
    const traces: RowTraces = {
      right: inOrder(sides.right, texts, order, random),
      wrong: sides.wrong,
      texts,
      lengths: texts.map(({ length }, index) => responses?.get(index) ?? length),
    };
    const { taught, pairs } = this.#rule.choose(traces, this.#settings);
    const made = pairs.map(([a, b]) => ({
      chosen: trace(a),
      rejected: trace(b),
      ...(shortest !== undefined && { tokens: conversations!.get(a)! + conversations!.get(b)! }),
      excess: [],
    }));
    filtered.candidate = candidateRow(judged, trace(taught), sides.wrong.length > 0, made, seed);
  }

  /** Measures the parts of pairs, and the right trace where D_SFT is limited; each text once. */
  async #measurePairs(rows: readonly Filtered[]): Promise<void> {
    if (!this.lengths) return;
    const { count, limits, sft } = this.lengths;
    const measured = rows.filter(({ candidate }) => sft || candidate!.pairs.length > 0);
    const texts = measured.map(({ candidate }) => textsOf(candidate!, sft));
    const counts = await this.#meter!.measureParts(
      measured.map(({ candidate, judged: { row } }, i) => ({
        prompt: candidate!.prompt,
        responses: [...texts[i]!].map((index) => responseOf(row, index)),
      })),
      count,
    );
    for (const [i, filtered] of measured.entries()) {
      const { prompt, responses } = counts[i]!;
      const tokens = new Map([...texts[i]!].map((index, k) => [index, responses[k]!]));
      const candidate = filtered.candidate!;
      for (const pair of candidate.pairs) {
        const [chosen, rejected] = [tokens.get(pair.chosen.index)!, tokens.get(pair.rejected.index)!];
        pair.lengths = { prompt, chosen, rejected };
        pair.excess = excessOf(pair.lengths, limits);
      }
      if (!sft) continue;
      const right = { prompt, chosen: tokens.get(candidate.right.index)!, rejected: 0 };
      if (excessOf(right, limits).length > 0) filtered.reason = 'length';
    }
  }

  #findDuplicate(filtered: Filtered): void {
    const { judged } = filtered;
    const duplicate = this.#duplicates.add(problemText(judged), judged.row.originalIndex);
    if (!duplicate) return;
    filtered.duplicate = duplicate;
    if (this.#settings.duplicates === 'drop') filtered.reason = 'duplicate';
  }
}

/** How lengths are counted and limited: as the rule does, or as the settings say. */
function lengthRule(settings: CurateSettings, rule: CurationRule): LengthRule {
  const asked: LengthRule = {
    count: lengthCounts[settings.length_count],
    limits: { prompt: settings.max_prompt_tokens, response: settings.max_response_tokens },
    sft: settings.limit_sft,
  };
  return rule.lengths?.(asked) ?? asked;
}

/** A row's right and wrong traces with their prompt, to be measured. */
function tracesOf({ judged: { row }, sides: { right, wrong } }: Filtered): Measurable {
  return { prompt: promptOf(row), responses: [...right, ...wrong].map((index) => responseOf(row, index)) };
}

/** Puts the counts of `tracesOf` under the rows and the indices of the generations. */
function byTrace(rows: readonly Filtered[], counts: readonly number[][]): Map<Filtered, TokenCounts> {
  return new Map(
    rows.map((row, i) => {
      const { right, wrong } = row.sides;
      return [row, new Map([...right, ...wrong].map((index, k) => [index, counts[i]![k]!]))];
    }),
  );
}

/** Everything before the answer, usually just the problem. */
function problemText({ row }: JudgedRow): string {
  return promptOf(row).map(contentText).join('\n');
}

function excessOf({ prompt, chosen, rejected }: PairLengths, limits: LengthLimits): (keyof PairLengths)[] {
  return [
    ...(prompt > (limits.prompt ?? Infinity) ? (['prompt'] as const) : []),
    ...(chosen > limits.response ? (['chosen'] as const) : []),
    ...(rejected > limits.response ? (['rejected'] as const) : []),
  ];
}

/** The traces to measure, each once. */
function textsOf({ right, pairs }: CandidateRow, sft: boolean): Set<number> {
  const traces = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  return new Set([...(sft ? [right] : []), ...traces].map(({ index }) => index));
}
