import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { Cli, readRows, redistill, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { Random } from '../util/random.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-cli-resume-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const model = writeTinyModel(join(root, 'model'), { max_position_embeddings: 1024 });
const PROBLEMS = 60;
const problems = writeRows(
  join(root, 'problems.jsonl'),
  Array.from({ length: PROBLEMS }, (_, i) => ({ problem: `${'x'.repeat((7 * i) % 30)}${i}?`, answer: i })),
);

const KILLS = 20;
/** In 16 bits, where other shapes of products round otherwise. */
const common = [
  '--model',
  model,
  '--data',
  problems,
  '--dtype',
  'bf16',
  '--batch-size',
  '4',
  '--samples',
  '2',
];
const sampled = ['--temperature', '1', '--top-p', '0.9', '--max-tokens', '400'];

describe('killed 20 times at random moments, the file is that of an undisturbed run', () => {
  it.each([
    ['collect with a local model', ['traces.jsonl'], ['collect', ...common, ...sampled, '--instruction', '']],
    [
      'evaluate with a local model',
      ['samples.jsonl', 'disagreements.jsonl'],
      ['evaluate', ...common, ...sampled, '--grader', 'verify,rllm'],
    ],
  ])('%s', async (_, files, command) => {
    const bytesOf = (out: string) => files.map((file) => readFileSync(join(out, file), 'utf8'));
    const undisturbed = join(root, `${command[0]!}-undisturbed`);
    const begun = performance.now();
    const whole = await redistill([...command, '--out', undisturbed]);
    expect(whole, whole.stderr).toMatchObject({ code: 0 });
    const duration = performance.now() - begun;

    const out = join(root, command[0]!);
    const journal = join(out, 'journal.jsonl');
    const answersIn = () => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length - 2 : 0);
    const random = new Random(KILLS);
    for (let kill = 0; kill < KILLS; kill++) {
      const before = answersIn();
      const cli = new Cli([...command, '--out', out]);
      // Most of the time while it answers, now and then while it starts.
      if (kill % 5 !== 4) {
        const patience = performance.now() + 20 * duration;
        while (answersIn() <= before && performance.now() < patience) await sleep(2);
        await sleep(20 * random.nextFloat());
      } else await sleep(Math.min(duration, 1500) * random.nextFloat());
      expect(await cli.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
      for (const file of files) expect(existsSync(join(out, file))).toBe(false);
      expect(answersIn()).toBeGreaterThanOrEqual(before); // what was finished is kept
    }
    const atTheEnd = answersIn();
    expect(atTheEnd).toBeLessThan(2 * PROBLEMS - 10); // there was something left for the last run
    const last = await redistill([...command, '--out', out]);
    expect(last, last.stderr).toMatchObject({ code: 0 });

    expect(bytesOf(out)).toEqual(bytesOf(undisturbed));
    const entries = readRows(journal).slice(1);
    expect(entries).toHaveLength(2 * PROBLEMS);
    expect(new Set(entries.map(({ id }) => JSON.stringify(id))).size).toBe(2 * PROBLEMS);
    expect(readdirSync(out).sort()).toEqual(
      ['journal.jsonl', 'redistill.json', ...files, 'summary.json'].sort(),
    );
  });
});
