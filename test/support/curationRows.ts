import { Random } from '../../src/util/random.js';
import type { Row } from './curationRuns.js';

/** The paper's code, read line by line: redi.md §2.2–2.4. */
export function naive(rows: readonly Row[], limits?: { prompt: number; response: number }) {
  const sft: Row[] = [];
  const pref: Row[] = [];
  const dropped: Row[] = [];
  for (const [original_index, row] of rows.entries()) {
    const drop = (reason: string) => dropped.push({ original_index, reason });
    const { problem, generations, source } = row as {
      problem: string | null;
      generations: string[] | null;
      source: string | null;
    };
    const valid = row.problem_is_valid;
    if (typeof valid !== 'string' || valid.trim().toLowerCase() !== 'yes') {
      drop('invalid_problem');
      continue;
    }
    if (source === 'cn_k12') {
      drop('cn_k12');
      continue;
    }
    if (!problem) {
      drop('empty_problem');
      continue;
    }
    if (!generations || generations.length === 0) {
      drop('no_generations');
      continue;
    }
    const correctness = row.correctness as Record<string, (boolean | null)[] | null> | null;
    const llama = correctness?.llama_verification;
    const mv = correctness?.math_verify_reparsed_answer;
    if (!llama || !mv || llama.length !== generations.length || mv.length !== generations.length) {
      drop('verdicts_missing');
      continue;
    }
    let right = -1;
    let wrong = -1;
    for (let i = 0; i < generations.length; i++) {
      const verdict = Boolean(llama[i]) && Boolean(mv[i]);
      if (verdict && right < 0) right = i;
      if (!verdict && wrong < 0) wrong = i;
    }
    if (right < 0) {
      drop('no_correct_trace');
      continue;
    }
    const user = { role: 'user', content: problem };
    const answer = (i: number) => ({ role: 'assistant', content: generations[i]! });
    sft.push({ messages: [user, answer(right)], chosen_gen_idx: right, source, original_index });
    if (wrong < 0) continue;
    // The tiny tokenizer: a token a character, and the template puts one token before and one after each turn.
    const [prompt_len, chosen_len, rejected_len] = [problem, generations[right]!, generations[wrong]!].map(
      (text) => text.length + 2 + 1,
    ) as [number, number, number];
    if (
      limits &&
      !(prompt_len <= limits.prompt && chosen_len <= limits.response && rejected_len <= limits.response)
    )
      continue;
    pref.push({
      prompt: [user],
      chosen: [answer(right)],
      rejected: [answer(wrong)],
      source,
      original_index,
      chosen_gen_idx: right,
      rejected_gen_idx: wrong,
      ...(limits && { prompt_len, chosen_len, rejected_len }),
    });
  }
  return { sft, pref, dropped };
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random.nextInt(list.length)]!;

/** Rows of OpenR1-Math-Raw's shape with every fault that the rules know. */
export function randomRows(count: number, seed: number): Row[] {
  const random = new Random(seed);
  const verdict = () => pick(random, [true, true, false, false, null]);
  return Array.from({ length: count }, () => {
    const generations = Array.from({ length: random.nextInt(5) }, () => 'x'.repeat(1 + random.nextInt(40)));
    const list = () =>
      random.nextInt(12) === 0
        ? pick(random, [null, []])
        : Array.from({ length: generations.length + (random.nextInt(15) === 0 ? 1 : 0) }, verdict);
    return {
      problem: pick(random, [
        null,
        '',
        ...Array.from({ length: 20 }, () => 'p'.repeat(1 + random.nextInt(30))),
      ]),
      source: pick(random, ['olympiads', 'aops_forum', 'cn_k12', null]),
      problem_is_valid: pick(random, ['Yes', 'yes', ' YES ', 'Yes', 'Yes', 'No', 'Incomplete', null]),
      generations: random.nextInt(15) === 0 ? null : generations,
      correctness:
        random.nextInt(15) === 0
          ? null
          : {
              llama_verification: list(),
              math_verify_answer: list(),
              math_verify_reparsed_answer: list(),
            },
    };
  });
}

/** A labelled row. */
export function labelled(problem: string, generations: string[], correct: boolean[], more: Row = {}): Row {
  return { problem, answer: '1', generations, correct, ...more };
}

const byIndex = (a: Row, b: Row) => Number(a.original_index) - Number(b.original_index);
/** Rows by their index, without what is made up for each run. */
export const bare = (rows: readonly Row[]) =>
  rows
    .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'uuid')))
    .sort(byIndex);
