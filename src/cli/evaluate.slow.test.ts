import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { killedAt } from '../../test/support/killedAt.js';
import { expectDone, expectError, tinyCommands } from '../../test/support/tinyCommands.js';
import { contents, parseRows, readRows, redistill } from '../../test/support/tinyModel.js';

const { path, tiny, prompts, problems, file, generate, evaluate } = tinyCommands();

describe.concurrent('generate and evaluate', () => {
  it('generate gives samples in order, the same for the same seed', async () => {
    const flags = ['--samples', '2', '--temperature', '1', '--seed'];
    const [first, again, other] = await Promise.all([
      redistill(generate(prompts, ...flags, '3')),
      redistill(generate(prompts, ...flags, '3')),
      redistill(generate(prompts, ...flags, '4')),
    ]);
    expectDone(first);
    const found = parseRows(first.stdout);
    expect(found.map(({ prompt, sample }) => [prompt, sample])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
    for (const row of found) {
      expect(row.tokens).toSatisfy((tokens: number) => tokens >= 1 && tokens <= 8);
      expect(['stop', 'length']).toContain(row.finish_reason);
    }
    expect(again.stdout).toBe(first.stdout);
    expect(other.stdout).not.toBe(first.stdout);
  });

  interface Summary {
    problems: number;
    samples: number;
    responses: number;
    cut_off: number;
    mean_tokens: number;
    graders: Record<string, Record<string, number | null>>;
  }
  const summaryOf = (out: string) => JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
  interface Detail {
    finish_reason: string;
    completion_tokens: number;
    grades: Record<string, { correct: boolean; extracted: string | null }>;
  }
  const detailsOf = (row: Record<string, unknown>) => row.generation_details as Detail[];

  /** Every response begins with the answer to the first problem. */
  const four = ['--forced-prefix', '#### 4 \\boxed{4} '];

  it('evaluate gives a summary and writes the responses with their grades', async () => {
    const out = path('evaluation');
    const done = await redistill(evaluate(problems, ...four, '--json', '--out', out));
    expectDone(done);
    const summary = JSON.parse(done.stdout) as Summary;
    expect(summary).toMatchObject({ problems: 2, samples: 1, responses: 2 });
    expect(summary.graders).toEqual({ verify: { pass_at_1: 0.5, standard_error: 0.5, unreadable: 0 } });
    expect(summary.cut_off).toBeGreaterThanOrEqual(0);
    expect(summary.cut_off).toBeLessThanOrEqual(1);
    expect(summaryOf(out)).toEqual(summary);

    const samples = readRows(join(out, 'samples.jsonl'));
    for (const { generations } of samples) expect((generations as string[])[0]).toContain(four[1]);
    expect(samples.map(({ correctness }) => correctness)).toMatchObject([
      { math_verify_answer: [true] },
      { math_verify_answer: [false] },
    ]);
    expect(samples.flatMap(detailsOf).map(({ grades }) => grades.verify)).toMatchObject([
      { correct: true, extracted: '4', reason: 'equal' },
      { correct: false, extracted: '4', reason: 'different' },
    ]);
    expect(samples).toMatchObject([
      { id: '0', original_index: 0, problem: '2+2?', answer: '4', generations_count: 1, teacher: tiny },
      // GSM8K's worked solution is kept beside the answer at its end.
      { id: '1', original_index: 1, problem: '3+3?', answer: '6', solution: 'so #### 6' },
    ]);
    expect(samples[0]!.sampling).toMatchObject({ temperature: 0, top_p: 1, max_tokens: 8, seed: 0 });
    const tokens = samples.flatMap(detailsOf).map(({ completion_tokens }) => completion_tokens);
    expect(summary.mean_tokens).toBeCloseTo(tokens.reduce((a, b) => a + b) / 2, 9);
    expect(Math.max(...tokens)).toBeLessThanOrEqual(8);
    expect(readdirSync(out).sort()).toEqual([
      'journal.jsonl',
      'redistill.json',
      'samples.jsonl',
      'summary.json',
    ]);
  });

  it('evaluate resumes, grades again by other graders, and samples nothing twice', async () => {
    const out = path('graded');
    const sampled = ['-k', '3', '--temperature', '1', ...four, '--out', out];
    const done = await redistill(evaluate(problems, ...sampled));
    expectDone(done);
    expect(done.stdout).toMatch(
      /^verify: pass@1 50\.0 % ± 50\.0 %, pass@3 50\.0 %, 0\.0 % without an answer\n2 problems, 6 responses, /,
    );
    expect(done.stderr).toMatch(
      / {2}Q: 2\+2\?\n {2}A: #### 4 .* \(right\)\n {2}Q: 3\+3\?\n.*\(wrong; the gold is 6\)\n/,
    );
    const first = contents(out);
    const responses = readRows(join(out, 'samples.jsonl')).map(({ generations }) => generations);

    const again = await redistill(evaluate(problems, ...sampled));
    expectDone(again);
    expect(again.stdout).toBe(done.stdout);
    expect(contents(out)).toEqual(first);

    // rllm looks for the answer after </think> alone.
    const graders = ['verify:lenient', 'rllm', 'gsm8k'];
    const other = await redistill(evaluate(problems, ...sampled, '--grader', graders.join(','), '--json'));
    expectDone(other);
    const summary = JSON.parse(other.stdout) as Summary;
    expect(Object.keys(summary.graders)).toEqual(graders);
    expect(summary).toMatchObject({ problems: 2, samples: 3, responses: 6 });
    expect(graders.map((name) => summary.graders[name]!.pass_at_1)).toEqual([0.5, 0, 0.5]);
    expect(summaryOf(out)).toEqual(summary);
    expect(contents(out)['journal.jsonl']).toBe(first['journal.jsonl']);
    const rows = readRows(join(out, 'samples.jsonl'));
    expect(rows.map(({ generations }) => generations)).toEqual(responses);
    for (const { grades } of rows.flatMap(detailsOf)) expect(Object.keys(grades)).toEqual(graders);
    for (const name of graders) {
      const grades = rows.flatMap(detailsOf).map((detail) => detail.grades[name]!);
      const { pass_at_1, unreadable } = summary.graders[name]!;
      expect(pass_at_1).toBeCloseTo(grades.filter(({ correct }) => correct).length / 6, 9);
      expect(unreadable).toBeCloseTo(grades.filter(({ extracted }) => extracted === null).length / 6, 9);
    }

    // A larger k asks for what is missing.
    const more = await redistill(evaluate(problems, ...sampled, '-k', '4'));
    expectDone(more);
    expect(more.stdout).toContain('2 problems, 8 responses, ');
    expect(readRows(join(out, 'samples.jsonl')).map(({ generations }) => generations)).toEqual(
      responses.map((texts) => [...(texts as string[]), expect.any(String) as string]),
    );
  });

  it('evaluate --regrade leaves what evaluate with those graders would have left', async () => {
    const out = path('regraded');
    const command = evaluate(problems, ...four, '-k', '2', '--temperature', '1', '--out', out);
    const grade = async (grader: string) => {
      const done = await redistill([...command, '--grader', grader, '--json']);
      expectDone(done);
      return { summary: done.stdout, files: contents(out) };
    };
    const regrade = async (grader: string) => {
      const done = await redistill(['evaluate', '--regrade', out, '--grader', grader, '--json']);
      expectDone(done);
      return { summary: done.stdout, files: contents(out) };
    };
    const graded = { own: await grade('verify'), two: await grade('hendrycks,verify:lenient') };
    expect(graded.two.summary).toContain('{"hendrycks":{"pass_at_1":0.5,');
    const again = { own: await regrade('verify'), two: await regrade('hendrycks,verify:lenient') };
    expect(again.own.summary).toBe(graded.own.summary);
    expect(again.two.summary).toBe(graded.two.summary);
    const text = await redistill(['evaluate', '--regrade', out, '--grader', 'verify']);
    expect(text.stdout).toMatch(/^verify: pass@1 50\.0 % .*\n2 problems, 4 responses, /);
    expect(again.two.files).toEqual(graded.two.files);
    expect(again.own.files).toEqual(graded.own.files);
    // Without graders by those of before, whether they were sampled with or graded by.
    await regrade('hendrycks,verify:lenient');
    const same = await redistill(['evaluate', '--regrade', out, '--json']);
    expect(same.stdout).toBe(graded.two.summary);
    expect(contents(out)).toEqual(graded.two.files);
    const record = readFileSync(join(out, 'redistill.json'), 'utf8');
    writeFileSync(join(out, 'redistill.json'), record.replace('"grader"', '"graders"'));
    expectError(await redistill(['evaluate', '--regrade', out]), 2, 'does not say by what it was graded');
  });

  it('evaluate and --regrade, killed before any change to the disk, leave one result or none that has a summary', async () => {
    const out = path('killed');
    const command = evaluate(problems, ...four, '--out', out);
    const account = /redistill\.json|\.tmp$/;
    const found = () => {
      const files = contents(out);
      return {
        record: files['redistill.json'],
        results: Object.fromEntries(Object.entries(files).filter(([name]) => !account.test(name))),
      };
    };
    expectDone(await redistill([...command, '--grader', 'gsm8k']));
    const old = found();
    cpSync(out, path('killed-old'), { recursive: true });
    expectDone(await redistill(command));
    const whole = found();
    expect(whole.results).not.toEqual(old.results);

    for (const again of [command, ['evaluate', '--regrade', out, '--grader', 'verify']]) {
      let kills = 0;
      for (; ; kills++) {
        rmSync(out, { recursive: true });
        cpSync(path('killed-old'), out, { recursive: true });
        const done = await redistill(again, killedAt(kills));
        if (done.signal !== 'SIGKILL') break;
        const { record, results } = found();
        if (results['summary.json'] !== undefined)
          expect([old.results, whole.results]).toContainEqual(results);
        // The record of a command is written after its result; grading again replaces both in one step.
        if (again !== command && results['summary.json'] !== undefined)
          expect([old, whole]).toContainEqual({ record, results });
        expectDone(await redistill(['evaluate', '--regrade', out, '--grader', 'verify']));
        expect(found()).toEqual(whole);
      }
      expect(found()).toEqual(whole);
      expect(kills).toBeGreaterThan(6);
    }
  });

  it('evaluate keeps to the folder of its own settings, and to folders that are evaluations', async () => {
    const out = path('other-settings');
    expectDone(await redistill(evaluate(problems, '--out', out)));
    const before = contents(out);
    expectError(
      await redistill(evaluate(problems, '--out', out, '--temperature', '1')),
      2,
      `${out} was begun with other settings: temperature (0 then, 1 now)`,
    );
    expectError(await redistill(evaluate(prompts, '--out', out)), 2, 'has no problems with answers');
    expect(contents(out)).toEqual(before);
    // The model would be another one for the run that goes on.
    const within = join(tiny, 'evaluation');
    expectError(await redistill(evaluate(problems, '--out', within)), 2, `${within} lies in ${tiny}`);
    expect(existsSync(within)).toBe(false);
    expectError(
      await redistill(['evaluate', '--regrade', tiny, '--grader', 'verify']),
      2,
      `${tiny} is no folder of a result of \`evaluate\``,
    );
    const notes = path('notes');
    mkdirSync(notes);
    copyFileSync(join(out, 'samples.jsonl'), join(notes, 'samples.jsonl'));
    writeFileSync(join(notes, 'summary.json'), 'precious');
    const kept = contents(notes);
    expectError(
      await redistill(['evaluate', '--regrade', notes, '--grader', 'gsm8k']),
      2,
      `${notes} is no folder of a result of \`evaluate\``,
    );
    expect(contents(notes)).toEqual(kept);
    for (const more of [['--out', out], ['--model', tiny], ['--data', problems], [problems]])
      expectError(
        await redistill(['evaluate', '--regrade', out, ...more]),
        2,
        '--regrade takes the folder of an evaluation, --grader, --grader-field, --by, --selectors, --measures, and nothing else',
      );
    expectError(
      await redistill(['evaluate', '--regrade', out, '--grader', 'best']),
      2,
      'Allowed choices are verify, ',
    );
    expect(contents(out)).toEqual(before);
  });

  it('evaluate without --out names no folder that is gone when it ends', async () => {
    const half = path('half.jsonl');
    writeFileSync(half, '{"problem": "2+2?", "answer": 4}\n{"problem": "3+3?"}\n');
    const asking = [
      'evaluate',
      half,
      '--base-url',
      'http://127.0.0.1:9/v1',
      '--model',
      'm',
      '--retries',
      '0',
    ];
    for (const done of [await redistill(evaluate(half, ...four)), await redistill(asking)]) {
      expect(done.stderr).toMatch(
        /OUT\/(quarantine|failed)\.jsonl.*name an OUT with --out: nothing is kept without it/,
      );
      expect(done.stderr).not.toContain('redistill-evaluate-');
    }
  });

  it('evaluate without --out prints and keeps nothing', async () => {
    const folder = path('temporary');
    mkdirSync(folder);
    const done = await redistill(evaluate(problems, '--json'), { env: { TMPDIR: folder } });
    expectDone(done);
    expect(JSON.parse(done.stdout)).toMatchObject({ problems: 2, responses: 2 });
    expect(readdirSync(folder)).toEqual([]);
    const named = await redistill(evaluate(problems, '--json', '--out', path('kept')));
    expect(named.stdout).toBe(done.stdout);
  });

  it('evaluate takes a part of the problems, from any of the formats', async () => {
    const many = Array.from({ length: 12 }, (_, i) => ({ text: `${i}+1?`, gold: i + 1 }));
    const data = file('json', JSON.stringify(many));
    const out = path('selected');
    const fields = ['--problem-field', 'text', '--answer-field', 'gold', '--out', out];
    expectDone(await redistill(evaluate(data, ...fields, '--skip', '3', '--count', '2')));
    const rows = readRows(join(out, 'samples.jsonl'));
    expect(rows).toMatchObject([
      { original_index: 3, problem: '3+1?', answer: '4' },
      { original_index: 4, problem: '4+1?', answer: '5' },
    ]);
    const few = await redistill(evaluate(data, ...fields, '--skip', '9', '--count', '4'));
    expectError(few, 2, `${data} has 12 problems, too few for 4 after the first 9`);
  });

  it('table puts evaluations side by side', async () => {
    const outs = [path('table-a'), path('table-b')];
    const graders = ['--grader', 'verify,gsm8k'];
    for (const [i, out] of outs.entries())
      expectDone(
        await redistill(evaluate(problems, ...graders, '--temperature', '1', '--seed', `${i}`, '--out', out)),
      );
    const written = path('table.txt');
    const entries = [`A=${outs[0]!}`, `B=${outs[1]!}`];
    const done = await redistill(['table', ...entries, '--against', 'A', '--out', written]);
    expectDone(done);
    expect(readFileSync(written, 'utf8')).toBe(done.stdout);
    expect(done.stdout).toMatch(/pass@1 % +cut off % +against A *\n/);
    expect(done.stdout).toMatch(
      /^B +.*table-b +\d+\.\d (± \d+\.\d|\(\d+\.\d to \d+\.\d\)) +\d+\.\d +[+−]\d+\.\d \(/m,
    );
    expect(done.stdout.endsWith('Graded by verify.\n')).toBe(true);
    const other = await redistill(['table', ...entries, '--grader', 'gsm8k']);
    expect(other.stdout.endsWith('Graded by gsm8k.\n')).toBe(true);

    const refused = async (...args: string[]) => redistill(['table', ...args]);
    expectError(await refused(outs[0]!), 2, 'is not NAME=DIR, such as A=');
    expectError(await refused(...entries, '--against', 'C'), 2, 'no row named "C"');
    expectError(await refused(entries[0]!, `A=${outs[1]!}`), 2, 'two rows named "A"');
    const within = join(outs[0]!, 'table.txt');
    expectError(await refused(...entries, '--out', within), 2, `${within} would be added to ${outs[0]!}`);
    expect(existsSync(within)).toBe(false);
    expectError(await refused(`A=${tiny}`), 2, 'is no folder of an evaluation');
    expectError(
      await refused(...entries, '--grader', 'rllm'),
      2,
      'row "A" was not graded by "rllm", only by verify, gsm8k',
      'redistill evaluate --regrade',
    );
  });
});
