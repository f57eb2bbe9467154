import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { grade } from './gsm8k.js';

const FOLDER = '../shared/data/gsm8k';
const hasData = existsSync(`${FOLDER}/test.jsonl`);
if (!hasData) console.warn(`skipped: GSM8K's answers and labels (${FOLDER} is missing)`);

function rows<T>(name: string): T[] {
  const lines = readFileSync(`${FOLDER}/${name}`, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

describe("GSM8K's exact match", () => {
  it('takes the first number behind ####', () => {
    expect(grade({ gold: '18', pred: '16 - 3 = 13.\n#### 18' })).toBe(true);
    expect(grade({ gold: 18, pred: '#### 18.' })).toBe(true);
    expect(grade({ gold: '1234', pred: '#### 1,234 dollars' })).toBe(true);
    expect(grade({ gold: '9 + 9 = 18\n#### 18', pred: '#### 18' })).toBe(true);
    expect(grade({ gold: ['17', '18'], pred: '#### 18' })).toBe(true);
    expect(grade({ gold: '18', pred: '#### 17\n#### 18' })).toBe(false);
    expect(grade({ gold: '18', pred: '#### 18.0' })).toBe(false);
    expect(grade({ gold: '18', pred: '#### $18' })).toBe(false);
    expect(grade({ gold: '18', pred: '####18' })).toBe(false);
    expect(grade({ gold: '18', pred: 'The answer is 18.' })).toBe(false);
    expect(grade({ gold: '-5', pred: '#### -5' })).toBe(true);
  });

  it.skipIf(!hasData)('accepts every worked solution of the test and training sets against itself', () => {
    for (const name of ['test.jsonl', 'train.jsonl']) {
      const wrong = rows<{ answer: string }>(name).filter(
        ({ answer }) => !grade({ gold: answer, pred: answer }),
      );
      expect(wrong).toEqual([]);
    }
  });

  it.skipIf(!hasData)('agrees with the 5,276 published labels', () => {
    const models = ['6b_finetuning', '6b_verification', '175b_finetuning', '175b_verification'];
    // The samples mark their answer with `A: ` where the data set has `#### `.
    const marked = (text: string) => text.replace(/^A: \$?(?=[^\n]*$)/m, '#### ');
    let labels = 0;
    const wrong: string[] = [];
    for (const row of rows<Record<string, unknown>>('example_model_solutions.jsonl')) {
      const gold = marked(row.ground_truth as string);
      for (const model of models) {
        const { is_correct, solution } = row[model] as { is_correct: boolean; solution: string };
        labels++;
        if (grade({ gold, pred: marked(solution) }) !== is_correct) wrong.push(solution.slice(-60));
      }
    }
    expect(labels).toBe(5_276);
    expect(wrong).toEqual([]);
  });
});
