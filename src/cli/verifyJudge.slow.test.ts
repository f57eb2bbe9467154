import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { JudgeServer, sectionOf, type Asked, type Said } from '../../test/support/judgeServer.js';
import { Cli, readRows, redistill, writeRows, type Finished } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-verify-judge-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const servers: JudgeServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A judge that accepts the answers 3 and "a triple", and the command that asks it. */
async function withJudge(
  rows: readonly object[],
  answer: (asked: Asked, count: number) => Said | Promise<Said> = verdict,
): Promise<{ server: JudgeServer; command: string[]; dir: string; out: string }> {
  const dir = mkdtempSync(join(root, 'case-'));
  const input = writeRows(join(dir, 'in.jsonl'), rows);
  const out = join(dir, 'out.jsonl');
  const server = new JudgeServer(answer);
  servers.push(server);
  const url = await server.listen();
  const judge = ['--judge', '--base-url', url, '--judge-model', 'judge-1'];
  return { server, dir, out, command: ['verify', input, '--out', out, ...judge] };
}
function verdict(asked: Asked): string {
  const correct = /\b(3|triple)\b/.test(sectionOf(asked, 'end_of_response'));
  return JSON.stringify({ explanation: 'read it', verdict: correct ? 'correct' : 'incorrect' });
}

const boxed = (answer: number | string) => `So it is \\boxed{${answer}}.`;
const trace = { problem: '1+2?', answer: '3', generations: [boxed(3), boxed(4), 'It must be a triple.'] };
const pair = { problem: '1+2?', gold: '3', pred: 'a triple' };

function expectDone({ code, stderr }: Finished): void {
  expect(code, stderr).toBe(0);
}

describe('verify --judge', () => {
  it('asks about every answer, stores both verdicts and writes down where they differ', async () => {
    const { server, command, dir, out } = await withJudge([trace, pair, { gold: '5', pred: boxed(5) }]);
    const done = await redistill([...command, '--json']);
    expectDone(done);
    expect(server.asked).toHaveLength(5);
    expect(sectionOf(server.asked[0]!, 'problem')).toBe('1+2?');
    expect(sectionOf(server.asked[0]!, 'reference_answer')).toBe('3');
    expect(JSON.parse(done.stdout)).toMatchObject({
      ...{ rows: 3, answers: 5, correct: 2 },
      judge: {
        ...{ judged: 5, correct: 3, incorrect: 2, unanswered: 0, disagreements: 3 },
        ...{ asked: 5, remembered: 0, promptTokens: 500, completionTokens: 50 },
      },
    });
    const [first, second, third] = readRows(out);
    const judge = (correct: boolean) => ({ correct, explanation: 'read it' });
    expect(first).toMatchObject({
      correctness: {
        math_verify_answer: [true, false, false],
        math_verify_reparsed_answer: [true, false, false],
        llama_verification: [true, false, true],
      },
      generation_details: [{ judge: judge(true) }, { judge: judge(false) }, { judge: judge(true) }],
    });
    expect(second).toMatchObject({ correct: false, judge: judge(true) });
    expect(third).toMatchObject({ correct: true, judge: judge(false) });

    expect(readdirSync(dir).sort()).toEqual(
      ['in.jsonl', 'out.disagreements.md', 'out.judge.jsonl', 'out.jsonl'].sort(),
    );
    const text = readFileSync(join(dir, 'out.disagreements.md'), 'utf8');
    expect(text.match(/^## .*$/gm)).toEqual([
      `## ${dir}/in.jsonl, line 1, generation 3: rules say wrong, judge says right`,
      `## ${dir}/in.jsonl, line 2: rules say wrong, judge says right`,
      `## ${dir}/in.jsonl, line 3: rules say right, judge says wrong`,
    ]);
    for (const part of ['* Judge: read it', '1+2?', 'It must be a triple.', '(not given)'])
      expect(text).toContain(part);
  });

  it('in the cascade asks about those alone that the rules reject', async () => {
    const { server, command, out } = await withJudge([
      trace,
      { ...trace, generations: [boxed(3), boxed('3.0')] },
      pair,
    ]);
    const differences = join(mkdtempSync(join(root, 'other-')), 'differences.md');
    const cascade = [...command, '--judge-mode', 'rejected', '--disagreements', differences];
    const done = await redistill(cascade);
    expectDone(done);
    expect(server.asked.map((asked) => sectionOf(asked, 'end_of_response')).sort()).toEqual(
      [boxed(4), 'It must be a triple.', 'a triple'].sort(),
    );
    const [first, second, third] = readRows(out);
    expect(first).toMatchObject({ correctness: { llama_verification: [null, false, true] } });
    expect((first!.generation_details as object[])[0]).not.toHaveProperty('judge');
    expect(second).toMatchObject({ correctness: { llama_verification: [null, null] } });
    expect(third).toMatchObject({ judge: { correct: true } });
    expect(done.stdout).toContain('judge: 3 answers: 2 right, 1 wrong, 0 without an answer (3 asked now');
    expect(done.stdout).toContain('judge and rules differ on 2');
    expect(readFileSync(differences, 'utf8')).toContain('generation 3: rules say wrong, judge says right');

    const again = await redistill(cascade);
    expectDone(again);
    expect(server.asked).toHaveLength(3);
    expect(again.stdout).toContain('(0 asked now');
    expect(readRows(out)).toMatchObject([first!, second!, third!].map(({ problem }) => ({ problem })));
  });

  it('has null where no answer can be had, and asks for it the next time', async () => {
    let down = true;
    const { server, command, out } = await withJudge([trace], (asked) => {
      if (asked.response_format) return { status: 400, message: 'no response_format here' };
      if (sectionOf(asked, 'end_of_response') !== boxed(4)) return verdict(asked);
      return down ? 'Mathematics is beautiful.' : 'False';
    });
    const done = await redistill(command);
    expectDone(done);
    expect(readRows(out)).toMatchObject([{ correctness: { llama_verification: [true, null, true] } }]);
    expect(done.stdout).toContain('1 without an answer');
    expect(done.stdout).toContain('the same command asks again');
    down = false;
    const before = server.asked.filter(({ response_format }) => !response_format).length;
    expectDone(await redistill(command));
    expect(readRows(out)).toMatchObject([{ correctness: { llama_verification: [true, false, true] } }]);
    expect(server.asked.filter(({ response_format }) => !response_format)).toHaveLength(before + 1);
  });

  it('ends with 1 and the reason where the judge refuses, after the tries that were asked for', async () => {
    const refusing = await withJudge([trace], () => ({ status: 400, message: 'the context has 10 tokens' }));
    const refused = await redistill(refusing.command);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /3 of 3 questions to the judge were not answered \(the first: .*HTTP 400 the context has 10 tokens.*\)/,
    );
    expect(readRows(refusing.out)).toMatchObject([
      { correctness: { math_verify_answer: [true, false, false], llama_verification: [null, null, null] } },
    ]);
    const busy = await withJudge([pair], () => ({ status: 503, message: 'busy' }));
    const gone = await redistill([...busy.command, '--retries', '0']);
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain('in one try; the last: HTTP 503 busy');
    expect(busy.server.asked).toHaveLength(1);
    const silent = await withJudge([pair], () => sleep(60_000, 'late'));
    const late = await redistill([...silent.command, '--retries', '0', '--timeout', '0.5']);
    expect(late.code).toBe(1);
    expect(late.stderr).toContain('it took more than 0.5 s');
  });

  const many = Array.from({ length: 60 }, (_, i) => ({ gold: '3', pred: boxed(i), problem: `problem ${i}` }));

  it('goes through 429 and 500 unharmed', async () => {
    const { server, command, out } = await withJudge(many, (asked, count) =>
      count % 5 === 0
        ? { status: count % 2 ? 429 : 500, headers: { 'retry-after-ms': '20' } }
        : verdict(asked),
    );
    expectDone(await redistill(command));
    expect(readRows(out).map(({ judge }) => (judge as { correct: boolean }).correct)).toEqual(
      many.map((_, i) => i === 3),
    );
    expect(server.asked.length).toBeGreaterThan(60);
    expect(server.most).toBeLessThanOrEqual(8);
  });

  it.each<NodeJS.Signals>(['SIGINT', 'SIGKILL'])('after %s does not ask again', async (signal) => {
    const told = new Set<string>();
    const { server, command, out, dir } = await withJudge(many, async (asked) => {
      await sleep(40);
      told.add(sectionOf(asked, 'problem'));
      return verdict(asked);
    });
    writeFileSync(out, 'kept\n');
    const slow = [...command, '--concurrency', '2'];
    const cli = new Cli(slow);
    while (told.size < 20) await sleep(5);
    const stopped = await cli.stop(signal);
    if (signal === 'SIGINT') {
      expect(stopped.code).toBe(130);
      expect(stopped.stderr).toContain("out.jsonl is as it was, the judge's answers are kept");
      expect(readdirSync(dir).sort()).toEqual(['in.jsonl', 'out.judge.jsonl', 'out.jsonl'].sort());
    }
    expect(readFileSync(out, 'utf8')).toBe('kept\n');
    const before = server.asked.length;
    expect(before).toBeLessThan(60);
    expectDone(await redistill(slow));
    expect(readRows(out)).toHaveLength(60);
    // Only what was under way is asked for twice.
    expect(server.asked.length).toBeLessThanOrEqual(60 + 2);
    expect(server.asked.length - before).toBeLessThan(45);
  });

  it('fails with one sentence where the endpoint refuses it', async () => {
    const { command, dir } = await withJudge([trace], () => ({ status: 404, message: 'unknown model' }));
    const failed = await redistill(command);
    expect(failed.code).toBe(2);
    expect(failed.stderr.trimEnd().split('\n').at(-1)).toMatch(/^error: .* has no model judge-1/);
    expect(readdirSync(dir).sort()).toEqual(['in.jsonl', 'out.judge.jsonl']);
  });
});
