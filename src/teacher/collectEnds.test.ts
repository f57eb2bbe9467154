import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answer, bytesOf, collectRuns, rowsOf, SETTINGS, sums } from '../../test/support/collectRuns.js';
import { silentProgress } from '../util/progress.js';
import type { CollectSettings } from './settings.js';

const { newPath, problemFile, newServer, run } = collectRuns();

describe.concurrent('a run that goes on', () => {
  it.each([false, true])('asks for nothing twice (until right: %s)', async (untilRight) => {
    const problems = problemFile(sums(10));
    const asked = untilRight ? { samples: 1, until_right: 3 } : {};
    const undisturbed = await run({ problems, settings: asked });
    const out = newPath('out');
    const server = newServer();
    let tokens = 60;
    for (let rounds = 0; ; rounds++) {
      const settings = { ...asked, max_tokens_total: tokens };
      const { summary } = await run({ problems, settings, out, server });
      if (!summary.budget_used_up) {
        expect(rounds).toBeGreaterThan(2);
        break;
      }
      tokens += 200;
    }
    expect(bytesOf(out)).toBe(bytesOf(undisturbed.out));
    expect(server.requests).toHaveLength(undisturbed.server.requests.length);
    const before = server.requests.length;
    await run({ problems, settings: asked, out, server });
    expect(bytesOf(out)).toBe(bytesOf(undisturbed.out));
    expect(server.requests).toHaveLength(before);
  });

  it('can ask for more traces of each problem', async () => {
    const problems = problemFile(sums(10));
    const undisturbed = await run({ problems });
    const { out, server } = await run({ problems, settings: { samples: 1, until_right: 2 } });
    await run({ problems, out, server, settings: { samples: 2 } });
    await run({ problems, out, server });
    expect(bytesOf(out)).toBe(bytesOf(undisturbed.out));
    expect(server.requests).toHaveLength(undisturbed.server.requests.length);
  });

  it.each<[string, Partial<CollectSettings>, string]>([
    ['temperature', { sampling: { ...SETTINGS.sampling, temperature: 1 } }, 'temperature (0.6 then, 1 now)'],
    [
      'a further field',
      { sampling: { ...SETTINGS.sampling, extra_body: { top_k: 20 } } },
      'top_k (not set then, 20 now)',
    ],
    [
      'model and seed',
      { model: 'v3', sampling: { ...SETTINGS.sampling, seed: 6 } },
      'model ("r1" then, "v3" now), seed (5 then, 6 now)',
    ],
  ])('is refused with another %s', async (_, settings, difference) => {
    const { out } = await run({});
    const before = bytesOf(out, 'journal.jsonl');
    const problems = problemFile(sums(10));
    await expect(run({ out, problems, settings })).rejects.toThrow(
      `${out} was begun with other settings: ${difference}; go on with the same ones, or choose another folder`,
    );
    expect(bytesOf(out, 'journal.jsonl')).toBe(before);
  });

  it('takes in problems that were added at the end of the file, as often as there are some', async () => {
    const out = newPath('out');
    const lines: string[] = [];
    const progress = { ...silentProgress, log: (line: string) => lines.push(line) };
    const server = newServer();
    for (const count of [4, 7, 10])
      await run({ out, server, progress, problems: problemFile(sums(count)), settings: { samples: 2 } });
    const { rows } = await run({ out, server, problems: problemFile(sums(10)) });
    const undisturbed = await run({ problems: problemFile(sums(10)) });
    expect(bytesOf(out)).toBe(bytesOf(undisturbed.out));
    expect(rows).toHaveLength(10);
    expect(server.requests).toHaveLength(undisturbed.server.requests.length);
    expect(lines).toEqual([
      '3 problems were added to the 4 of before',
      '3 problems were added to the 7 of before',
    ]);
  });

  it.each<[string, object[], string]>([
    ['fewer', sums(9), '10 rows then, 9 now'],
    ['changed ones', [...sums(9), { problem: '9 + 0?', answer: '10' }], '10 rows then, 10 now'],
    ['one in front', [{ problem: '7 + 7?', answer: '14' }, ...sums(10)], '10 rows then, 11 now'],
    [
      'one in between',
      [...sums(9), { problem: '7 + 7?', answer: '14' }, ...sums(10).slice(9)],
      '10 rows then, 11',
    ],
  ])('is refused with %s of the problems', async (_, rows, difference) => {
    const { out } = await run({});
    const before = bytesOf(out, 'journal.jsonl');
    await expect(run({ out, problems: problemFile(rows) })).rejects.toThrow(
      new RegExp(`begun with other settings: the problems \\(${difference}.*only at the end of the file\\)`),
    );
    expect(bytesOf(out, 'journal.jsonl')).toBe(before);
  });

  it('leaves traces and summary as they were where one of them cannot be written', async () => {
    const problems = problemFile(sums(4));
    const { out, server } = await run({ problems, settings: { samples: 1 } });
    const before = bytesOf(out);
    rmSync(join(out, 'summary.json'));
    mkdirSync(join(out, 'summary.json'));
    await expect(run({ problems, out, server })).rejects.toThrow('summary.json is a folder');
    expect(bytesOf(out)).toBe(before);
    rmSync(join(out, 'summary.json'), { recursive: true });
    await run({ problems, out, server });
    expect(bytesOf(out)).not.toBe(before);
  });

  it('is refused where problems that were added are changed later', async () => {
    const { out } = await run({ problems: problemFile(sums(4)) });
    await run({ out, problems: problemFile(sums(7)) });
    const changed = [...sums(6), { problem: '6 + 0?', answer: '7' }, ...sums(9).slice(7)];
    await expect(run({ out, problems: problemFile(changed) })).rejects.toThrow(
      'the problems (7 rows then, 9 now',
    );
  });

  it('keeps what was set aside where another one is refused', async () => {
    const problems = problemFile([...sums(2), { problem: 'without an answer' }]);
    const { out } = await run({ problems });
    const before = bytesOf(out, 'quarantine.jsonl');
    for (const others of [sums(1), [{ problem: 'neither' }, ...sums(1)]])
      await expect(run({ problems: problemFile(others), out })).rejects.toThrow('begun with other settings');
    expect(bytesOf(out, 'quarantine.jsonl')).toBe(before);
  });

  it('is refused in a folder with the journal of something else', async () => {
    const out = newPath('out');
    await run({ out });
    writeFileSync(join(out, 'journal.jsonl'), '{"step":1}\n{"step":2}\n');
    await expect(run({ out })).rejects.toThrow('has a journal of something else');
  });

  it('is refused while another one is under way', async () => {
    const out = newPath('out');
    const first = run({ out, server: newServer({ delayMs: () => 50 }) });
    while (!existsSync(join(out, 'journal.jsonl'))) await new Promise((resolve) => setTimeout(resolve, 2));
    await expect(run({ out })).rejects.toThrow(`Another process is writing into ${out}`);
    expect((await first).rows).toHaveLength(10);
  });
});

describe.concurrent('a budget', () => {
  it('for tokens ends a run early, overdrawn by no more than a guess', async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 90 };
    const server = newServer({ answer: (request) => ({ ...answer(request), usage }), delayMs: () => 5 });
    const { summary, rows } = await run({
      server,
      settings: { max_tokens_total: 1500 },
      endpoint: { concurrency: 6 },
    });
    expect(summary).toMatchObject({ budget_used_up: true, failed: 0 });
    expect(summary.generations).toBeGreaterThanOrEqual(15);
    expect(summary.generations).toBeLessThanOrEqual(16);
    expect(rows.flatMap(({ generations }) => generations)).toHaveLength(summary.generations);
  });

  it('for the cost does so', async () => {
    const usage = { prompt_tokens: 1000, completion_tokens: 2000 };
    const server = newServer({ answer: (request) => ({ ...answer(request), usage }) });
    const settings = { price_in: 1, price_out: 4.5, max_cost: 0.095 }; // 0.01 a trace
    const { summary } = await run({ server, settings, endpoint: { concurrency: 1 } });
    expect(summary).toMatchObject({ budget_used_up: true, generations: 10, cost: 0.1 });
    await expect(run({ settings: { max_cost: 1 } })).rejects.toThrow('The cost needs both prices');
  });

  it('needs an endpoint that counts', async () => {
    const server = newServer({ answer: (request) => ({ ...answer(request), usage: null }) });
    await expect(run({ server, settings: { max_tokens_total: 1000 } })).rejects.toThrow(
      'does not say how many tokens',
    );
    const { rows, summary } = await run({ server });
    expect(rows[0]!.generation_details).toMatchObject([
      { prompt_tokens: null, completion_tokens: null },
      {},
      {},
    ]);
    expect(summary).toMatchObject({ prompt_tokens: 0, generations: 30 });
  });
});

describe.concurrent('a failure', () => {
  it('of one problem is recorded, the others go on, and the next run retries it', async () => {
    const problems = problemFile(sums(10));
    const undisturbed = await run({ problems });
    let broken = true;
    const server = newServer({
      fault: (_, { prompt }) =>
        broken && /\n[37] /.test(prompt)
          ? { status: prompt.includes('3 +') ? 400 : 503, error: { message: 'too long' } }
          : undefined,
    });
    const options = { problems, server, out: newPath('out'), endpoint: { retries: 1 } };
    const { summary, out, rows } = await run(options);
    expect(summary).toMatchObject({ problems: 10, failed: 2, generations: 24, budget_used_up: false });
    expect(rows.map((row) => row.original_index)).toEqual([0, 1, 2, 4, 5, 6, 8, 9]);
    expect(rowsOf(join(out, 'failed.jsonl'))).toMatchObject([
      { original_index: 3, problem: '3 + 0?', reason: expect.stringMatching(/HTTP 400 too long/) as string },
      { original_index: 7, problem: '7 + 0?', reason: expect.stringMatching(/2 tries.*HTTP 503/) as string },
    ]);
    broken = false;
    expect((await run(options)).summary).toMatchObject({ failed: 0, generations: 30 });
    expect(bytesOf(out)).toBe(bytesOf(undisturbed.out));
    expect(existsSync(join(out, 'failed.jsonl'))).toBe(false);
  });

  it('that every request would have ends the run', async () => {
    const server = newServer({ fault: (index) => (index < 5 ? undefined : { status: 401 }) });
    const out = newPath('out');
    await expect(run({ out, server })).rejects.toThrow(/wants a key|refuses the key/);
    expect(server.requests.length).toBeLessThan(12);
    expect(bytesOf(out, 'journal.jsonl').trimEnd().split('\n').length).toBeLessThanOrEqual(1 + 5);
  });

  it('of twenty problems in a row ends the run', async () => {
    const server = newServer({ fault: (index) => (index < 10 ? undefined : { status: 400 }) });
    const out = newPath('out');
    const failing = run({ out, server, problems: problemFile(sums(100)) });
    await expect(failing).rejects.toThrow(
      /20 problems in a row have failed, so the rest is left \(.*HTTP 400.*run the same command again/,
    );
    expect(server.requests.length).toBeLessThan(10 + 3 * 24);
    const resumed = await run({ out, problems: problemFile(sums(100)) });
    expect(resumed.rows).toHaveLength(100);
  });

  it('of the abort signal gives up at once what is under way', async () => {
    const controller = new AbortController();
    const server = newServer({ fault: (index) => (index < 6 ? undefined : 'silent') });
    const out = newPath('out');
    const stopped = run({ out, server, signal: controller.signal });
    while (server.requests.length < 10) await new Promise((resolve) => setTimeout(resolve, 2));
    controller.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    expect(existsSync(join(out, 'traces.jsonl'))).toBe(false);
    expect(bytesOf(out, 'journal.jsonl').trimEnd().split('\n')).toHaveLength(1 + 6);
  });

  it('to read a row sets it aside', async () => {
    const lines: string[] = [];
    const problems = problemFile([...sums(2), { problem: 'What?' }, { problem: '2 + 0?', answer: 2 }]);
    const progress = { ...silentProgress, log: (line: string) => lines.push(line) };
    const { summary, rows, out } = await run({ problems, progress });
    expect(summary).toMatchObject({ problems: 3, set_aside: 1 });
    expect(rows.map(({ original_index: index }) => index)).toEqual([0, 1, 3]);
    expect(rowsOf(join(out, 'quarantine.jsonl'))).toMatchObject([{ line: 3, file: problems }]);
    expect(lines).toEqual([
      `1 row set aside in ${join(out, 'quarantine.jsonl')} (the first: line 3, the field "answer" is missing)`,
    ]);
  });
});
