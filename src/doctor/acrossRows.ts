/** @file Finds rows that repeat earlier rows, and prompts that overlap with evaluation sets. */

import { createHash } from 'node:crypto';
import { Decontaminator, type EvaluationSet } from '../curate/decontaminate.js';
import { normalizeText } from '../util/normalizeText.js';
import type { Text } from '../data/records.js';
import { contentText } from '../text/messages.js';
import type { PreparedRow } from './check.js';
import { finding, quote, type Finding } from './findings.js';

/** Finds rows and prompts that occurred before, up to case and white space. Memory: about 200 bytes a row. */
export class Repeats {
  readonly #rows = new Map<string, number>();
  readonly #prompts = new Map<string, number>();

  add({ line, prompt, promptIds, fields, sides }: PreparedRow): Finding[] {
    const words = prompt === '' ? promptIds.join(' ') : textOf(prompt); // of a prompt of ids there is no text
    const asked = `${words}\0${JSON.stringify([fields.tools, fields.chat_template_kwargs])}`;
    const sameRow = firstLine(this.#rows, [asked, ...sides.map(({ said }) => said)], line);
    const samePrompt = firstLine(this.#prompts, [asked], line);
    if (sameRow !== undefined) return [finding('duplicate-row', `it repeats line ${sameRow}`)];
    if (samePrompt !== undefined)
      return [finding('duplicate-prompt', `it has the prompt of line ${samePrompt}`)];
    return [];
  }
}

/** Returns the line on which these texts occurred first, if it was an earlier one. */
function firstLine(lines: Map<string, number>, texts: readonly string[], line: number): number | undefined {
  const key = createHash('sha256').update(texts.map(normalizeText).join('\0')).digest('base64').slice(0, 22);
  const first = lines.get(key);
  if (first === undefined) lines.set(key, line);
  return first;
}

/** Counts the prompts that have something in common with an evaluation set. */
export interface SetOverlap {
  set: string;
  /** Prompts that are one of its problems, up to case and white space. */
  same: number;
  /** Other prompts that share eight words in a row with one. */
  overlapping: number;
}

/** Finds prompts that are, or overlap with, problems of evaluation sets. */
export class Overlaps {
  readonly counts: SetOverlap[];
  readonly #sets: readonly EvaluationSet[];
  readonly #decontaminator: Decontaminator;
  /** Of each set, the index of each problem by its normalised text. */
  readonly #problems: Map<string, number>[];

  constructor(sets: readonly EvaluationSet[]) {
    this.#sets = sets;
    this.counts = sets.map(({ name }) => ({ set: name, same: 0, overlapping: 0 }));
    this.#decontaminator = new Decontaminator(sets);
    this.#problems = sets.map(({ problems }) => new Map(problems.map((text, i) => [normalizeText(text), i])));
  }

  find({ prompt }: PreparedRow): Finding[] {
    const question = questionOf(prompt);
    const overlaps = new Map(this.#decontaminator.find(question).map((overlap) => [overlap.set, overlap]));
    return this.#sets.flatMap(({ name }, i) => {
      const same = this.#problems[i]!.get(normalizeText(question));
      const overlap = overlaps.get(name);
      if (same !== undefined) {
        this.counts[i]!.same++;
        return [finding('evaluation-problem', `it is problem ${same + 1} of ${name}`)];
      }
      if (!overlap) return [];
      this.counts[i]!.overlapping++;
      return [
        finding('evaluation-overlap', `${quote(overlap.words)} is in problem ${overlap.item + 1} of ${name}`),
      ];
    });
  }
}

const textOf = (prompt: Text): string =>
  typeof prompt === 'string'
    ? prompt
    : prompt.map((message) => `${message.role}\0${contentText(message)}`).join('\0');

/** Returns what the user asks: the instructions of system messages are not part of the problem. */
const questionOf = (prompt: Text): string =>
  typeof prompt === 'string'
    ? prompt
    : prompt
        .filter(({ role }) => role === 'user')
        .map(contentText)
        .join('\n');
