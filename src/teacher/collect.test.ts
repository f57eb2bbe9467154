import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesOf, collectRuns, expected } from '../../test/support/collectRuns.js';
import { chance } from '../../test/support/teacherServer.js';
import { silentProgress } from '../util/progress.js';
import { deriveSeed } from '../util/random.js';
import type { CollectSettings } from './settings.js';

const { problemFile, newServer, run } = collectRuns();

describe.concurrent('the rows', () => {
  it('have the fields of OpenR1-Math-Raw and our own, and carry the problem’s', async () => {
    const problems = problemFile([
      {
        problem: '7 + 0?',
        answer: '7',
        source: 'amc',
        problem_type: 'Algebra',
        uuid: 'u1',
        solution: 'Easy.',
      },
      { question: '8 + 0?', answer: 'It is 8.\n#### 8', original_index: 70 },
      {
        ...{
          problem: '9 + 0?',
          answer: '9',
          generations: ['old'],
          generations_count: 1,
          finish_reasons: null,
        },
        ...{ correctness: { llama_verification: [true] }, correct: [true], reparsed_answers: ['10'] },
      },
    ]);
    const { rows, summary, out, server } = await run({
      problems,
      server: newServer({
        answer: (request) =>
          request.prompt.includes('7 +')
            ? {
                content: 'So \\boxed{7}.',
                reasoning: 'Hm.',
                usage: { prompt_tokens: 11, completion_tokens: 22 },
              }
            : {
                content: 'It is \\boxed{10}',
                finish_reason: 'length',
                usage: { prompt_tokens: 1, completion_tokens: 2 },
              },
      }),
      settings: { samples: 1, system: 'Be brief.', price_in: 2, price_out: 10 },
    });
    const sampling = {
      ...{
        api: 'chat',
        system: 'Be brief.',
        instruction: 'Think.',
        temperature: 0.6,
        top_p: 0.95,
        max_tokens: 100,
        seed: 5,
      },
    };
    // Each has the seed and the digest of what was asked for it.
    const drawn = (place: number) => ({
      seed: deriveSeed(5, 'collect', place, 0) % 2 ** 31,
      prompt_sha256: createHash('sha256')
        .update(
          JSON.stringify([
            [
              { role: 'system', content: 'Be brief.' },
              { role: 'user', content: `Think.\n${7 + place} + 0?` },
            ],
            '',
          ]),
        )
        .digest('hex'),
    });
    const cutOff = {
      ...{ finish_reason: 'length', prompt_tokens: 1, completion_tokens: 2 },
      verdict: { correct: false, reason: 'different', stage: 'string', extracted: '10' },
    };
    const wrong = { generations: ['It is \\boxed{10}'], generations_count: 1, teacher: 'r1', sampling };
    expect(rows).toEqual([
      {
        ...{
          original_index: 0,
          id: '0',
          problem: '7 + 0?',
          answer: '7',
          source: 'amc',
          problem_type: 'Algebra',
        },
        ...{ uuid: 'u1', solution: 'Easy.', generations_count: 1, teacher: 'r1', sampling },
        generations: ['<think>\nHm.\n</think>\n\nSo \\boxed{7}.'],
        correctness: { math_verify_answer: [true], math_verify_reparsed_answer: [true] },
        generation_details: [
          {
            ...{ finish_reason: 'stop', prompt_tokens: 11, completion_tokens: 22, ...drawn(0) },
            verdict: { correct: true, reason: 'equal', stage: 'string', extracted: '7' },
          },
        ],
      },
      {
        ...{
          original_index: 70,
          id: '1',
          problem: '8 + 0?',
          answer: '8',
          solution: 'It is 8.\n#### 8',
          ...wrong,
        },
        correctness: { math_verify_answer: [false], math_verify_reparsed_answer: [false] },
        generation_details: [{ ...cutOff, ...drawn(1) }],
      },
      {
        ...{ original_index: 2, id: '2', problem: '9 + 0?', answer: '9', reparsed_answers: ['10'], ...wrong },
        correctness: { math_verify_answer: [false], math_verify_reparsed_answer: [true] },
        generation_details: [{ ...cutOff, ...drawn(2) }],
      },
    ]);
    expect(summary).toEqual({
      ...{
        traces: join(out, 'traces.jsonl'),
        problems: 3,
        // The last one's answer is right and was cut off.
        solved: 1,
        failed: 0,
        unanswerable: 0,
        set_aside: 0,
        generations: 3,
        cut_off: 2,
      },
      ...{ right: 1, prompt_tokens: 13, completion_tokens: 26, cost: (13 * 2 + 26 * 10) / 1e6 },
      budget_used_up: false,
    });
    expect(JSON.parse(bytesOf(out, 'summary.json'))).toEqual(summary);
    const first = server.requests.find(({ prompt }) => prompt.includes('7 +'))!;
    expect(first.body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Think.\n7 + 0?' },
      ],
      temperature: 0.6,
      max_tokens: 100,
      seed: deriveSeed(5, 'collect', 0, 0) % 2 ** 31,
    });
  });

  it('are in input order, their traces in the order of their numbers, whatever arrives first', async () => {
    const server = newServer({ delayMs: (request) => 20 * chance(request, 'delay') });
    const { rows, summary } = await run({ server, endpoint: { concurrency: 8 } });
    expect(rows.map(({ generations }) => generations)).toEqual(
      Array.from({ length: 10 }, (_, i) => [0, 1, 2].map((sample) => expected(i, sample))),
    );
    expect(server.mostAtOnce).toBeGreaterThan(4);
    const right = rows.flatMap((row) => row.correctness.math_verify_answer);
    expect(right).toEqual(rows.flatMap((row, i) => row.generations.map((text) => text.includes(`{${i}}`))));
    expect(summary).toMatchObject({ generations: 30, right: right.filter(Boolean).length });
  });

  it('end with the first right trace where that is what is asked for', async () => {
    const settings = { samples: 1, until_right: 4 };
    const { rows, server } = await run({ settings, endpoint: { concurrency: 8 } });
    const wanted = Array.from({ length: 10 }, (_, i) => {
      const all = [0, 1, 2, 3].map((sample) => expected(i, sample));
      const first = all.findIndex((text) => text.includes(`{${i}}`));
      return first < 0 ? all : all.slice(0, first + 1);
    });
    expect(rows.map(({ generations }) => generations)).toEqual(wanted);
    expect(new Set(wanted.map((list) => list.length))).toEqual(new Set([1, 2, 3, 4]));
    expect(server.requests).toHaveLength(wanted.flat().length);
  });

  it('come from completions as well', async () => {
    const settings: Partial<CollectSettings> = { api: 'completions', samples: 1, instruction: '' };
    const { server, rows } = await run({ settings });
    expect(server.requests[0]).toMatchObject({ path: '/v1/completions', body: { prompt: '0 + 0?' } });
    expect(rows).toHaveLength(10);
    expect(rows[0]!.sampling).toEqual({
      ...{ api: 'completions', seed: 5, temperature: 0.6, top_p: 0.95, max_tokens: 100 },
    });
  });
});

it('reports how far it is', async () => {
  const updates: [number, number, string?][] = [];
  const progress = {
    ...silentProgress,
    update: (...update: [number, number, string?]) => updates.push(update),
  };
  const server = newServer({
    fault: (_, { prompt }) => (prompt.includes('\n4 ') ? { status: 400 } : undefined),
  });
  const settings = { until_right: 3, samples: 1, price_in: 1, price_out: 1 };
  await run({ progress, server, settings });
  expect(updates[0]).toEqual([0, 30, '0 tokens, cost 0.00']);
  expect(updates.map(([done]) => done)).toEqual(updates.map(([done]) => done).sort((a, b) => a - b));
  expect(updates.at(-1)).toEqual([
    30,
    30,
    expect.stringMatching(/^\d+ tokens, cost 0\.00, \d+ % right, 1 failed$/),
  ]);
});
