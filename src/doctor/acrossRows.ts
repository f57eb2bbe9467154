import { createHash } from 'node:crypto';
import { Decontaminator, type EvaluationSet } from '../curate/decontaminate.js';
import { normalizeText } from '../curate/words.js';
import type { Text } from '../data/records.js';
import { finding, type Finding } from './findings.js';
import { quote, type Specimen } from './specimen.js';

/** Rows and prompts that were there before, but for case and white space. Memory: some 200 bytes a row. */
export class Repeats {
  private readonly rows = new Map<string, number>();
  private readonly prompts = new Map<string, number>();

  add({ line, record, sides }: Specimen): Finding[] {
    const prompt = textOf(record.prompt);
    const row = this.before(this.rows, [prompt, ...sides.map(({ content }) => content)], line);
    const asked = this.before(this.prompts, [prompt], line);
    if (row !== undefined) return [finding('duplicate-row', `it is line ${row} again`)];
    if (asked !== undefined) return [finding('duplicate-prompt', `its prompt is that of line ${asked}`)];
    return [];
  }

  private before(known: Map<string, number>, texts: readonly string[], line: number): number | undefined {
    const key = createHash('sha256')
      .update(texts.map(normalizeText).join('\0'))
      .digest('base64')
      .slice(0, 22);
    const before = known.get(key);
    if (before === undefined) known.set(key, line);
    return before;
  }
}

/** How many prompts an evaluation set has something in common with. */
export interface SetOverlap {
  set: string;
  /** Prompts that are one of its problems, but for case and white space. */
  same: number;
  /** Others with eight words in a row of one. */
  overlapping: number;
}

/** Prompts that are, or overlap with, problems of evaluation sets. */
export class Overlaps {
  readonly counts: SetOverlap[];
  private readonly decontaminator: Decontaminator;
  private readonly problems: Map<string, number>[];

  constructor(private readonly sets: readonly EvaluationSet[]) {
    this.counts = sets.map(({ name }) => ({ set: name, same: 0, overlapping: 0 }));
    this.decontaminator = new Decontaminator(sets);
    this.problems = sets.map(({ problems }) => new Map(problems.map((text, i) => [normalizeText(text), i])));
  }

  find({ record }: Specimen): Finding[] {
    const question = questionOf(record.prompt);
    const overlaps = new Map(this.decontaminator.find(question).map((overlap) => [overlap.set, overlap]));
    return this.sets.flatMap(({ name }, i) => {
      const same = this.problems[i]!.get(normalizeText(question));
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
  typeof prompt === 'string' ? prompt : prompt.map(({ role, content }) => `${role}\0${content}`).join('\0');

/** What the user asks: the instructions of system messages are not the problem. */
const questionOf = (prompt: Text): string =>
  typeof prompt === 'string'
    ? prompt
    : prompt.flatMap(({ role, content }) => (role === 'user' ? [content] : [])).join('\n');
