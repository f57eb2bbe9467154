import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyTokenizer } from '../../test/support/tinyTokenizer.js';
import type { Problem } from '../data/problems.js';
import type { Completion, GenerateOptions } from '../generate/generator.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import {
  answerProblems,
  readEvaluation,
  summarize,
  writeEvaluation,
  type AnsweredProblem,
} from './evaluate.js';

const dir = mkdtempSync(join(tmpdir(), 'redistill-evaluate-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});
let tokenizer: ChatTokenizer;
beforeAll(() => {
  writeTinyTokenizer(dir);
  tokenizer = ChatTokenizer.load(dir);
});

const problems: Problem[] = [
  { id: 'sum', problem: 'What is 3 + 4?', answer: '7', originalIndex: 0 },
  { id: 'price', problem: 'What does it cost?', answer: '1,000', originalIndex: 5 },
];

/** Answers with these texts in turn, and remembers what it was asked. */
function scripted(texts: readonly string[], cutOff: readonly number[] = []) {
  const asked: { prompts: string[]; options: GenerateOptions }[] = [];
  return {
    asked,
    generate: async (prompts: readonly { ids: Int32Array }[], options: GenerateOptions) => {
      asked.push({ prompts: prompts.map(({ ids }) => tokenizer.decode(ids)), options });
      return Promise.all(
        texts.map(async (text, i): Promise<Completion> => ({
          ids: await tokenizer.encode(text),
          text,
          finishReason: cutOff.includes(i) ? 'length' : 'stop',
        })),
      );
    },
  };
}

const answers = [
  'The answer is 7.',
  'The answer is 8',
  '3+4=7, I think',
  '#### 1000',
  '\\boxed{$1,000.00}',
  'The answer is 10',
];
const answer = () =>
  answerProblems(scripted(answers, [2]), tokenizer, problems, {
    maxNewTokens: 50,
    samples: 3,
    temperature: 1,
  });

describe('answerProblems', () => {
  it('asks each problem as the template has it and grades every sample', async () => {
    const answered = await answer();
    expect(answered.map(({ id, answer, original_index }) => [id, answer, original_index])).toEqual([
      ['sum', '7', 0],
      ['price', '1,000', 5],
    ]);
    expect(answered[0]!.samples).toEqual([
      { text: answers[0], correct: true, extracted: '7', reason: 'equal', finishReason: 'stop', tokens: 16 },
      {
        text: answers[1],
        correct: false,
        extracted: '8',
        reason: 'different',
        finishReason: 'stop',
        tokens: 15,
      },
      { text: answers[2], correct: false, reason: 'no final answer', finishReason: 'length', tokens: 14 },
    ]);
    expect(answered[1]!.samples.map(({ correct }) => correct)).toEqual([true, true, false]);
  });

  it('passes on the system message, the forced prefix and the sampling options', async () => {
    const generator = scripted(['7', '1000']);
    const options = { maxNewTokens: 9, temperature: 0.5, topP: 0.9, seed: 3, calculator: true };
    const answered = await answerProblems(generator, tokenizer, problems, {
      ...options,
      system: 'Be brief.',
      forcedPrefix: 'The answer is ',
    });
    const begin = '<|system|>Be brief.<|end|><|user|>';
    expect(generator.asked).toEqual([
      {
        prompts: problems.map(({ problem }) => `${begin}${problem}<|end|><|assistant|>The answer is `),
        options,
      },
    ]);
    expect(answered.map(({ samples }) => samples.map(({ text, correct }) => [text, correct]))).toEqual([
      [['The answer is 7', true]],
      [['The answer is 1000', true]],
    ]);
  });
});

describe('summarize', () => {
  it('gives rates over problems and shares over answers', async () => {
    const summary = summarize(await answer());
    // Rates 1/3 and 2/3: mean 1/2, standard deviation √2/6, over √2.
    expect(summary.passAt1).toBeCloseTo(1 / 2, 12);
    expect(summary.standardError).toBeCloseTo(1 / 6, 12);
    const lengths = answers.map(({ length }) => length);
    expect(summary).toMatchObject({
      problems: 2,
      samples: 6,
      truncated: 1 / 6,
      unreadable: 1 / 6,
      meanTokens: lengths.reduce((a, b) => a + b) / 6,
    });
  });

  it('needs problems', () => {
    expect(() => summarize([])).toThrow('no problems');
  });
});

describe('writeEvaluation and readEvaluation', () => {
  it('keep what was answered', async () => {
    const answered = await answer();
    expect(writeEvaluation(dir, answered)).toEqual(summarize(answered));
    expect(JSON.parse(readFileSync(join(dir, 'summary.json'), 'utf8'))).toEqual(summarize(answered));
    const rows = readFileSync(join(dir, 'samples.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AnsweredProblem);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ id: 'sum', problem: 'What is 3 + 4?', answer: '7', original_index: 0 });
    expect(rows[0]!.samples[2]).toEqual({
      text: answers[2],
      correct: false,
      reason: 'no final answer',
      finish_reason: 'length',
      tokens: 14,
    });
    expect(readEvaluation(dir)).toEqual({
      results: [
        { id: 'sum', correct: 1, samples: 3 },
        { id: 'price', correct: 2, samples: 3 },
      ],
      truncated: 1 / 6,
    });
  });

  it('names what is wrong with a file', () => {
    const path = join(dir, 'samples.jsonl');
    writeFileSync(
      path,
      '{"id": "a", "samples": [{"correct": true, "finish_reason": "stop"}]}\n' +
        '{"id": "b", "samples": [{"correct": "yes", "finish_reason": "stop"}]}\n',
    );
    expect(() => readEvaluation(dir)).toThrow(`${path}, line 2: field "samples.0.correct"`);
    rmSync(path);
    expect(() => readEvaluation(dir)).toThrow('does not exist');
  });
});
