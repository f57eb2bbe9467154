import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roteEvaluations } from '../../test/support/roteEvaluations.js';
import { UserError } from '../util/errors.js';
import { compareEvaluations } from './compare.js';
import { regrade } from './evaluate.js';

const { problems, evaluation } = roteEvaluations();
const data = problems('forty.jsonl', 40);
const single = (right: (i: number) => boolean, count = 40) =>
  Array.from({ length: count }, (_, i) => [right(i)]);
const compare = (before: string | string[], after: string | string[], rest: object = {}) =>
  compareEvaluations({ pairs: [{ before: [before].flat(), after: [after].flat() }], ...rest });

describe('unlike protocols', () => {
  const rows = single((i) => i < 10);

  it('are refused by the field and both values, unless that is what is compared', async () => {
    const before = await evaluation(data, rows);
    const asked = await evaluation(data, rows, { instruction: 'Think.' });
    const hot = await evaluation(data, rows, { sampling: { temperature: 0.6, max_tokens: 9 } });
    expect(() => compare(before, asked)).toThrow(
      `"instruction" is not set in ${before} and "Think." in ${asked}, so a difference need not be the model's: evaluate both alike, or name instruction in "differ_in" if that is what you compare.`,
    );
    expect(() => compare(before, hot)).toThrow(`"temperature" is 0 in ${before} and 0.6 in ${hot}`);
    expect(() => compare(before, hot, { differIn: ['temperature'] })).toThrow('"max_tokens" is 512');
    expect(compare(before, hot, { differIn: ['temperature', 'max_tokens'] }).finding).toBe('unclear');
    expect(compare(before, asked, { differIn: ['instruction'] }).warnings).toEqual([]);
    const ruled = await evaluation(data, rows, { sampling: { rules: 'repetition', keep_tokens: true } });
    expect(() => compare(before, ruled)).toThrow(
      `"rules" is not set in ${before} and ["repetition"] in ${ruled}`,
    );
    expect(compare(before, ruled, { differIn: ['rules'] }).warnings).toEqual([]);
    // The seeds of one side are alike even where the sides may differ.
    const again = await evaluation(data, rows);
    expect(() => compare([before, again], [asked, again], { differIn: ['instruction'] })).toThrow(
      `"instruction" is "Think." in ${asked}`,
    );
  });

  it('of problems and golds are refused by the first that differs', async () => {
    const before = await evaluation(data, rows);
    const fewer = await evaluation(data, rows, { count: 39 });
    expect(() => compare(before, fewer)).toThrow(
      `Problem p39 is in ${before} but not in ${fewer}: the data are ${data} (sha256 `,
    );
    expect(() => compare(fewer, before)).toThrow(`Problem p39 is in ${before} but not in ${fewer}`);
    const texts = await evaluation(
      problems('texts.jsonl', 40, (i) => `${'z'.repeat(i + 1)}?`),
      rows,
    );
    expect(() => compare(before, texts)).toThrow(`Problem p0 has another text in ${texts} than in ${before}`);
    const samples = join(texts, 'samples.jsonl');
    writeFileSync(
      samples,
      readFileSync(join(before, 'samples.jsonl'), 'utf8').replace('"answer":"3"', '"answer":"4"'),
    );
    expect(() => compare(before, texts)).toThrow('Problem p3 has another gold');
  });

  it('of precision and batch are warned of, and so are those that nobody knows', async () => {
    const before = await evaluation(data, rows, {}, { dtype: 'bf16', batch_size: 64 });
    const after = await evaluation(data, rows, { sampling: { seed: 3 } }, { dtype: 'f32', model: 'other' });
    expect(compare(before, after).warnings).toEqual([
      `"dtype" is "bf16" in ${before} and "f32" in ${after}: a greedy response may differ by that alone`,
      `"batch_size" is 64 in ${before} and not set in ${after}: a greedy response may differ by that alone`,
    ]);
    const summary = join(after, 'summary.json');
    const edit = (change: (record: { evaluation?: { version: string } }) => void) => {
      const value = JSON.parse(readFileSync(summary, 'utf8')) as { evaluation?: { version: string } };
      change(value);
      writeFileSync(summary, JSON.stringify(value));
    };
    edit((value) => {
      value.evaluation!.version = '0.0.1';
    });
    expect(compare(before, after).warnings.at(-1)).toContain(
      `${after} by 0.0.1: \`redistill evaluate --regrade\``,
    );
    // What the warning says to do takes it away.
    await regrade(after, { grader: ['verify'] });
    expect(compare(before, after).warnings.join()).not.toContain('regrade');
    edit((value) => {
      delete value.evaluation;
    });
    expect(compare(before, after).warnings).toEqual([
      `${after} does not say how it was made (an earlier version wrote it), so the protocols are not compared`,
    ]);
  });

  it('of graders and unfinished evaluations are refused', async () => {
    const [before, after] = [await evaluation(data, rows), await evaluation(data, rows)];
    expect(() => compare(before, after, { graders: ['rllm'] })).toThrow(
      `${before} was not graded by "rllm", only by verify: grade it again`,
    );
    const summary = join(before, 'summary.json');
    writeFileSync(summary, '{"problems": 40');
    expect(() => compare(before, after)).toThrow(`${summary} is damaged`);
    rmSync(summary);
    expect(() => compare(before, after)).toThrow('so its evaluation is not finished');
    writeFileSync(join(after, 'samples.jsonl'), '');
    expect(() => compare(after, after)).toThrow('has no evaluated problems');
    expect(() => compare('/nowhere', after)).toThrow('does not exist');
  });
});

it('damaged folders are refused in words, or compared, and grading again mends what it makes', async () => {
  const rows = single((i) => i < 10);
  const [before, after] = [await evaluation(data, rows), await evaluation(data, rows)];
  const file = join(after, 'summary.json');
  const whole = readFileSync(file, 'utf8');
  const record = (JSON.parse(whole) as { evaluation: object }).evaluation;
  for (const path of pathsOf(record))
    for (const value of [undefined, null, 5, 'x', [], {}]) {
      const damaged = structuredClone(record);
      put(damaged, path, value);
      writeFileSync(file, JSON.stringify({ evaluation: damaged }));
      expectInWords(() => compare(before, after));
    }
  const samples = join(after, 'samples.jsonl');
  const [line, ...others] = readFileSync(samples, 'utf8').split('\n');
  writeFileSync(file, whole);
  for (const path of pathsOf(JSON.parse(line!) as object))
    for (const value of [undefined, null, 5, 'x', [], {}]) {
      const damaged = JSON.parse(line!) as object;
      put(damaged, path, value);
      writeFileSync(samples, [JSON.stringify(damaged), ...others].join('\n'));
      expectInWords(() => compare(before, after));
    }
  writeFileSync(samples, [line, ...others].join('\n'));
  writeFileSync(join(after, 'redistill.json'), readFileSync(file)); // no record of ours
  writeFileSync(file, '{"evaluation": {"version": 1}}');
  expect(() => compare(before, after)).toThrow(`${file} is damaged`);
  await regrade(after, { grader: ['verify'] });
  expect(compare(before, after).finding).toBe('unclear');
});

/** The ways to everything in a value. */
function pathsOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...pathsOf(inner).map((rest) => [key, ...rest]),
  ]);
}

function put(value: object, [key, ...rest]: readonly string[], what: unknown): void {
  const holder = value as Record<string, unknown>;
  if (rest.length > 0) put(holder[key!] as object, rest, what);
  else holder[key!] = what;
}

function expectInWords(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
  }
}
