/** @file Which problems arms have seen before they are tested: those do not count. */
import { readProblems } from '../data/problems.js';
import type { ProblemResult } from '../statistics/estimators.js';
import type { EvaluationResults } from '../evaluate/summary.js';
import type { StageConfig } from '../pipeline/stages/index.js';
import { UserError } from '../util/errors.js';

/** The keys by which `collect` and `evaluate` choose problems. */
interface Asked {
  data: string;
  problem_field?: string;
  answer_field?: string;
  shuffle?: number;
  skip?: number;
  count?: number;
}

/** Problems by their texts, whatever their case and blanks. */
export class SeenProblems {
  readonly #texts = new Set<string>();

  /** Adds the problems that stages ask. What a file holds that is not there yet is not known. */
  async add(stages: readonly StageConfig[]): Promise<void> {
    for (const stage of stages) for (const text of (await textsOf(stage)) ?? []) this.#texts.add(text);
  }

  /**
   * Looks before anything runs whether an evaluation has problems that are not among them.
   * @throws UserError where it has none
   */
  async requireOthers(stage: StageConfig, name: string): Promise<void> {
    const texts = await textsOf(stage);
    if (texts?.every((text) => this.#texts.has(text))) throw nothingLeft(name);
  }

  /**
   * The results of the problems that are not among them.
   * @throws UserError where none is left
   */
  without(results: readonly ProblemResult[], { problems }: EvaluationResults, name: string): ProblemResult[] {
    const left = results.filter(({ id }) => !this.#texts.has(normalized(problems.get(id)!)));
    if (left.length === 0) throw nothingLeft(name);
    return left;
  }
}

/** The problems that a stage asks; undefined where their file is not there yet. */
async function textsOf({ config }: StageConfig): Promise<string[] | undefined> {
  const { data, problem_field: problem, answer_field: answer, ...selection } = config as Asked;
  if (data.startsWith('@')) return undefined;
  const { problems } = await readProblems(data, () => undefined, { problem, answer }, selection);
  return problems.map((one) => normalized(one.problem));
}

const nothingLeft = (name: string): UserError =>
  new UserError(`"${name}" has no problem that was not trained on or chosen by: take others.`);

const normalized = (text: string): string => text.replace(/\s+/g, ' ').trim().toLowerCase();
