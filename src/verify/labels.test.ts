import { describe, expect, it } from 'vitest';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BENCHMARKS,
  benchmarkGolds,
  withoutDollars,
  type Benchmark,
} from '../../test/support/benchmarkGolds.js';
import { verify } from './verify.js';

const data = join(import.meta.dirname, '../../../shared/data');
const hasData = existsSync(data);
if (!hasData) console.warn('skipped: ../shared/data is not there');

function lines<T>(path: string): T[] {
  return readFileSync(join(data, path), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

interface ModelSolution {
  is_correct: boolean;
  solution: string;
}
const MODELS = ['6b_finetuning', '6b_verification', '175b_finetuning', '175b_verification'] as const;
type Gsm8kRow = Record<(typeof MODELS)[number], ModelSolution> & { ground_truth: string };

it.skipIf(!hasData)('agrees with all 5,276 labels of GSM8K model solutions', () => {
  const rows = lines<Gsm8kRow>('gsm8k/example_model_solutions.jsonl');
  const traces = rows.flatMap((row) =>
    MODELS.map((model) => ({ gold: row.ground_truth.split('A: ').at(-1)!, ...row[model] })),
  );
  expect(traces).toHaveLength(5276);
  const wrong = traces.filter(
    ({ gold, solution, is_correct }) => verify({ gold, pred: solution }).correct !== is_correct,
  );
  expect(wrong).toEqual([]);
});

it.skipIf(!hasData)('agrees with 799 of 800 labels of MATH samples; the other is the label’s error', () => {
  const rows = lines<{ gt: string; code: string[]; score: boolean[] }>(
    'qwen25-math-cot100/math_cot_100.jsonl',
  );
  const traces = rows.flatMap(({ gt, code, score }) =>
    code.map((pred, index) => ({ gold: gt, pred, label: score[index] })),
  );
  expect(traces).toHaveLength(800);
  const wrong = traces.filter(({ gold, pred, label }) => verify({ gold, pred }).correct !== label);
  expect(wrong.map(({ gold, label }) => [gold, label])).toEqual([['10{,}000', false]]);
});

describe.skipIf(!hasData)('golds of the benchmark files', () => {
  // Neighbours that say the same.
  const SAME_AS_NEXT: Partial<Record<Benchmark, string[]>> = {
    math: ['5'],
    minerva: ['100 p^{\\frac{1}{2}}'],
  };
  let items = 0;

  it.each(BENCHMARKS)('%s: answer themselves in a sentence and in a box, and not the next item', (name) => {
    const golds = benchmarkGolds(name)!;
    items += golds.length;
    const unlike: string[] = [];
    const likeNext: string[] = [];
    golds.forEach((spellings, index) => {
      const next = golds[(index + 1) % golds.length]![0]!;
      for (const gold of spellings) {
        const bare = withoutDollars(gold);
        const sentence = verify({ gold, pred: `We find the value. The answer is $${bare}$.` });
        const box = verify({ gold, pred: `Thus the value is\n\\[\\boxed{${bare}}\\]\nas claimed.` });
        if (!sentence.correct || !box.correct || box.goldParsed === null) unlike.push(gold);
        const other = verify({ gold, pred: `The answer is \\boxed{${withoutDollars(next)}}.` });
        if (other.correct && next !== gold) likeNext.push(gold);
      }
    });
    expect(unlike).toEqual([]);
    expect(likeNext).toEqual(SAME_AS_NEXT[name] ?? []);
  });

  it('are 2,879', () => {
    expect(items).toBe(2879);
  });
});

it.skipIf(!hasData)(
  'takes the last sentences of GSM8K’s own solutions, whole and behind "The answer is"',
  () => {
    const rows = ['train', 'test'].flatMap((split) => lines<{ answer: string }>(`gsm8k/${split}.jsonl`));
    const solutions = rows.map(({ answer }) => {
      const [solution, gold] = answer.split('####').map((part) => part.trim()) as [string, string];
      return { solution, gold, tail: />>\s*(\$?\d[^\n]*)$/.exec(solution)?.[1]?.replace(/\.$/, '') };
    });
    const ended = solutions.filter(({ tail }) => tail !== undefined);
    expect(ended).toHaveLength(8056);
    const isNo = (pred: string, gold: string, preset: 'mathVerify' | 'anchored') =>
      !verify({ gold, pred, preset }).correct;
    // What is left: golds that are percent, rounded, or of another quantity than the sentence's, and "if" behind the answer.
    expect(
      ended.filter(({ tail, gold }) => isNo(`The answer is ${tail!}.`, gold, 'anchored')).length,
    ).toBeLessThan(140);
    expect(ended.filter(({ solution, gold }) => isNo(solution, gold, 'mathVerify')).length).toBeLessThan(260);
  },
);

it.skipIf(!hasData)(
  'takes the value that a sentence states behind "Answer:", and no other number of it',
  () => {
    const answers = lines<{ answer: string }>('gsm8k/test.jsonl').map(({ answer }) => answer);
    const counts = { right: 0, wrong: 0, falseNo: 0, falseYes: 0 };
    for (const answer of answers) {
      const [solution, gold] = answer.split('####').map((part) => part.trim()) as [string, string];
      const last = solution
        .replace(/<<[^>]*>>/g, '')
        .split('\n')
        .at(-1)!;
      const plain = gold.replaceAll(',', '');
      const others = new Set(
        (last.match(/\d[\d,]*(?:\.\d+)?/g) ?? []).map((text) => text.replaceAll(',', '')),
      );
      for (const pred of [`Answer: ${last}`, `**Final Answer:**\n\n${last}`]) {
        counts.right++;
        if (!verify({ gold, pred, preset: 'anchored' }).correct) counts.falseNo++;
        for (const other of others) {
          if (Number(other) === Number(plain)) continue;
          counts.wrong++;
          if (verify({ gold: other, pred, preset: 'anchored' }).correct) counts.falseYes++;
        }
      }
    }
    expect(counts).toMatchObject({ right: 2638, wrong: 5640 });
    // What is left: sentences that begin with a number of their own, "1 pizza has 12 slices. 9 were eaten", and wrong calculations.
    expect(counts.falseYes).toBeLessThan(35);
    expect(counts.falseNo).toBeLessThan(130);
  },
);

/** A calculation that ends a line of GSM8K's solutions: what is calculated, and its result. */
const CALCULATION =
  /(?:(?<!\p{L})(?:is|are|has|makes?|earns?|spent|costs?|needs?)\s|^)(\$?\d[^=]*[-+*/][^=]*)=\s*(\$?(\d[\d,]*(?:\.\d+)?)[^=\d%]*)$/u;

it.skipIf(!hasData)('takes the result of a calculation behind a phrase, and none of its operands', () => {
  const steps = ['train', 'test']
    .flatMap((split) => lines<{ answer: string }>(`gsm8k/${split}.jsonl`))
    .flatMap(({ answer }) => answer.replace(/<<[^>]*>>/g, '').split('\n'))
    .flatMap((line) => {
      const [, said, rest, result] = CALCULATION.exec(line.replace(/\.$/, '')) ?? [];
      const isPlain =
        said !== undefined &&
        /\p{L}{2}|\$/u.test(said) &&
        !/\b(?:so|then|if|that|and|is)\b|[,;%(]/.test(said);
      return isPlain ? [{ text: `${said}=${rest!}`, said, gold: result!.replaceAll(',', '') }] : [];
    });
  expect(steps).toHaveLength(2396);
  const counts = { falseNo: 0, falseYes: 0, operands: 0 };
  for (const { text, said, gold } of steps)
    for (const pred of [`The answer is ${text}.`, `Answer: ${text}`]) {
      if (!verify({ gold, pred, preset: 'anchored' }).correct) counts.falseNo++;
      for (const operand of new Set(said.match(/\d+(?:\.\d+)?/g))) {
        if (Number(operand) === Number(gold)) continue;
        counts.operands++;
        if (verify({ gold: operand, pred, preset: 'anchored' }).correct) counts.falseYes++;
      }
    }
  expect(counts.operands).toBe(10_146);
  // What is left: lines that say two things, and counts of dozens and the like.
  expect(counts.falseYes).toBeLessThan(35);
  expect(counts.falseNo).toBeLessThan(130);
});
