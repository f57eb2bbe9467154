import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Cli, readRows, redistill, writeRows, type Finished } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-verify-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** A folder of its own with rows in it. */
function folder(rows: readonly object[]): { dir: string; input: string; out: string } {
  const dir = mkdtempSync(join(root, 'case-'));
  const input = writeRows(join(dir, 'in.jsonl'), rows);
  return { dir, input, out: join(dir, 'out.jsonl') };
}
const boxed = (answer: number | string) => `So it is \\boxed{${answer}}.`;
/** The preset `reward` wants to see where the thinking ends. */
const thought = (answer: number | string) => `<think>2 or 3</think> ${boxed(answer)}`;

function expectDone({ code, stderr }: Finished): void {
  expect(code, stderr).toBe(0);
}
function expectError({ code, stdout, stderr }: Finished, exit: number, ...parts: (string | RegExp)[]): void {
  expect({ code, stdout }, stderr).toEqual({ code: exit, stdout: '' });
  const last = stderr.trimEnd().split('\n').at(-1)!;
  expect(last).toMatch(/^error: /);
  for (const part of parts) expect(last).toMatch(part);
}

describe('--help', () => {
  it('has an example', async () => {
    const shown = await redistill(['verify', '--help']);
    expectDone(shown);
    expect(shown.stdout).toContain('Example:\n  redistill verify');
  });
});

describe.concurrent('one answer', () => {
  it('ends with 0 whether it is right or wrong', async () => {
    const right = await redistill(['verify', '--gold', '12', '--pred', boxed('12.0')]);
    expectDone(right);
    expect(right.stdout).toMatch(/^right: equal \(\w+\)\n {2}answer found {5}12\.0\n/);
    const wrong = await redistill(['verify', '--gold', '12', '--pred', boxed(13)]);
    expectDone(wrong);
    expect(wrong.stdout).toMatch(/^wrong: different /);
  });

  it('prints the verdict as JSON', async () => {
    const shown = await redistill([
      'verify',
      '--gold',
      '12',
      '--pred',
      thought(12),
      '--json',
      '--preset',
      'reward',
    ]);
    expectDone(shown);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      ...{ correct: true, reason: 'equal', extracted: '12' },
      ...{ gold_parsed: '12', pred_parsed: '12' },
    });
  });

  it('ends with 1 where there is no verdict', async () => {
    const shown = await redistill(['verify', '--gold', '', '--pred', boxed(12), '--json']);
    expect(shown.code).toBe(1);
    expect(JSON.parse(shown.stdout)).toMatchObject({ correct: false, reason: 'gold-unreadable' });
    expect(shown.stderr).toBe('error: no verdict: gold-unreadable\n');
  });
});

describe.concurrent('rows of gold and pred', () => {
  const presets = [undefined, 'mathVerify', 'reward', 'lenient'];
  const rows = Array.from({ length: 700 }, (_, i) => ({
    id: `row ${i}`,
    gold: i % 3 === 0 ? i % 10 : String(i % 10),
    pred: thought(i % 7),
    preset: presets[i % 4],
    more: { nested: [i, null, 'é'] },
  }));

  it.each([1, 2, 3, 200])('come back in order with all their fields, with %i threads', async (threads) => {
    const { dir, input, out } = folder(rows);
    const done = await redistill(['verify', input, '--out', out, '--threads', String(threads), '--json']);
    expectDone(done);
    const right = rows.filter(({ gold }, i) => Number(gold) === i % 7).length;
    expect(JSON.parse(done.stdout)).toMatchObject({
      ...{ rows: 700, answers: 700, correct: right, quarantined: 0 },
      reasons: { equal: right, different: 700 - right },
      presets: { mathVerify: { answers: 350 }, reward: { answers: 175 }, lenient: { answers: 175 } },
    });
    const written = readRows(out);
    written.forEach((row, i) => {
      const correct = Number(rows[i]!.gold) === i % 7;
      expect(row).toEqual({
        ...(JSON.parse(JSON.stringify(rows[i])) as object),
        ...{ correct, reason: correct ? 'equal' : 'different', extracted: String(i % 7) },
        ...{ stage: expect.any(String) as string, ms: expect.any(Number) as number },
      });
    });
    expect(readdirSync(dir).sort()).toEqual(['in.jsonl', 'out.jsonl']);
  });

  it('go through Parquet as well', async () => {
    const { dir, input, out } = folder(rows);
    const parquet = join(dir, 'out.parquet');
    expectDone(await redistill(['verify', input, '--out', parquet]));
    expectDone(await redistill(['verify', parquet, '--out', out]));
    const right = rows.map(({ gold }, i) => Number(gold) === i % 7);
    expect(readRows(out).map(({ correct }) => correct)).toEqual(right);
    // A column has one type: numbers among texts come back as text.
    expect(readRows(out)[0]).toMatchObject({ id: 'row 0', gold: '0', more: { nested: ['0', null, 'é'] } });
    expect(readdirSync(dir).sort()).toEqual(['in.jsonl', 'out.jsonl', 'out.parquet']);
  });

  it('prints a summary by reason and by preset', async () => {
    const { dir, input, out } = folder(rows);
    const copy = join(dir, 'copy.jsonl');
    copyFileSync(input, copy);
    const done = await redistill(['verify', input, copy, '--out', out]);
    expectDone(done);
    expect(done.stdout).toContain(`${out}: 1400 rows, 1400 answers, `);
    expect(done.stdout).toMatch(/^equal +\d+$/m);
    expect(done.stdout).toMatch(/^lenient +350 +\d+$/m);
  });
});

describe.concurrent('rows of traces', () => {
  it('come back with one verdict a generation', async () => {
    const generations = [thought(3), boxed(4), 'no answer at all'];
    const details = generations.map((_, i) => ({ finish_reason: 'stop', completion_tokens: i }));
    const { input, out } = folder([
      { problem: '1+2?', answer: '3', generations, original_index: 7, generation_details: details },
      {
        problem: '2+2?',
        answer: 'B',
        reparsed_answers: ['B', '4'],
        generations,
        correctness: { llama_verification: [true, true, null], math_verify_answer: [true, true, true] },
      },
      { problem: 'none', answer: '1', generations: [] },
    ]);
    expectDone(await redistill(['verify', input, '--out', out]));
    const [first, second, third] = readRows(out);
    expect(first).toMatchObject({
      ...{ problem: '1+2?', answer: '3', generations, original_index: 7 },
      correctness: {
        math_verify_answer: [true, false, false],
        math_verify_reparsed_answer: [true, false, false],
      },
      generation_details: [
        {
          finish_reason: 'stop',
          completion_tokens: 0,
          verdict: { correct: true, reason: 'equal', extracted: '3' },
        },
        { completion_tokens: 1, verdict: { correct: false, reason: 'different', extracted: '4' } },
        { completion_tokens: 2, verdict: { correct: false } },
      ],
    });
    // Any of the reparsed answers will do; what a judge said before stays.
    expect(second!.correctness).toEqual({
      llama_verification: [true, true, null],
      math_verify_answer: [false, false, false],
      math_verify_reparsed_answer: [false, true, false],
    });
    expect(third).toMatchObject({ correctness: { math_verify_answer: [] }, generation_details: [] });
  });

  it('of the shapes that curate reads become trace rows', async () => {
    const { input, out } = folder([
      { question: '1+2?', ground_truth: 'so\nA: 3', a: { is_correct: true, solution: boxed(3) } },
      { problem: '1+2?', answer: 3, trace: boxed(4), correct: false },
      {
        question: '1+2?',
        gold: '3',
        samples: [{ segments: [{ kind: 'text', text: boxed(3) }], correct: true }],
      },
      { question: '1+2?', gt: '3', code: [boxed(3), boxed(2)], score: [true, false], pred: ['3', '2'] },
    ]);
    expectDone(await redistill(['verify', input, '--out', out]));
    expect(readRows(out)).toMatchObject([
      {
        ...{ question: '1+2?', problem: '1+2?', answer: '3', generations: [boxed(3)] },
        correctness: { math_verify_answer: [true] },
      },
      { trace: boxed(4), generations: [boxed(4)], correctness: { math_verify_answer: [false] } },
      { gold: '3', answer: '3', generations: [boxed(3)], correctness: { math_verify_answer: [true] } },
      { pred: ['3', '2'], answer: '3', correctness: { math_verify_answer: [true, false] } },
    ]);
  });
});

describe.concurrent('rows that cannot be verified', () => {
  it('are set aside with file, line and reason', async () => {
    const { dir, input, out } = folder([{ gold: '1', pred: boxed(1) }]);
    const bad = [
      ['{"gold": 1', 'not valid JSON'],
      ['{"gold": 1}', '"pred" must be a text or a number'],
      ['{"pred": "1"}', '"gold" must be a text or a number'],
      [
        '{"gold": "1", "pred": "1", "preset": "strict"}',
        '"preset" must be one of mathVerify, anchored, reward, lenient, choice',
      ],
      ['{"problem": "1+2?", "answer": "3"}', '"generations" is missing'],
      ['{"problem": "1+2?", "generations": ["3"]}', '"answer" is missing'],
      [
        '{"answer": "3", "generations": ["3"], "generation_details": []}',
        '"generation_details" has 0 entries for 1 generations',
      ],
      ['{"text": "3"}', 'not a row of traces'],
    ] as const;
    const good = readFileSync(input, 'utf8');
    writeFileSync(input, `${good}${bad.map(([line]) => line).join('\n')}\n${good}`);
    const done = await redistill(['verify', input, '--out', out]);
    expectDone(done);
    expect(readRows(out)).toHaveLength(2);
    const quarantine = join(dir, 'out.quarantine.jsonl');
    expect(done.stdout).toContain(`8 rows could not be verified: they are in ${quarantine}`);
    const aside = readRows(quarantine);
    expect(aside.map(({ file, line }) => ({ file, line }))).toEqual(
      bad.map((_, i) => ({ file: input, line: i + 2 })),
    );
    aside.forEach(({ problem }, i) => {
      expect(problem).toContain(bad[i]![1]);
    });

    writeFileSync(input, good);
    expectDone(await redistill(['verify', input, '--out', out]));
    expect(existsSync(quarantine)).toBe(false);
  });

  it('are wrong input where there are no others', async () => {
    const { dir, input, out } = folder([{ text: 'a' }, { gold: 1 }]);
    writeFileSync(out, 'kept\n');
    expectError(
      await redistill(['verify', input, '--out', out]),
      2,
      'None of the 2 rows',
      `${input}, line 1: `,
    );
    expect(readFileSync(out, 'utf8')).toBe('kept\n');
    expect(readdirSync(dir).sort()).toEqual(['in.jsonl', 'out.jsonl']); // an empty result replaces nothing
    const empty = folder([]);
    expectError(
      await redistill(['verify', empty.input, '--out', empty.out]),
      2,
      `${empty.input} has no rows`,
    );
  });
});

describe.concurrent('refuses', () => {
  const nowhere = join(root, 'nowhere.jsonl');
  const judge = ['--judge', '--base-url', 'http://127.0.0.1:9/v1', '--judge-model', 'm'];
  it.each<[string, string[], string | RegExp]>([
    ['nothing to do', [], 'Give --gold and --pred for one answer, or files and --out'],
    ['half an answer', ['--gold', '1'], 'Give --gold and --pred'],
    ['both', ['a.jsonl', '--gold', '1', '--pred', '1'], 'not both'],
    ['no output', ['a.jsonl'], 'verify: --out is missing'],
    ['an output of another kind', ['a.jsonl', '--out', 'a.csv'], 'a.csv must end in .jsonl'],
    ['a file that is not there', [nowhere, '--out', `${nowhere}.jsonl`], `${nowhere} does not exist`],
    ['a directory', [root, '--out', `${nowhere}.jsonl`], `${root} is a directory`],
    [
      'an unknown preset',
      ['--gold', '1', '--pred', '1', '--preset', 'strict'],
      'Allowed choices are mathVerify',
    ],
    ['no threads', ['a.jsonl', '--out', 'b.jsonl', '--threads', '0'], 'must be a whole number from 1 up'],
    ['a judge without endpoint', ['a.jsonl', '--out', 'b.jsonl', '--judge'], /judge"? needs .*base[_-]url/],
    [
      'an endpoint without judge',
      ['a.jsonl', '--out', 'b.jsonl', ...judge.slice(1)],
      /add (--judge|"judge")/,
    ],
    [
      'a key that is not set',
      ['a.jsonl', '--out', join(root, 'b.jsonl'), ...judge, '--judge-key-env', 'NO_SUCH_KEY'],
      'NO_SUCH_KEY',
    ],
  ])('%s', async (_, args, sentence) => {
    expectError(await redistill(['verify', ...args]), 2, sentence);
    expect(existsSync(`${nowhere}.jsonl`)).toBe(false);
  });
});

describe('Ctrl-C', () => {
  it('leaves the earlier result and no half file', async () => {
    const pairs = Array.from({ length: 200_000 }, (_, i) => ({ gold: '7', pred: boxed(i) }));
    const { dir, input, out } = folder(pairs);
    writeFileSync(out, 'kept\n');
    const cli = new Cli(['verify', input, '--out', out, '--threads', '1']);
    await cli.shows(/^verify: /m);
    const stopped = await cli.stop();
    expect(stopped).toMatchObject({ code: 130, stdout: '' });
    expect(stopped.stderr).toContain(`stopped; ${out} is as it was`);
    expect(readdirSync(dir).sort()).toEqual(['in.jsonl', 'out.jsonl']);
    expect(readFileSync(out, 'utf8')).toBe('kept\n');
  });
});
